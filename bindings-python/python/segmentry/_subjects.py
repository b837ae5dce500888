"""What conditions are about: attributes and traits, aggregates of events, the bucket."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

from segmentry._conditions import Comparable, Condition, Part, condition_of
from segmentry._values import Document, call, duration_text, json_list, json_value, window_of, windowed

FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, eq=False, repr=False)
class Subject(Comparable):
    """One value of a user that can be tested: an attribute, a trait, an aggregate of events, the bucket."""

    folded: bool = False

    def _members(self) -> Document:
        raise NotImplementedError

    def _named(self) -> str:
        raise NotImplementedError

    def ignore_case(self) -> Self:
        """The same, its strings compared by Unicode simple case folding."""
        return replace(self, folded=True)

    def _test(self, operator: str, code: Callable[[], str], loose: bool = False, **members: Any) -> Condition:
        document = {**self._members(), "operator": operator, **members}
        if self.folded:
            document["caseSensitive"] = False
        return Condition(document, code, loose)

    def _compare(self, operator: str, other: object) -> Condition:
        plain = isinstance(self, Column) and self._is_plain()
        if isinstance(other, Subject) and plain and not (isinstance(other, Column) and other._is_plain()):
            return other._compare(FLIPPED[operator], self)
        symbol = "==" if operator == "=" else operator
        return self._against(operator, other, lambda: f"{self!r} {symbol} {other!r}", loose=True)

    def _against(self, operator: str, other: object, code: Callable[[], str], loose: bool = False) -> Condition:
        """A test against a value or another field."""
        if isinstance(other, Column) and other._is_plain():
            subject = replace(self, folded=self.folded or other.folded)
            return subject._test(operator, code, loose, valueSource="field", value=other.name)
        if isinstance(other, Subject):
            raise TypeError(
                f"{self!r} is compared with a value or with a field, not with {other!r}: name that as a trait in "
                "the model, and compare with the trait"
            )
        if isinstance(other, Part):
            self._refused(other)
        return self._test(operator, code, loose, value=json_value(other))

    def _called(self, method: str, operator: str, value: object) -> Condition:
        return self._against(operator, value, lambda: call(f"{self!r}.{method}", [value]))

    def _spelled(self, method: str, operator: str, value: Any, *arguments: Any, **named: Any) -> Condition:
        members = {} if value is None else {"value": value}
        return self._test(operator, lambda: call(f"{self!r}.{method}", arguments, **named), **members)

    def between(self, low: object, high: object) -> Condition:
        """From low to high, both inclusive."""
        return self._spelled("between", "between", [json_value(low), json_value(high)], low, high)

    def not_between(self, low: object, high: object) -> Condition:
        """Below low or above high; a missing value is neither."""
        return self._spelled("not_between", "notBetween", [json_value(low), json_value(high)], low, high)

    def is_in(self, values: Iterable[object]) -> Condition:
        """One of the values: a list, a set, a column of a DataFrame."""
        values = json_list(values)
        return self._spelled("is_in", "in", values, values)

    def not_in(self, values: Iterable[object]) -> Condition:
        """A value that is none of these; a missing value is not."""
        values = json_list(values)
        return self._spelled("not_in", "notIn", values, values)

    def is_null(self) -> Condition:
        """Has no value."""
        return self._spelled("is_null", "null", None)

    def is_not_null(self) -> Condition:
        """Has a value."""
        return self._spelled("is_not_null", "notNull", None)

    def contains(self, value: object) -> Condition:
        """Strings: holds this text, taken literally. Lists: holds this value."""
        return self._called("contains", "contains", value)

    def not_contains(self, value: object) -> Condition:
        """Has a value, and it doesn't hold that text or value."""
        return self._called("not_contains", "doesNotContain", value)

    def begins_with(self, value: object) -> Condition:
        """Begins with this text."""
        return self._called("begins_with", "beginsWith", value)

    def not_begins_with(self, value: object) -> Condition:
        """Has a value, and it begins otherwise."""
        return self._called("not_begins_with", "doesNotBeginWith", value)

    def ends_with(self, value: object) -> Condition:
        """Ends with this text."""
        return self._called("ends_with", "endsWith", value)

    def not_ends_with(self, value: object) -> Condition:
        """Has a value, and it ends otherwise."""
        return self._called("not_ends_with", "doesNotEndWith", value)

    def matches(self, pattern: str) -> Condition:
        """A regular expression (Rust's `regex`) is found anywhere in it."""
        return self._called("matches", "matches", pattern)

    def not_matches(self, pattern: str) -> Condition:
        """Has a value, and the regular expression is not found in it."""
        return self._called("not_matches", "doesNotMatch", pattern)

    def during(self, form: str | Mapping[str, Any] | None = None, **edges: Any) -> Condition:
        """A date or instant in a window: `last="30 days"`, `between=("90 days", "30 days")`,
        `calendar="this month"`, `start=` and `end=`."""
        return self._in_window("during", "during", form, edges)

    def not_during(self, form: str | Mapping[str, Any] | None = None, **edges: Any) -> Condition:
        """A date or instant outside of a window."""
        return self._in_window("not_during", "notDuring", form, edges)

    def _in_window(self, method: str, operator: str, form: Any, edges: Document) -> Condition:
        window = window_of(form, edges)
        if isinstance(window, str):
            return self._spelled(method, operator, window, window)
        return self._spelled(method, operator, window, **window)

    def within(self, **place: Any) -> Condition:
        """A point in a circle, `lat=19.07, lon=72.87, radius="10 km"`, or in a `polygon=[(lon, lat), ...]`."""
        return self._at("within", "within", place)

    def not_within(self, **place: Any) -> Condition:
        """A point, and outside of the circle or polygon."""
        return self._at("not_within", "notWithin", place)

    def _at(self, method: str, operator: str, place: Document) -> Condition:
        value = {name: json_value(part) for name, part in place.items() if name != "polygon"}
        if "polygon" in place:
            value["polygon"] = [[json_value(degrees) for degrees in point] for point in place["polygon"]]
        return self._spelled(method, operator, value, **value)

    def top(self, *, among: object = None, **size: Any) -> Condition:
        """Who ranks highest: `count=1000` or `percent=10`, of everyone or of those `among` conditions."""
        return self._ranked("top", among, size)

    def bottom(self, *, among: object = None, **size: Any) -> Condition:
        """Who ranks lowest: `count=1000` or `percent=10`, of everyone or of those `among` conditions."""
        return self._ranked("bottom", among, size)

    def _ranked(self, operator: str, among: object, size: Document) -> Condition:
        value = {name: json_value(number) for name, number in size.items()}
        of = None if among is None else condition_of(among)
        members: Document = {"value": value} if of is None else {"value": value, "among": of.to_document()}
        return self._test(operator, lambda: call(f"{self!r}.{operator}", **value, among=of), **members)

    def __repr__(self) -> str:
        return self._named() + (".ignore_case()" if self.folded else "")


