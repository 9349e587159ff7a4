"""JSONx, the XML of IBM's DataPower for JSON: the format ``jsonx`` of audit devices.

An entry has neither the header nor the outer object, and texts are written without escapes, as by the Go module
``jefferai/jsonx``, which Vault uses.
"""

from __future__ import annotations

import json
from xml.sax.saxutils import escape


def encoded(entry: dict[str, object]) -> bytes:
    """Return an entry of the log, without a line break."""
    # A copy by way of JSON: what it holds besides JSON's own types is written as in the other format.
    plain: dict[str, object] = json.loads(json.dumps(entry))
    return "".join(_element(value, key) for key, value in sorted(plain.items())).encode("utf-8", "replace")


def _element(value: object, name: str = "") -> str:
    label = f' name="{escape(name, _QUOTES)}"' if name else ""
    match value:
        case None:
            return f"<json:null{label} />"
        case bool():
            return f"<json:boolean{label}>{str(value).lower()}</json:boolean>"
        case str():
            return f"<json:string{label}>{value}</json:string>"
        case list():
            return f"<json:array{label}>{''.join(map(_element, value))}</json:array>"
        case dict():
            inner = "".join(_element(item, key) for key, item in sorted(value.items()))
            return f"<json:object{label}>{inner}</json:object>"
    return f"<json:number{label}>{json.dumps(value)}</json:number>"


_QUOTES = {'"': "&#34;", "'": "&#39;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}
