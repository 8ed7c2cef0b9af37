"""Whether a value has the shape that its type says, all the way down: what is read from a file of others can be anything."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

MOST = 2**63
"""No count of a report is larger."""

LARGEST = 2.0**128
"""No other number of a report is larger: what float32 and bfloat16 can hold. Sums and squares of such numbers are finite."""

Fits = Callable[[Any], bool]


def check(value: object, kind: type) -> None:
    """Raise ValueError, with the field that does not fit, for what is no such dataclass. Numbers have to be finite."""
    if not _fits(kind)(value):
        raise ValueError(f"no {kind.__name__}")


@cache
def _fits(kind: Any) -> Fits:
    """Of a type as the model writes it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        some = [_fits(one) for one in arguments]
        return lambda value: any(fits(value) for fits in some)
    if origin is Literal:
        return lambda value: type(value) is str and value in arguments
    if origin is tuple and arguments[-1] is Ellipsis:
        each = _fits(arguments[0])
        return lambda value: type(value) is tuple and all(map(each, value))
    if origin is tuple:
        parts = [_fits(one) for one in arguments]
        return lambda value: (
            type(value) is tuple
            and len(value) == len(parts)
            and all(fits(one) for fits, one in zip(parts, value, strict=True))
        )
    if origin is Mapping:
        key, item = map(_fits, arguments)
        return lambda value: type(value) is dict and all(map(key, value)) and all(map(item, value.values()))
    return _of_class(kind) if is_dataclass(kind) else _plain(kind)


def _plain(kind: Any) -> Fits:
    if kind is float:
        return lambda value: type(value) in (float, int) and -LARGEST < value < LARGEST
    if kind is int:
        return lambda value: type(value) is int and -MOST < value < MOST
    if kind in (str, bool, types.NoneType):
        return lambda value: type(value) is kind
    raise TypeError(f"no shape for {kind}")


def _of_class(kind: Any) -> Fits:
    hints = get_type_hints(kind)
    parts = [(field.name, _fits(hints[field.name])) for field in fields(kind)]

    def fits(value: Any) -> bool:
        if type(value) is not kind:
            return False
        for name, its in parts:
            if not its(getattr(value, name)):
                raise ValueError(f"{kind.__name__}.{name} is none")
        return True

    return fits