@dataclass(frozen=True, eq=False, repr=False)
class _Narrowed:
    """What looks at events, and may be told which and of what time."""

    filters: tuple[Condition, ...] = ()
    period: str | Document | None = None

    def where(self, *conditions: Condition | Mapping[str, Any]) -> Self:
        """Only events that meet all of these conditions; `col` is a column of theirs."""
        return replace(self, filters=self.filters + tuple(condition_of(part) for part in conditions))

    def last(self, duration: str | timedelta) -> Self:
        """Only events of the last `30 days` before the instant of the run, or of a timedelta."""
        return self.window(last=duration)

    def window(self, form: str | Mapping[str, Any] | None = None, **edges: Any) -> Self:
        """Only events of a window: `last="30 days"`; `between=("90 days", "30 days")`, the far edge first;
        `calendar="this month"`; `start=` and `end=`, both inclusive; or `"all"`."""
        if self.period is not None:
            raise TypeError(f"{self!r} has a window already")
        return replace(self, period=window_of(form, edges))

    def _narrowing(self) -> Document:
        members: Document = {}
        if self.filters:
            documents = [part.to_document() for part in self.filters]
            group = len(documents) == 1 and "rules" in documents[0] and "disabled" not in documents[0]
            members["where"] = documents[0] if group else documents
        if self.period is not None:
            members["window"] = copy.deepcopy(self.period)
        return members

    def _narrowed(self) -> str:
        return (call(".where", self.filters) if self.filters else "") + windowed(self.period)


