"""What stands in expressions besides conditions: values, durations and windows as JSON, and their Python text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

Document = dict[str, Any]


def json_value(value: object) -> Any:
    """A value as JSON has it. A Decimal becomes a string, which keeps every digit and reads as a number."""
    if isinstance(value, Enum):
        return json_value(value.value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} counts as missing: nothing can be compared with it; see .is_null()")
        return float(value)
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    if value is None:
        raise TypeError("a missing value equals nothing: write .is_null() or .is_not_null()")
    item = getattr(value, "item", None)  # a scalar of numpy
    if callable(item):
        return json_value(item())
    raise TypeError(f"expected a value, not {value!r}")


def json_list(values: Iterable[object]) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"expected a list of values, not {values!r}")
    plain = [json_value(value) for value in values]
    if isinstance(values, set | frozenset):  # the same set is the same document
        plain.sort(key=lambda value: (str(type(value)), value))
    return plain


def duration_text(value: str | timedelta) -> str:
    """`30 days` as it is; a timedelta in the largest of its units of fixed length."""
    if not isinstance(value, timedelta):
        return value
    seconds, rest = divmod(value, timedelta(seconds=1))
    if rest:
        raise ValueError(f"a window has whole seconds, not {value}")
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"


def window_of(form: str | Mapping[str, Any] | None, edges: Mapping[str, Any]) -> str | Document:
    """A window's document: a form that is one already, or made of keyword arguments."""
    given = {name: edge for name, edge in edges.items() if edge is not None}
    if form is not None:
        if given:
            raise TypeError(f"expected either a window or {', '.join(given)}, not both")
        return form if isinstance(form, str) else dict(form)
    if not given:
        raise TypeError('expected "all", last=, between=, calendar=, or start= and end=')
    document: Document = {}
    for name, edge in given.items():
        match name:
            case "last":
                document[name] = duration_text(edge)
            case "between":
                document[name] = [duration_text(one) for one in edge]
            case _:
                document[name] = json_value(edge)
    return document


# A longer list is not written out.
SHOWN = 100


def _shown(value: Any) -> str:
    if isinstance(value, list) and len(value) > SHOWN:
        return f"[{', '.join(map(repr, value[:3]))}, ... {len(value) - 3:,} more]"
    return repr(value)


def call(name: str, arguments: Sequence[Any] = (), **named: Any) -> str:
    """The Python text of a call, without arguments that are None."""
    words = [_shown(argument) for argument in arguments]
    words += [f"{key}={_shown(value)}" for key, value in named.items() if value is not None]
    return f"{name}({', '.join(words)})"


def windowed(window: str | Document | None) -> str:
    """The Python text that gives an expression this window."""
    match window:
        case None:
            return ""
        case str():
            return call(".window", [window])
        case {"last": last} if len(window) == 1:
            return call(".last", [last])
        case _:
            return call(".window", **window)
