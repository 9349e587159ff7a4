"""The flags of ``serve`` for the control API, the fault rules and the clock."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.cli import screen
from mockkms.cli.arguments import CommandError, port_number, rng
from mockkms.cli.options.chaos import is_file
from mockkms.control_token import DEFAULTS, control_token
from mockkms.error_context import error_context

if TYPE_CHECKING:
    from mockkms.kms import MockKMS

_SHIFT = re.compile(r"[+-]\S+")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    world = parser.add_argument_group("faults and clock")
    rules = "a YAML list of fault rules, added after those of the world"
    world.add_argument("--faults", action="append", default=[], type=Path, metavar="FILE", help=rules)
    plan = "failures on live traffic: 2%%, the name of an incident, a YAML file, or phases: normal=30s,sealed=10s"
    world.add_argument("--chaos", metavar="PLAN", help=plan)
    world.add_argument("--chaos-seed", type=rng, metavar="SEED", help="seed of the random choices of --chaos")
    world.add_argument("--fault-header", action="store_true", help="responses name the fault rules that changed them")
    world.add_argument("--redact", action="store_true", help="remove secrets from the bodies in the journal")
    clock = "TIME: frozen at that time; frozen: frozen at the start time; +30d, -1h: running, with that offset"
    world.add_argument("--clock", metavar="TIME|frozen", help=clock)
    control = parser.add_argument_group("control API, below /_mockkms/")
    token = f"require this token in X-Mockkms-Token (default: {DEFAULTS}; unset: no token required)"
    control.add_argument("--control-token", metavar="TOKEN", help=token)
    file = "read the token from this file: it does not show in the list of processes"
    control.add_argument("--control-token-file", type=Path, metavar="FILE", help=file)
    port = "also answer the control API alone on this port, over plain HTTP, where no fault touches it; 0 picks one"
    control.add_argument("--control-port", type=port_number, metavar="PORT", help=port)
    control.add_argument("--control-anywhere", action="store_true", help="also answer clients on other machines")
    pages = "also answer browsers for pages of this host name; may be repeated (default: loopback names)"
    control.add_argument("--allow-host", action="append", default=[], metavar="NAME", help=pages)


def is_offset(clock: str) -> bool:
    """Return whether a value of ``--clock`` is an offset, such as ``+30d``."""
    return _SHIFT.fullmatch(clock) is not None


def option(name: str, sections: Mapping[str, object]) -> object:
    """Return the world that stands for an option, whose name errors show."""
    from mockkms.worldfile.sources import Option  # Most servers start without a world.

    return Option(name, sections)


def seeds(options: argparse.Namespace) -> list[object]:
    """Return the worlds described by these flags. Raises CommandError."""
    found: list[object] = []
    if options.clock is not None and not is_offset(options.clock):
        found.append(option("--clock", {"clock": _moment(options.clock)}))
    if options.faults:
        from mockkms.worldfile.sources import FaultsFile

        found += [FaultsFile(path) for path in options.faults]
    found += _chaos(options)
    if options.fault_header:
        found.append(option("--fault-header", {"fault_header": True}))
    if options.redact:
        found.append(option("--redact", {"journal": {"redact": True}}))
    return found


def _chaos(options: argparse.Namespace) -> list[object]:
    """Return the world of ``--chaos``. Raises CommandError."""
    if options.chaos is None:
        if options.chaos_seed is not None:
            raise CommandError("--chaos-seed needs --chaos")
        return []
    seed = {} if options.chaos_seed is None else {"seed": options.chaos_seed}
    if is_file(options.chaos):
        from mockkms.worldfile.sources import ChaosFile

        more = [option("--chaos-seed", {"chaos": seed})] if seed else []
        return [{"chaos": None}, ChaosFile(options.chaos), *more]
    from mockkms.faults.chaos.plans import read_plan

    with error_context("--chaos: ", CommandError):
        read_plan(options.chaos)
    # The plan of a world is replaced, not merged with this one.
    return [{"chaos": None}, option("--chaos", {"chaos": {"plan": options.chaos, **seed}})]


def guards(options: argparse.Namespace) -> dict[str, object]:
    """Return the arguments of MockKMS for access to the control API; warn if it is open to other machines.

    Raises CommandError for a token file that cannot be read.
    """
    if options.control_token == "":
        # Of a variable that is not set, most likely; without a token everybody may use the control API.
        raise CommandError("--control-token is empty; leave it out to require no token")
    with error_context(raised=CommandError):
        token = control_token(options.control_token, options.control_token_file)
    if options.control_anywhere:
        who = "anyone who knows the control token" if token else "anyone who can reach this machine"
        screen.warn(f"--control-anywhere: {who} can read all secrets of this server and change its state")
    return {
        "control_token": token,
        "control_anywhere": options.control_anywhere,
        "control_port": options.control_port,
        "allow_hosts": options.allow_host,
    }


def shift(kms: MockKMS, options: argparse.Namespace) -> None:
    """Apply the offset of ``--clock`` to a running clock. Raises CommandError."""
    if options.clock is not None and is_offset(options.clock):
        from mockkms.faults.parsing import seconds

        with error_context(f"--clock {options.clock}: ", CommandError):
            kms.clock.advance(float(f"{options.clock[0]}1") * seconds(options.clock[1:]))
        kms.set_baseline()


def _moment(text: str) -> str:
    from mockkms.world.clock import parse_rfc3339, rfc3339, seconds_of

    if text == "frozen":
        return rfc3339(time.time())
    with error_context(
        raised=CommandError, text=f"--clock {text}: expected a time (2026-01-01T00:00:00Z), frozen, +30d or -1h"
    ):
        moment = parse_rfc3339(text)
    with error_context(f"--clock {text}: ", CommandError):
        return rfc3339(seconds_of(moment))
