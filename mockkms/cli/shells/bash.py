"""Completion for bash, which does not need the bash-completion package."""

from __future__ import annotations

import shlex

from mockkms.cli.shells.grammar import Command, Values

_SCRIPT = r"""# bash completion for mockkms. Load it with:  eval "$(mockkms completion bash)"

# The words that may follow a command ($1), or its flag ($2) that takes a value. @files, @dirs and @command stand for
# names of files, of directories, and of programs; @value for a value that cannot be guessed.
_mockkms_words() {
    case "$1|$2" in
@TABLE@
    esac
}

_mockkms() {
    local IFS=$' \t\n' cur flag='' at=mockkms word found i count=$COMP_CWORD
    local -a words=("${COMP_WORDS[@]:0:COMP_CWORD+1}") kept=()
    # --flag=value comes as three words.
    for ((i = 0; i <= count; i++)); do
        [[ ${words[i]} == = ]] && { ((i == count)) && kept+=(''); continue; }
        kept+=("${words[i]}")
    done
    count=$((${#kept[@]} - 1)) cur=${kept[count]}
    for ((i = 1; i < count; i++)); do
        word=${kept[i]}
        if [[ -n $flag ]]; then
            flag=''
        elif [[ $word == -- ]]; then
            at="$at --"
            break
        elif [[ $word == -* ]]; then
            [[ -n $(_mockkms_words "$at" "$word") ]] && flag=$word
        elif [[ " $(_mockkms_words "$at" @commands) " == *" $word "* ]]; then
            at="$at $word"
        fi
    done
    if [[ -n $flag && $cur == -* && $(_mockkms_words "$at" "$flag") != *@* ]]; then
        flag=''
    fi
    if [[ -n $flag ]]; then
        found=$(_mockkms_words "$at" "$flag")
    elif [[ $cur == -* && $at != *' --' ]]; then
        found=$(_mockkms_words "$at" @flags)
    else
        found="$(_mockkms_words "$at" @commands) $(_mockkms_words "$at" @arguments)"
        [[ $found == ' ' ]] && found=$(_mockkms_words "$at" @flags)
    fi
    COMPREPLY=()
    for word in $found; do
        case $word in
            @files | @dirs)
                compopt -o filenames 2>/dev/null
                [[ $word == @dirs ]] && i=-d || i=-f
                while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$i" -- "$cur")
                ;;
            @command) while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -c -- "$cur") ;;
            @value) ;;
            "$cur"*) COMPREPLY+=("$word") ;;
        esac
    done
}

complete -F _mockkms mockkms
"""


def script(root: Command) -> str:
    """Return the script."""
    rows: list[str] = []
    for command in root.walk():
        at = " ".join(command.path)
        flags = [name for flag in command.flags for name in flag.names]
        taken = [word for positional in command.positionals for word in words(positional.values)]
        rows += _row(at, "@commands", [sub.path[-1] for sub in command.commands])
        rows += _row(at, "@arguments", [word for word in dict.fromkeys(taken) if word != "@value"])
        rows += _row(at, "@flags", flags)
        if "@command" in taken:
            rows += _row(f"{at} --", "@arguments", ["@command", "@files"])
        for flag in command.flags:
            if flag.values is not None:
                for name in flag.names:
                    rows += _row(at, name, words(flag.values))
    return _SCRIPT.replace("@TABLE@", "\n".join(rows))


def words(values: Values) -> list[str]:
    """Return the words of values, with the names of the kinds that the shell completes itself."""
    kinds = {"@files": values.files, "@dirs": values.directories, "@command": values.command_line}
    return [*values.words, *(kind for kind, given in kinds.items() if given)] or ["@value"]


def _row(at: str, what: str, found: list[str]) -> list[str]:
    return [f"        {shlex.quote(f'{at}|{what}')}) echo {shlex.quote(' '.join(found))} ;;"] if found else []
