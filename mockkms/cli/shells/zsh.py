"""Completion for zsh, with descriptions."""

from __future__ import annotations

import shlex

from mockkms.cli.shells.grammar import Command, Flag, Values

_SCRIPT = r"""#compdef mockkms
# zsh completion for mockkms. Load it with:  source <(mockkms completion zsh)
# or write it to a file named _mockkms in a folder of $fpath.

@FUNCTIONS@
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
if [[ $funcstack[1] == _mockkms ]]; then
    _mockkms "$@"
else
    compdef _mockkms mockkms
fi
"""
_COMMANDS = r"""@NAME@() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -C @ARGUMENTS@ '1: :->command' '*:: :->rest'
    case $state in
        command)
            local -a found=(@LIST@)
            _describe -t commands command found
            ;;
        rest)
            case $line[1] in
@CASES@
            esac
            ;;
    esac
}
"""


def script(root: Command) -> str:
    """Return the script."""
    return _SCRIPT.replace("@FUNCTIONS@", "\n".join(_function(command) for command in root.walk()))


def _function(command: Command) -> str:
    name = _name(command)
    flags = [_flag(flag) for flag in command.flags]
    if command.commands:
        listed = " ".join(shlex.quote(f"{sub.path[-1]}:{sub.summary}") for sub in command.commands)
        cases = "\n".join(f"                {sub.path[-1]}) {_name(sub)} ;;" for sub in command.commands)
        filled = {"@NAME@": name, "@ARGUMENTS@": " ".join(flags), "@LIST@": listed, "@CASES@": cases}
        text = _COMMANDS
        for mark, value in filled.items():
            text = text.replace(mark, value)
        return text
    places = [
        shlex.quote(f"{'*' if one.repeated else ''}:{_escaped(one.metavar.lower())}:{_completer(one.values)}")
        if not one.values.command_line
        else "'*:::command:_normal'"
        for one in command.positionals
    ]
    return f"{name}() {{\n    _arguments {' '.join([*flags, *places])}\n}}\n"


def _name(command: Command) -> str:
    return "_" + "_".join(part.replace("-", "_") for part in command.path)


def _flag(flag: Flag) -> str:
    """Return the arguments of ``_arguments`` for a flag, as one brace expansion if it has several spellings."""
    value = ""
    if flag.values is not None:
        value = f"{'::' if flag.optional else ':'}{_escaped(flag.metavar.lower())}:{_completer(flag.values)}"
    described = shlex.quote(f"[{_escaped(flag.help)}]{value}")
    names = "{" + ",".join(flag.names) + "}" if len(flag.names) > 1 else flag.names[0]
    return f"'*'{names}{described}"


def _completer(values: Values) -> str:
    if values.files:
        choices = [f"'words:word:({' '.join(values.words)})'", "'files:file:_files'"]
        return f"_alternative {' '.join(choices)}" if values.words else "_files"
    if values.directories:
        return "_files -/"
    return f"({' '.join(values.words)})" if values.words else " "


def _escaped(text: str) -> str:
    for mark in "\\[]:":
        text = text.replace(mark, "\\" + mark)
    return text
