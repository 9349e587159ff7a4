"""The functions of CEL with their overloads: cel-go's standard library and the extensions that OpenBao adds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

Type: TypeAlias = tuple[object, ...]
"""A name, and the types between the parentheses: ``("list", ("int",))``. ``("A",)`` is a parameter."""
DYN: Type = ("dyn",)
ERROR: Type = ("!error!",)
_ORDERED = "bool int uint double string bytes timestamp duration"


def _same(kinds: str, result: str = "") -> str:
    return ";".join(f"{kind},{kind}->{result or kind}" for kind in kinds.split())


_COMPARED = _same(_ORDERED, "bool")
_MOMENT = "timestamp.()->int;timestamp.(string)->int"
_NUMBER = "int->{0};uint->{0};double->{0}"
_EXTREME = _NUMBER.format("dyn") + ";" + _same("int uint double") + ";list(A)->dyn;dyn,dyn->dyn"
_SORTABLE = "int uint double bool duration timestamp string bytes"
_TABLE = {
    "_?_:_": "bool,A,B->dyn", "!_": "bool->bool", "_==_": "A,A->bool", "_!=_": "A,A->bool",
    "_+_": _same("bytes double duration int list(A) string uint")
    + ";duration,timestamp->timestamp;timestamp,duration->timestamp",
    "_-_": _same("double duration int uint") + ";timestamp,duration->timestamp;timestamp,timestamp->duration",
    "_*_": _same("double int uint"), "_/_": _same("double int uint"), "_%_": _same("int uint"),
    "-_": "double->double;int->int",
    "_<_": _COMPARED, "_<=_": _COMPARED, "_>_": _COMPARED, "_>=_": _COMPARED,
    "@in": "A,list(A)->bool;A,map(A,B)->bool",
    "_[_]": "list(A),int->A;map(A,B),A->B;"
    "optional_type(list(A)),int->optional_type(A);optional_type(map(A,B)),A->optional_type(B)",
    "_[?_]": "list(A),int->optional_type(A);optional_type(list(A)),int->optional_type(A);"
    "map(A,B),A->optional_type(B);optional_type(map(A,B)),A->optional_type(B)",
    "size": ";".join(f"{kind}->int;{kind}.()->int" for kind in ("bytes", "list(A)", "map(A,B)", "string")),
    "type": "A->type(A)", "dyn": "A->dyn",
    "bool": "bool->bool;string->bool", "bytes": "bytes->bytes;string->bytes",
    "double": "double->double;int->double;string->double;uint->double",
    "duration": "duration->duration;int->duration;string->duration",
    "int": "int->int;double->int;duration->int;string->int;timestamp->int;uint->int",
    "string": ";".join(f"{kind}->string" for kind in _ORDERED.split()),
    "timestamp": "timestamp->timestamp;int->timestamp;string->timestamp",
    "uint": "uint->uint;double->uint;int->uint;string->uint",
    "contains": "string.(string)->bool", "startsWith": "string.(string)->bool", "endsWith": "string.(string)->bool",
    "matches": "string,string->bool;string.(string)->bool",
    "getFullYear": _MOMENT, "getMonth": _MOMENT, "getDayOfYear": _MOMENT, "getDayOfMonth": _MOMENT, "getDate": _MOMENT,
    "getDayOfWeek": _MOMENT,
    "getHours": _MOMENT + ";duration.()->int", "getMinutes": _MOMENT + ";duration.()->int",
    "getSeconds": _MOMENT + ";duration.()->int", "getMilliseconds": _MOMENT + ";duration.()->int",
    # strings
    "charAt": "string.(int)->string", "indexOf": "string.(string)->int;string.(string,int)->int",
    "lastIndexOf": "string.(string)->int;string.(string,int)->int", "lowerAscii": "string.()->string",
    "upperAscii": "string.()->string", "replace": "string.(string,string)->string;string.(string,string,int)->string",
    "split": "string.(string)->list(string);string.(string,int)->list(string)",
    "substring": "string.(int)->string;string.(int,int)->string", "trim": "string.()->string",
    "format": "string.(list(dyn))->string", "strings.quote": "string->string",
    "join": "list(string).()->string;list(string).(string)->string",
    "reverse": "string.()->string;list(A).()->list(A)",
    # lists
    "slice": "list(A).(int,int)->list(A)", "distinct": "list(A).()->list(A)", "lists.range": "int->list(int)",
    "flatten": "list(list(A)).()->list(A);list(dyn).(int)->list(dyn)",
    "sort": ";".join(f"list({kind}).()->list({kind})" for kind in _SORTABLE.split()),
    "first": "list(A).()->optional_type(A)", "last": "list(A).()->optional_type(A)",
    # optional values
    "optional.of": "A->optional_type(A)", "optional.ofNonZeroValue": "A->optional_type(A)",
    "optional.none": "->optional_type(A)", "optional.unwrap": "list(optional_type(A))->list(A)",
    "value": "optional_type(A).()->A", "hasValue": "optional_type(A).()->bool",
    "or": "optional_type(A).(optional_type(A))->optional_type(A)", "orValue": "optional_type(A).(A)->A",
    "unwrapOpt": "list(optional_type(A)).()->list(A)",
    # regular expressions, sets, encodings
    "regex.replace": "string,string,string->string;string,string,string,int->string",
    "regex.extract": "string,string->optional_type(string)", "regex.extractAll": "string,string->list(string)",
    "sets.contains": "list(A),list(A)->bool", "sets.equivalent": "list(A),list(A)->bool",
    "sets.intersects": "list(A),list(A)->bool",
    "base64.encode": "bytes->string", "base64.decode": "string->bytes",
    # mathematics
    "math.@max": _EXTREME, "math.@min": _EXTREME,
    "math.ceil": "double->double", "math.floor": "double->double", "math.round": "double->double",
    "math.trunc": "double->double", "math.isInf": "double->bool", "math.isNaN": "double->bool",
    "math.isFinite": "double->bool", "math.abs": "double->double;int->int;uint->uint",
    "math.sign": "double->double;int->int;uint->uint", "math.sqrt": _NUMBER.format("double"),
    "math.bitAnd": _same("int uint"), "math.bitOr": _same("int uint"), "math.bitXor": _same("int uint"),
    "math.bitNot": "int->int;uint->uint", "math.bitShiftLeft": "int,int->int;uint,int->uint",
    "math.bitShiftRight": "int,int->int;uint,int->uint",
    # OpenBao's own
    "check_valid_email": "string->bool", "encode_json": "dyn->string", "decode_json": "string->dyn",
}  # fmt: skip
TYPES = {
    "bool": "bool", "bytes": "bytes", "double": "double", "int": "int", "string": "string", "uint": "uint",
    "list": "list(dyn)", "map": "map(dyn, dyn)", "null_type": "null", "type": "type",
    "optional_type": "optional_type(dyn)", "timestamp": "timestamp", "duration": "duration",
    "google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration",
}  # fmt: skip
"""Names of types, and the types."""
_WORD = re.compile(r"[\w.]+|[(),]")


def read(text: str) -> Type:
    """Return a type from its notation, such as ``map(string,list(int))``."""
    words = _WORD.findall(text)

    def one() -> Type:
        name, inner = words.pop(0), []
        if words and words[0] == "(":
            while words.pop(0) != ")":
                inner.append(one())
        return (name, *inner)

    return one()


def _listed(text: str) -> list[Type]:
    """Return the types between parentheses or before an arrow."""
    return [part for part in read(f"x({text})")[1:] if isinstance(part, tuple)] if text else []


@lru_cache(maxsize=256)
def overloads(name: str) -> tuple[tuple[bool, list[Type], Type], ...] | None:
    """Return whether each overload has a receiver, its types and its result; None for an unknown function."""
    text = _TABLE.get(name)
    if text is None:
        return None
    found = []
    for overload in text.split(";"):
        taken, _, result = overload.partition("->")
        receiver, dot, rest = taken.partition(".(")
        types = [read(receiver), *_listed(rest[:-1])] if dot else _listed(taken)
        found.append((bool(dot), types, read(result)))
    return tuple(found)
