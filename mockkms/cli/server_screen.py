"""The output of ``mockkms server``: the lines of ``vault server`` that scripts and containers parse."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mockkms.cli import screen

if TYPE_CHECKING:
    from mockkms.kms import MockKMS

_DEV = """\
WARNING! dev mode is enabled! In this mode, {product} runs entirely in-memory
and starts unsealed with a single unseal key. The root token is already
authenticated to the CLI, so you can immediately begin using {product}.

You may need to set the following environment variables:

    $ export {variable}_ADDR='{url}'
{certificate}
The unseal key and root token are displayed below in case you want to
seal/unseal the Vault or re-authenticate.

Unseal Key: {key}
Root Token: {token}

Development mode should NOT be used in production installations!
"""


def started(kms: MockKMS, configurations: Sequence[str], *, dev: bool, ca_file: str) -> str:
    """Return the output printed once the server listens. ``ca_file``: path of its generated CA certificate, if any."""
    flavor = kms.world.core.product
    lines = ["", f"==> {flavor.texts.product} server configuration:", ""]
    lines += [f"{name:>24}: {value}" for name, value in sorted(_facts(kms, configurations).items())]
    lines += ["", f"==> {flavor.texts.product} server started! Log data will stream in below:", ""]
    if dev and kms.state == "unsealed":
        variable = "BAO" if flavor.texts.cli == "bao" else "VAULT"
        certificate = f"    $ export {variable}_CACERT='{ca_file}'\n" if ca_file else ""
        key = kms.unseal_keys[0] if kms.unseal_keys else ""
        lines.append(
            _DEV.format(
                product=flavor.texts.product, variable=variable, url=kms.url, certificate=certificate,
                key=key, token=kms.token,
            )
        )  # fmt: skip
    return "\n".join(lines)


def _facts(kms: MockKMS, configurations: Sequence[str]) -> dict[str, str]:
    flavor = kms.world.core.product
    facts = {
        "Api Address": kms.url,
        "Cgo": "disabled",
        "Cluster Address": f"https://{_cluster(kms.url)}",
        **{f"Listener {number}": _listener(url) for number, url in enumerate([kms.url, *kms.further_urls], 1)},
        "Log Level": "info",
        "Mlock": "supported: true, enabled: false",
        "Recovery Mode": "false",
        "Storage": kms.world.core.server.storage,
        "Version": f"{flavor.texts.product} v{flavor.version}, built {flavor.build_date}",
    }
    if configurations:
        facts["Configuration"] = ", ".join(configurations)
    return facts


def ignore_reloads(kms: MockKMS) -> None:
    """Answer SIGHUP with the real server's line. It makes the real server reload its files and has no effect here."""
    number = getattr(signal, "SIGHUP", None)
    if number is not None:
        text = f"==> {kms.world.core.product.texts.product} reload triggered"
        signal.signal(number, lambda *_: screen.say(text))


def _cluster(url: str) -> str:
    """Return the cluster address that belongs to an API address: the next port."""
    host, _, port = url.partition("://")[2].rpartition(":")
    return f"{host}:{int(port) + 1}"


def _listener(url: str) -> str:
    scheme, _, address = url.partition("://")
    if scheme == "unix":
        return f'unix (addr: "{address}")'
    tls = "enabled" if scheme == "https" else "disabled"
    return f'tcp (addr: "{address}", cluster address: "{_cluster(url)}", tls: "{tls}")'


def follow(kms: MockKMS) -> None:
    """Log the seal state, now and whenever it changes."""
    seen = [""]

    def look(_: object = None) -> None:
        state = kms.state
        if state != seen[0]:
            seen[0] = state
            screen.note(f"{_moment(kms)} [INFO]  core: {_WORDS[state]}")

    look()
    kms.journal.subscribe(look)


_WORDS = {
    "uninitialized": "security barrier not initialized",
    "sealed": "vault is sealed",
    "unsealed": "vault is unsealed",
}


def _moment(kms: MockKMS) -> str:
    from mockkms.world.clock import rfc3339

    return rfc3339(kms.world.clock.now())
