"""Plain JSON of the values in types, and back, with errors that name what does not fit."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from reprlib import Repr
from typing import Any, TypeVar

import numpy as np

from robokiln.types import RobokilnError, lookup

T = TypeVar("T")
_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 80, 80


def shown(value: Any) -> str:
    """A short `repr` for a message: what is refused may be endless or deep."""
    return _SHORT.repr(value)


def to_json(value: Any) -> Any:
    """Plain JSON of a dataclass made of dataclasses, mappings, tuples and scalars."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def from_json(cls: type[T], data: Any, where: str = "") -> T:
    """Rebuild a dataclass from its `to_json`; a RobokilnError names an unknown, missing or
    mistyped key."""
    return typing.cast(T, _decode(cls, data, where or cls.__name__))


def parse_json(text: str | bytes) -> Any:
    """`json.loads` for text from anywhere: whatever is wrong with it, nesting too, is a
    ValueError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _decode(hint: Any, data: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _decode_dataclass(hint, data, where)
    if origin is tuple and isinstance(data, (list, tuple)):
        many = len(args) == 2 and args[1] is Ellipsis
        if not many and len(args) != len(data):
            raise RobokilnError(f"{where}: expected {len(args)} values, got {len(data)}")
        hints = [args[0]] * len(data) if many else args
        return tuple(
            _decode(h, d, f"{where}[{i}]") for i, (h, d) in enumerate(zip(hints, data, strict=True))
        )
    if (
        origin is not None
        and isinstance(origin, type)
        and issubclass(origin, Mapping)
        and isinstance(data, Mapping)
    ):
        return {
            _decode(args[0], k, where): _decode(args[1], v, f"{where}.{k}") for k, v in data.items()
        }
    if origin in (typing.Union, types.UnionType):
        if data is None and type(None) in args:
            return None
        return _decode(next(a for a in args if a is not type(None)), data, where)
    if hint is float and isinstance(data, (int, float)) and not isinstance(data, bool):
        return _finite(data, where)
    if (
        isinstance(hint, type)
        and isinstance(data, hint)
        and not (hint is int and isinstance(data, bool))
    ):
        return data
    expected = getattr(hint, "__name__", hint)
    raise RobokilnError(f"{where}: expected {expected}, got {shown(data)}")


def _finite(data: float, where: str) -> float:
    """NaN and infinity are no JSON, though Python reads and writes them."""
    try:
        value = float(data)
    except OverflowError:
        value = math.inf
    if math.isfinite(value):
        return value
    raise RobokilnError(f"{where}: expected a finite number, got {shown(data)}")


def _decode_dataclass(hint: Any, data: Any, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise RobokilnError(f"{where}: expected a mapping, got {shown(data)}")
    hints = typing.get_type_hints(hint)
    fields = {f.name: f for f in dataclasses.fields(hint)}
    for key in data:
        lookup(f"{where}: key", str(key), fields)
    for name, field in fields.items():
        optional = (field.default, field.default_factory) != (dataclasses.MISSING,) * 2
        if name not in data and not optional:
            raise RobokilnError(f"{where}: '{name}' is missing")
    return hint(**{k: _decode(hints[k], v, f"{where}.{k}") for k, v in data.items()})


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values with others on top, key by key, mappings inside too."""
    found = dict(below)
    for key, value in above.items():
        old = found.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        found[key] = overlaid(old or {}, value) if both else value
    return found
