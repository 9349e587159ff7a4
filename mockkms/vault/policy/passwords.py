"""Password policies: ``length`` and ``charset`` rules with a minimum number of characters each."""

from __future__ import annotations

from mockkms.error_context import error_context
from mockkms.lazy_dataclass import dataclass
from mockkms.vault import hcl
from mockkms.vault.framework.context import Context
from mockkms.vault.framework.fields import ConversionError
from mockkms.vault.framework.message import BackendError, refusing
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang.fmt import error_list, shown
from mockkms.world.entropy import Entropy

_LARGEST_CHARSET = 256
"""Characters."""
_ATTEMPTS = 2000
"""Draws after which a policy counts as one that no password meets; the real server stops after a second."""


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

        Raises ValueError for a charset of more than 256 characters, or if no draw meets the rules.
        """
        charset = self.charset
        if len(charset) > _LARGEST_CHARSET:
            raise ValueError("unable to generate random characters: charset is too long: limited to 255 characters")
        for _ in range(_ATTEMPTS):
            password = "".join(charset[entropy.below(len(charset))] for _ in range(self.length))
            if all(rule.passes(password) for rule in self.rules):
                return password
        raise ValueError("timed out generating string")


def parse_password_policy(text: str) -> PasswordPolicy:
    """Parse an HCL or JSON text into a policy. Raises ValueError, ConversionError where the products' texts differ."""
    with error_context("unable to decode: "):
        data = hcl.loads(text)
    length = _whole(data, "length", "failed to decode configuration: ")
    rules = tuple(_rule(block) for block in _blocks(data.get("rule", []), "unable to retrieve rules: "))
    policy = PasswordPolicy(length, rules)
    faults = _faults(policy)
    if faults:
        raise ValueError(error_list(faults))
    return policy


def _decoding(before: str, fault: str, older: str) -> ConversionError:
    return ConversionError(
        f"{before}decoding failed due to the following error(s):\n\n{fault}",
        f"{before}1 error(s) decoding:\n\n* {older}",
    )


def _whole(data: dict[str, object], name: str, before: str) -> int:
    value = next((value for key, value in data.items() if key.casefold() == name), 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        kind = {bool: "bool", str: "string"}.get(type(value)) or _list_kind(value)
        fault = f"'{name}' expected type 'int', got unconvertible type '{kind}'"
        raise _decoding(before, fault, f"{fault}, value: '{shown(value)}'")
    return int(value)


def _list_kind(value: object) -> str:
    blocks = isinstance(value, list) and value and isinstance(value[0], dict)
    return "[]map[string]interface {}" if blocks else "[]interface {}"


_KINDS: dict[type, str] = {bool: "bool", str: "string", int: "int", float: "float64"}


def _blocks(value: object, before: str) -> list[dict[str, object]]:
    """Return a value as a list of blocks; a single block becomes a list of one."""
    blocks: list[dict[str, object]] = []
    for index, block in enumerate(value if isinstance(value, list) else [value]):
        if isinstance(block, dict):
            blocks.append(block)
        else:
            kind = _KINDS.get(type(block), "slice")
            fault = f"'[{index}]' expected a map"
            raise _decoding(before, f'{fault} or struct, got "{kind}"', f"{fault}, got '{kind}'")
    return blocks


def _rule(block: dict[str, object]) -> CharsetRule:
    if not block:
        raise ValueError("unable to parse rules: unable to get rule info: rule is empty")
    kind, value = next(iter(block.items()))
    before = "unable to parse rules: unable to get rule info: unable to get rule data: "
    if not isinstance(value, (dict, list)):
        fault = f"source data must be an array or slice, got {_KINDS.get(type(value), 'slice')}"
        raise ConversionError(f"{before}'' {fault}", f"{before}'': {fault}")
    found = _blocks(value, before)
    if not found:
        raise ValueError("unable to parse rules: unable to get rule info: rule info cannot be empty")
    if kind != "charset":
        raise ValueError(f"unable to parse rules: unable to parse rule {kind}: unrecognized rule type {kind}")
    before = f"unable to parse rules: unable to parse rule {kind}: failed to parse charset restriction: "
    charset = next((v for key, v in found[0].items() if key.casefold() == "charset"), "")
    if not isinstance(charset, str):
        raise _charset_error(charset, before)
    return CharsetRule(charset, _whole(found[0], "min-chars", before))


def _charset_error(value: object, before: str) -> ConversionError:
    if isinstance(value, list):
        fault = "'charset[0]' expected type 'int32', got unconvertible type 'string'"
        return _decoding(before, fault, f"{fault}, value: '{shown(value[0]) if value else ''}'")
    kind = {bool: "bool", int: "int", float: "float64"}.get(type(value), "map")
    fault = f"'charset': source data must be an array or slice, got {kind}"
    return _decoding(before, fault, fault)


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


def policy_password(core: Context, namespace: str, name: str) -> str:
    """Return a password for an engine, by the named policy of its namespace, as Vault's ``GeneratePasswordFromPolicy``.

    Raises BackendError for an unknown policy and for one that no password can follow.
    """
    refuse_relative(core.product, name, "failed to retrieve password policy: ")
    text = core.state.policies.password.get((namespace, name))
    if text is None:
        raise BackendError("no password policy found")
    with refusing(error=BackendError):
        return parse_password_policy(text).generate(core.entropy)
