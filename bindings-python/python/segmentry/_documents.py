"""What people hand over, in the form that the native module takes."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from segmentry.errors import InvalidError, Problem

if TYPE_CHECKING:
    from segmentry.segment import Segment
    from segmentry.types import Rule


@runtime_checkable
class Documented(Protocol):
    """Whatever can say itself as a document: conditions that were built, a stored rule, a model."""

    def to_document(self) -> Any: ...


Conditions: TypeAlias = "Mapping[str, Any] | Sequence[Any] | Documented | str"
"""A list, a group, a condition, a rule, what was built of them, or the text form."""

RuleDocument: TypeAlias = "Mapping[str, Any] | Documented | str"
"""A rule as a dict, as JSON text, or as an object with `to_document`."""

RuleRef: TypeAlias = "int | str | Rule | Segment"
"""A rule, and the segment that it has: by id, by name, or as what was read of it."""

Key: TypeAlias = "int | str"
"""A user's key."""

Instant: TypeAlias = "dt.datetime | str"
"""An aware datetime, or RFC 3339 with an offset."""

Seconds: TypeAlias = "float | dt.timedelta"
"""A length of time."""


def document(given: Conditions | Mapping[str, Any]) -> str:
    """A document as JSON text; a text is taken as it is."""
    if isinstance(given, str):
        return given
    if isinstance(given, Documented):
        given = given.to_document()
    plain: Any = dict(given) if isinstance(given, Mapping) else given
    try:
        return json.dumps(plain, ensure_ascii=False, default=_plain)
    except (ValueError, RecursionError) as error:
        # It holds itself, or is nested deeper than Python can write.
        problem = Problem("malformed", "", f"the document can't be written as JSON: {error}")
        raise InvalidError(str(problem.message), [problem]) from error


def _plain(value: Any) -> Any:
    """A value that JSON has no word for."""
    if isinstance(value, Documented):
        return value.to_document()
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        # A float where it is written with the same digits. Else a text, which the language reads as the
        # number that it is.
        near = float(value)
        return near if decimal.Decimal(repr(near)) == value else str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "tolist"):
        # numpy's scalars and arrays.
        return value.tolist()
    raise TypeError(f"a document can't hold {value!r}, which is {type(value).__name__}")


def named(rule: RuleRef) -> int | str:
    """The id or name of a rule."""
    from segmentry.segment import Segment
    from segmentry.types import Rule

    if isinstance(rule, Segment):
        return rule.rule_id
    return rule.id if isinstance(rule, Rule) else rule


def all_named(rules: Sequence[RuleRef] | RuleRef) -> list[int | str]:
    """Ids and names of rules; one by itself is a list of one."""
    from segmentry.segment import Segment
    from segmentry.types import Rule

    if isinstance(rules, (str, Segment, Rule)) or not isinstance(rules, Iterable):
        return [named(rules)]
    return [named(rule) for rule in rules]


def wanted(rule: RuleRef | Conditions) -> tuple[int | str | None, str | None]:
    """A stored rule, or the document of one."""
    from segmentry.segment import Segment
    from segmentry.types import Rule

    if isinstance(rule, (Mapping, list, tuple)) or (
        isinstance(rule, Documented) and not isinstance(rule, (Segment, Rule))
    ):
        return None, document(rule)
    return named(rule), None  # type: ignore[arg-type]


def instant(at: Instant | None) -> str | None:
    """An instant as RFC 3339."""
    return at.isoformat() if isinstance(at, dt.date) else at


def seconds(time: Seconds | None) -> float | None:
    """A length of time in seconds."""
    return time.total_seconds() if isinstance(time, dt.timedelta) else time
