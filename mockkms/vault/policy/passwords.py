"""Password policies: ``length`` and ``charset`` rules with a minimum number of characters each."""

from __future__ import annotations

from mockkms.lazy_dataclass import dataclass
from mockkms.vault import hcl
from mockkms.vault.golang.fmt import shown
from mockkms.world.entropy import Entropy

_LARGEST_CHARSET = 256
_ATTEMPTS = 2000


class PasswordPolicyError(ValueError):
    """An invalid password policy. ``str()`` is OpenBao's text, ``older`` that of Vault's older decoder."""

    def __init__(self, text: str, older: str = "") -> None:
        super().__init__(text)
        self.older = older or text

    def behind(self, before: str) -> PasswordPolicyError:
        """Return the same error with ``before`` as a prefix."""
        return type(self)(before + str(self), before + self.older)


@dataclass(frozen=True)
class CharsetRule:
    """Requires at least ``least`` characters from ``charset``."""

    charset: str
    least: int = 0

    def passes(self, password: str) -> bool:
        """Return whether a password meets the rule."""
        return sum(char in self.charset for char in password) >= self.least


@dataclass(frozen=True)
class PasswordPolicy:
    """A checked password policy."""

    length: int
    rules: tuple[CharsetRule, ...]

    @property
    def charset(self) -> str:
        """The characters of all rules, sorted, without duplicates."""
        return "".join(sorted({char for rule in self.rules for char in rule.charset}))

    @property
    def possible(self) -> bool:
        """Whether any password can meet the rules."""
        return all(rule.charset for rule in self.rules if rule.least > 0)

    def generate(self, entropy: Entropy) -> str:
        """Return a password, drawn uniformly from the charset, that meets every rule.

        Raises PasswordPolicyError for a charset of more than 256 characters, or if no draw meets the rules.
        """
        charset = self.charset
        if len(charset) > _LARGEST_CHARSET:
            raise PasswordPolicyError(
                "unable to generate random characters: charset is too long: limited to 255 characters"
            )
        for _ in range(_ATTEMPTS):
            password = "".join(charset[entropy.below(len(charset))] for _ in range(self.length))
            if all(rule.passes(password) for rule in self.rules):
                return password
        raise PasswordPolicyError("timed out generating string")


def parse_password_policy(text: str) -> PasswordPolicy:
    """Parse an HCL or JSON text into a policy. Raises PasswordPolicyError."""
    try:
        data = hcl.loads(text)
    except hcl.HclError as error:
        raise PasswordPolicyError(f"unable to decode: {error}") from None
    length = _whole(data, "length", "failed to decode configuration: ")
    try:
        rules = tuple(_rule(block) for block in _blocks(data.get("rule", []), "unable to retrieve rules: "))
    except _RuleError as error:
        raise error.behind("unable to parse rules: ") from None
    policy = PasswordPolicy(length, rules)
    faults = _faults(policy)
    if faults:
        raise PasswordPolicyError(hcl.bullets(faults))
    return policy


class _RuleError(PasswordPolicyError):
    """A rule that cannot be read."""


def _decoding(fault: str, older: str) -> PasswordPolicyError:
    return PasswordPolicyError(
        f"decoding failed due to the following error(s):\n\n{fault}", f"1 error(s) decoding:\n\n* {older}"
    )


def _whole(data: dict[str, object], name: str, before: str) -> int:
    value = next((value for key, value in data.items() if key.casefold() == name), 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        kind = {bool: "bool", str: "string"}.get(type(value)) or _list_kind(value)
        fault = f"'{name}' expected type 'int', got unconvertible type '{kind}'"
        raise _decoding(fault, f"{fault}, value: '{shown(value)}'").behind(before)
    return int(value)


def _list_kind(value: object) -> str:
    blocks = isinstance(value, list) and value and isinstance(value[0], dict)
    return "[]map[string]interface {}" if blocks else "[]interface {}"


def _blocks(value: object, before: str) -> list[dict[str, object]]:
    """Return a value as a list of blocks; a single block becomes a list of one."""
    blocks: list[dict[str, object]] = []
    for index, block in enumerate(value if isinstance(value, list) else [value]):
        if isinstance(block, dict):
            blocks.append(block)
        else:
            kind = {bool: "bool", str: "string", int: "int", float: "float64"}.get(type(block), "slice")
            fault = f"'[{index}]' expected a map"
            raise _decoding(f'{fault} or struct, got "{kind}"', f"{fault}, got '{kind}'").behind(before)
    return blocks


def _rule(block: dict[str, object]) -> CharsetRule:
    if not block:
        raise _RuleError("unable to get rule info: rule is empty")
    kind, value = next(iter(block.items()))
    try:
        found = _blocks(value, "")
    except PasswordPolicyError as error:
        raise _rule_error(error, "unable to get rule info: unable to get rule data: ") from None
    if not found:
        raise _RuleError("unable to get rule info: rule info cannot be empty")
    if kind != "charset":
        raise _RuleError(f"unable to parse rule {kind}: unrecognized rule type {kind}")
    before = f"unable to parse rule {kind}: failed to parse charset restriction: "
    charset = next((v for key, v in found[0].items() if key.casefold() == "charset"), "")
    if not isinstance(charset, str):
        raise _rule_error(_charset_error(charset), before)
    try:
        least = _whole(found[0], "min-chars", "")
    except PasswordPolicyError as error:
        raise _rule_error(error, before) from None
    return CharsetRule(charset, least)


def _rule_error(error: PasswordPolicyError, before: str) -> _RuleError:
    return _RuleError(before + str(error), before + error.older)


def _charset_error(value: object) -> PasswordPolicyError:
    if isinstance(value, list):
        fault = "'charset[0]' expected type 'int32', got unconvertible type 'string'"
        return _decoding(fault, f"{fault}, value: '{shown(value[0]) if value else ''}'")
    kind = {bool: "bool", int: "int", float: "float64"}.get(type(value), "map")
    fault = f"'charset': source data must be an array or slice, got {kind}"
    return _decoding(fault, fault)


def _faults(policy: PasswordPolicy) -> list[str]:
    faults = []
    least = sum(rule.least for rule in policy.rules)
    if policy.length <= 0:
        faults.append("length must be > 0")
    elif policy.length < least:
        faults.append(f"specified rules require at least {least} characters but {policy.length} is specified")
    charset = policy.charset
    if not charset:
        faults.append("no charset specified")
    elif not all(char.isprintable() for char in charset):
        faults.append("non-printable character in charset")
    return faults
