"""The manual page, from the help texts of the commands."""

from __future__ import annotations

import re

from mockkms.cli.shells.grammar import Command, Flag, Positional
from mockkms.version import __version__

_VARIABLES = {
    "MOCKKMS_URL, BAO_ADDR, VAULT_ADDR": "address of the server that the commands control",
    "MOCKKMS_CONTROL_TOKEN, MOCKKMS_CONTROL_TOKEN_FILE": "token of the control API, or a file with it",
    "MOCKKMS_CACHE_DIR": "directory of RSA keys that servers share (default: mockkms in the user's cache directory)",
    "VAULT_CACERT": "certificate of the authority that signed the server's certificate",
}
_STATUSES = {
    "0": "success",
    "1": "the command failed: a world with errors, a rule that the server refused, a comparison with differences",
    "2": "the command could not run: an unknown flag, a port in use, a server that cannot be reached",
}


def page(root: Command) -> str:
    """Return the page in the man macros."""
    lines = [
        f'.TH MOCKKMS 1 "" "mockkms {__version__}" "User Commands"',
        ".SH NAME",
        _text(f"mockkms - {root.description}"),
    ]
    lines += [".SH SYNOPSIS", ".B mockkms", ".I COMMAND", "[flags]", ".SH DESCRIPTION"]
    lines += [
        _text(
            "A server with the API of HashiCorp Vault, OpenBao and the RustFS KMS, with state in memory, for tests: and"
        )
    ]
    lines += [_text("commands that check worlds and control a running server."), ".SH COMMANDS"]
    for command in root.walk():
        if command is not root:
            lines += _command(command)
    lines += [".SH EXIT STATUS", *_listed(_STATUSES), ".SH ENVIRONMENT", *_listed(_VARIABLES)]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> list[str]:
    depth = ".SS" if len(command.path) == 2 else ".PP\n.B"
    lines = [f'{depth} "{_text(" ".join(command.path))}"']
    if len(command.path) > 2:
        lines.append(".br")
    lines.append(_text(command.description or command.summary))
    for positional in command.positionals:
        if positional.help:
            lines += [".TP", _place(positional), _text(positional.help)]
    for flag in command.flags:
        if flag.names[0] != "-h":
            lines += [".TP", _flag(flag), _text(flag.help)]
    return lines


def _place(positional: Positional) -> str:
    return rf"\fI{_text(positional.metavar)}\fR"


def _flag(flag: Flag) -> str:
    names = ", ".join(rf"\fB{_text(name)}\fR" for name in flag.names)
    if flag.values is None:
        return names
    value = rf"\fI{_text(flag.metavar)}\fR"
    return f"{names} [{value}]" if flag.optional else f"{names} {value}"


def _listed(rows: dict[str, str]) -> list[str]:
    return [line for name, text in rows.items() for line in (".TP", rf"\fB{_text(name)}\fR", _text(text))]


def _text(text: str) -> str:
    """Return text for a line of its own: backslashes and dashes escaped, in one line, not taken for a macro."""
    joined = re.sub(r"\s+", " ", text).strip().replace("\\", r"\e").replace("-", r"\-")
    joined = joined.replace("…", "...").replace('"', r"\(dq")
    return r"\&" + joined if joined.startswith((".", "'")) else joined
