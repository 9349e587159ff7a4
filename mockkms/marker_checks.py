"""Checks of worlds, rules and plans of chaos that a test declares, before a server has them.

What only a server can tell, such as whether it has TLS, is checked when it gets them; so is what depends on the world
over which another one is merged, such as whether an entity exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mockkms.faults import FaultError, RuleBook
from mockkms.faults.chaos.plans import read_plan
from mockkms.faults.parsing import within
from mockkms.faults.rule import Rule


def wrong_rules(rules: Sequence[Mapping[str, object]]) -> list[str]:
    """Return all errors of a list of rules and scripts, each with its place, as in ``faults[0].times: expected …``."""
    found: list[str] = []
    for place, rule in enumerate(rules):
        try:
            with within("faults", place):
                if "script" in rule:
                    RuleBook().extend(rule)
                else:
                    Rule(rule, rule_id="rule", now=0, seed=0)
        except FaultError as error:
            found += [one.line for one in error.each()]
    return found


def wrong_chaos(plan: object) -> list[str]:
    """Return all errors of a plan of chaos, or of the name or percentage that stands for one."""
    try:
        read_plan(plan)
    except FaultError as error:
        return [one.line for one in error.each()]
    return []


def wrong_seed(seed: object) -> list[str]:
    """Return the errors of a world, or a list of worlds, that no world over which it is merged could mend."""
    from mockkms.worldfile.spec import own_errors  # Imports the format of world files.

    return [str(one) for one in own_errors(seed if isinstance(seed, (list, tuple)) else [seed])]