@dataclass(frozen=True, eq=False, repr=False)
class Column(_Narrowed, Subject):
    """An attribute or a trait of the user, or within `where` a column of the events.

    A trait may be narrowed: `col("total_spend").last("30 days") > 1000`.
    """

    name: str = ""

    def _is_plain(self) -> bool:
        return not self.filters and self.period is None

    def _members(self) -> Document:
        return {"field": self.name, **self._narrowing()}

    def _named(self) -> str:
        return call("col", [self.name]) + self._narrowed()


@dataclass(frozen=True, eq=False, repr=False)
class Aggregate(_Narrowed, Subject):
    """What a user's events come to: a number, an instant, a first or last value."""

    tables: tuple[str, ...] = ()
    aggregate: str = "count"
    field: str | None = None

    def _members(self) -> Document:
        members: Document = {"events": _names(self.tables), "aggregate": self.aggregate}
        if self.field is not None:
            members["field"] = self.field
        return {**members, **self._narrowing()}

    def _named(self) -> str:
        method = {"first": "first_value", "last": "last_value"}.get(self.aggregate, self.aggregate)
        field = [] if self.field is None else [self.field]
        return call("events", self.tables) + self._narrowed() + call(f".{method}", field)


@dataclass(frozen=True, eq=False, repr=False)
class Bucket(Subject):
    """The bucket, 0 to 99, that a user falls in for good."""

    salt: str | None = None

    def _members(self) -> Document:
        return {"field": "bucket"} if self.salt is None else {"field": "bucket", "salt": self.salt}

    def _named(self) -> str:
        return call("bucket", [] if self.salt is None else [self.salt])


def _names(tables: tuple[str, ...]) -> str | list[str]:
    return tables[0] if len(tables) == 1 else list(tables)


@dataclass(frozen=True, eq=False, repr=False)
class Events(_Narrowed, Comparable):
    """Events of one or several tables, to be aggregated or to be a step of `did`."""

    tables: tuple[str, ...] = ()
    gap: str | None = None

    def _compare(self, operator: str, other: object) -> Condition:
        raise TypeError(
            f"{self!r} is not a value yet: say what of the events is meant, .count() or .sum(field) for instance"
        )

    def _value(self, aggregate: str, field: str | None = None) -> Aggregate:
        if self.gap is not None:
            raise TypeError(f"{self!r} is a step of did(...): only there events lie within a time of others")
        return Aggregate(filters=self.filters, period=self.period, tables=self.tables, aggregate=aggregate, field=field)

    def count(self, field: str | None = None) -> Aggregate:
        """How many events; with a field, those where it is not missing."""
        return self._value("count", field)

    def sum(self, field: str) -> Aggregate:
        """The exact sum of a field; 0 without events."""
        return self._value("sum", field)

    def avg(self, field: str) -> Aggregate:
        """The average of a field, never rounded."""
        return self._value("avg", field)

    def min(self, field: str) -> Aggregate:
        """The smallest value of a field."""
        return self._value("min", field)

    def max(self, field: str) -> Aggregate:
        """The largest value of a field."""
        return self._value("max", field)

    def count_distinct(self, field: str) -> Aggregate:
        """How many different values; of `time:day`, different days in the rule's zone."""
        return self._value("count_distinct", field)

    def first_value(self, field: str) -> Aggregate:
        """The field at the earliest event that has one."""
        return self._value("first", field)

    def last_value(self, field: str) -> Aggregate:
        """The field at the latest event that has one."""
        return self._value("last", field)

    def days_since_first(self) -> Aggregate:
        """Whole days of 24 hours since the first event."""
        return self._value("days_since_first")

    def days_since_last(self) -> Aggregate:
        """Whole days of 24 hours since the last event."""
        return self._value("days_since_last")

    def within(self, duration: str | timedelta) -> Events:
        """As a step of `did`: at most so long after the step before."""
        return replace(self, gap=duration_text(duration))

    def _step(self) -> Document:
        if self.period is not None:
            raise TypeError(f"a step has no window: give that of {self!r} to did(...), for all steps together")
        members: Document = {"events": _names(self.tables), **self._narrowing()}
        return members if self.gap is None else {**members, "within": self.gap}

    def __repr__(self) -> str:
        gap = "" if self.gap is None else call(".within", [self.gap])
        return call("events", self.tables) + self._narrowed() + gap
