"""CEL programs that would compute for hours, or fill the memory, end soon with an error that says so."""

from __future__ import annotations

import pytest

pytest.importorskip("celpy")

from mockkms.vault.cel.program import CelError, Program, Variable

_STEPS = "mockkms evaluates at most 250,000 steps of a program"
_SIZE = "mockkms evaluates values of at most 4,194,304 characters or elements"
_LIST = "[1,2,3,4,5,6,7,8,9]"


def _nested(names: str) -> str:
    expression = "1 > 0"
    for name in names:
        expression = f"{_LIST}.all({name}, {expression})"
    return expression


def _doubling(times: int) -> Program:
    variables = [Variable("v0", "'0123456789abcdef'")]
    variables += [Variable(f"v{number}", f"v{number - 1} + v{number - 1}") for number in range(1, times)]
    return Program(f"size(v{times - 1})", variables)


_LONG = _doubling(18).variables
PROGRAMS: dict[str, tuple[Program, str]] = {
    "macros": (Program(_nested("abcdefgh")), _STEPS),
    "the budget is that of all variables": (
        Program("1 > 0", [Variable(f"v{number}", _nested("abcd")) for number in range(100)]),
        _STEPS,
    ),
    "addition": (_doubling(60), _SIZE),
    "replace": (Program("v17.replace('0', v17)", _LONG), _SIZE),
    "join": (Program("v17.split('').join(v17)", _LONG), _SIZE),
    "format": (Program("'%s%s%s'.format([v17, v17, v17])", _LONG), _SIZE),
    "distinct": (Program("v17.split('').distinct()", _LONG), _SIZE),
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_a_program_that_computes_too_much_is_refused(case: str) -> None:
    program, refusal = PROGRAMS[case]
    with pytest.raises(CelError, match=f"{refusal}$"):
        program.evaluate({})


def test_each_evaluation_has_a_budget_of_its_own() -> None:
    program = Program(_nested("abcd"))
    assert [bool(program.evaluate({})) for _ in range(3)] == [True] * 3
    assert _doubling(18).evaluate({}) == 16 * 2**17
