"""JSON to frozen dataclasses, by the types of their fields."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import functools
import json
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")
Reader = Callable[[Any], Any]


def decode(kind: type[T], text: str) -> T:
    """JSON text as one of our types."""
    return cast(T, _reader(kind)(json.loads(text)))


def decode_all(kind: type[T], text: str) -> list[T]:
    """A JSON list as a list of one of our types."""
    return [cast(T, _reader(kind)(value)) for value in json.loads(text)]


def read(kind: type[T], value: Any, **others: Any) -> T:
    """A parsed JSON object as one of our types, with fields that are not JSON beside it."""
    return cast(T, _object(kind)(value, **others))


_KNOWN: dict[Any, Reader] = {}


def _reader(kind: Any) -> Reader:
    """What reads values of a type; made once."""
    if kind not in _KNOWN:
        _KNOWN[kind] = _new_reader(kind)
    return _KNOWN[kind]


def _new_reader(kind: Any) -> Reader:
    if dataclasses.is_dataclass(kind):
        return _object(cast(type, kind))
    if kind is dt.datetime:
        return dt.datetime.fromisoformat
    if kind is decimal.Decimal:
        return decimal.Decimal
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        each = _reader(args[0])
        return lambda values: tuple(each(value) for value in values)
    if origin is dict:
        each = _reader(args[1])
        return lambda values: {name: each(value) for name, value in values.items()}
    if origin in (typing.Union, types.UnionType) and type(None) in args:
        there = [arg for arg in args if arg is not type(None)]
        if len(there) == 1:
            each = _reader(there[0])
            return lambda value: None if value is None else each(value)
    return lambda value: value


@functools.cache
def _members(kind: type) -> list[tuple[str, str, Reader]]:
    """Of each field its name, its member in JSON, and how that is read."""
    hints = typing.get_type_hints(kind)
    named = [(field.name, field.metadata.get("json", field.name)) for field in dataclasses.fields(kind)]
    return [(name, member, _reader(hints[name])) for name, member in named if member is not None]


def _object(kind: type) -> Callable[..., Any]:
    # The fields are looked at when there is a value: a type may hold itself.
    def of(value: dict[str, Any], **others: Any) -> Any:
        # What is absent has a default: the engine leaves out what there is nothing to say of.
        found = {name: each(value[member]) for name, member, each in _members(kind) if member in value}
        return kind(**found, **others)

    return of
