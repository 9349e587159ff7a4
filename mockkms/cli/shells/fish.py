"""Completion for fish, with descriptions."""

from __future__ import annotations

from mockkms.cli.shells.grammar import Command, Flag, Values

_HEAD = r"""# fish completion for mockkms. Load it with:  mockkms completion fish | source

# True if the command line is that of the given command: its words without flags begin with the arguments.
function __mockkms_at
    set -l words (commandline -opc)
    set -l plain
    for word in $words[2..]
        string match -q -- '-*' $word; or set -a plain $word
    end
    test (count $argv) -gt 0; or begin
        test (count $plain) -eq 0
        return
    end
    test (count $plain) -ge (count $argv); and test "$plain[1..$(count $argv)]" = "$argv"
end

# The same, and none of its further commands is there yet.
function __mockkms_exactly
    set -l plain
    for word in (commandline -opc)[2..]
        string match -q -- '-*' $word; or set -a plain $word
    end
    test "$plain" = "$argv"
end

complete -c mockkms -f
"""


def script(root: Command) -> str:
    """Return the script."""
    lines: list[str] = []
    for command in root.walk():
        below = " ".join(command.path[1:])
        at = f"__mockkms_at {below}".rstrip()
        exactly = f"__mockkms_exactly {below}".rstrip()
        for sub in command.commands:
            lines.append(f"complete -c mockkms -n {_quoted(exactly)} -a {sub.path[-1]} -d {_quoted(sub.summary)}")
        for positional in command.positionals:
            given = _given(positional.values, flag=False)
            if given:
                lines.append(f"complete -c mockkms -n {_quoted(at)}{given}")
        lines += [f"complete -c mockkms -n {_quoted(at)}{_flag(flag)}" for flag in command.flags]
    return _HEAD + "\n".join(lines) + "\n"


def _flag(flag: Flag) -> str:
    names = ""
    for name in flag.names:
        kind = "-l" if name.startswith("--") else "-s" if len(name) == 2 else "-o"
        names += f" {kind} {name.lstrip('-')}"
    value = ""
    if flag.values is not None:
        value = _given(flag.values, flag=True)
        value = value if flag.optional else f" -r{value}"
    return f"{names}{value} -d {_quoted(flag.help)}"


def _given(values: Values, *, flag: bool) -> str:
    found = ""
    if values.command_line:
        return " -x -a '(__fish_complete_subcommand)'" if flag else " -a '(__fish_complete_subcommand)'"
    if values.files or values.directories:
        found += " -F"
    elif flag:
        found += " -f"
    if values.words:
        found += f" -a {_quoted(' '.join(values.words))}"
    return found


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
