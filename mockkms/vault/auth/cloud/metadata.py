"""Which data of a login become metadata of its token and alias, as the settings of a method choose.

Source: ``sdk/helper/authmetadata`` of Vault and OpenBao.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy.names import distinct


def chosen(requested: Iterable[str], usual: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the fields that a setting chooses. Raises ValueError with the server's text.

    Args:
        requested: The setting: names of fields, or ``default`` alone. Empty: no fields.
        usual: The fields that ``default`` stands for.
        known: All fields of the method, in the order of messages.
    """
    wanted = distinct(requested)
    if wanted == ["default"]:
        return list(usual)
    shown = quote(", ".join(wanted))
    if "default" in wanted:
        listed = "[" + " ".join(map(quote, wanted)) + "]"
        raise ValueError(f"{listed} contains default - default can't be used in combination with other fields")
    if not set(wanted) <= set(known):
        every = quote(", ".join(known))
        raise ValueError(f"{shown} contains an unavailable field, please select from {every}")
    return wanted


def selected(fields: Iterable[str], about: Mapping[str, str]) -> dict[str, str]:
    """Return the chosen fields of the data of a login; those without a value are left out."""
    return {name: about[name] for name in fields if about.get(name)}
