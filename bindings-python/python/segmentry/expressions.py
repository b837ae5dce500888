"""Rules as Python people write them: expressions that build the documents of Segmentry's rules.

    import segmentry as sg

    sg.col("city_tier").is_in([1, 2]) & (
        sg.events("upi_transactions").where(sg.col("category") == "Travel").last("30 days").sum("amount") > 10_000
    )

`col` is an attribute or a trait of the user, or a column of the events inside `where`; `events` begins
an aggregate; `bucket`, `in_segment` and `did` are the other subjects. Conditions are joined with `&` and
`|` and negated with `~`. An expression only builds a document: what it means, and whether it is right, is
the engine's to say. Wherever conditions are taken, an expression may stand.

Python binds `&` and `|` tighter than comparisons, so comparisons belong in parentheses. One form is
understood without: a conjunction that ends in something bare compares just that, so that `a & metric > 10`
is `a & (metric > 10)`. Whatever else Python would read in another way than it looks is a TypeError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from segmentry._conditions import Condition, all_of, any_of, condition_of
from segmentry._documents import RuleRef, named
from segmentry._subjects import Bucket, Column, Events
from segmentry._values import Document, call, json_list, window_of
from segmentry.parts import RuleParser

__all__ = [
    "Condition",
    "all_of",
    "any_of",
    "bucket",
    "col",
    "did",
    "did_not",
    "events",
    "in_segment",
    "not_in_segment",
    "rule",
]


def col(name: str) -> Column:
    """An attribute or a trait of the user, `city_tier` or `users.city_tier`; in `where` a column of the events.

    >>> (col("city_tier").is_in([1, 2]) & (col("total_spend") > 1000)).to_document()["combinator"]
    'and'
    """
    return Column(name=name)


def events(*tables: str) -> Events:
    """Events of one or several tables, by the model's names.

    >>> travel = events("upi_transactions").where(col("category") == "Travel")
    >>> (travel.last("30 days").sum("amount") > 10_000).to_document()["window"]
    {'last': '30 days'}
    """
    return Events(tables=tables)


def bucket(salt: str | None = None) -> Bucket:
    """The user's bucket, 0 to 99. Without a salt it is the rule's name when it is created.

    >>> bucket("autumn-test").between(0, 9)
    bucket('autumn-test').between(0, 9)
    """
    return Bucket(salt=salt)


def in_segment(*rules: RuleRef) -> Condition:
    """Is in the segment of any of these rules: ids, names, or segments.

    >>> in_segment("High Value Customers", 7).to_document()
    {'field': 'segment', 'operator': 'in', 'value': ['High Value Customers', 7]}
    """
    return _membership("in_segment", "in", rules)


def not_in_segment(*rules: RuleRef) -> Condition:
    """Is in the segment of none of these rules: ids, names, or segments."""
    return _membership("not_in_segment", "notIn", rules)


def _membership(function: str, operator: str, rules: tuple[RuleRef, ...]) -> Condition:
    names = [named(one) for one in rules]
    value = names[0] if len(names) == 1 else names
    return Condition({"field": "segment", "operator": operator, "value": value}, lambda: call(function, names))


def did(*steps: Events | str, window: str | Mapping[str, Any] | None = None, **edges: Any) -> Condition:
    """Did these steps, each strictly after the one before and within its time, all in the window.

    >>> did("visits", events("payments").where(col("amount") > 100).within("7 days"), last="90 days")
    did(events('visits'), events('payments').where(col('amount') > 100).within('7 days'), last='90 days')
    """
    return _sequence("did", "did", steps, window, edges)


def did_not(*steps: Events | str, window: str | Mapping[str, Any] | None = None, **edges: Any) -> Condition:
    """Did not do these steps, in that order and in the window."""
    return _sequence("did_not", "didNot", steps, window, edges)


def _sequence(function: str, operator: str, steps: Iterable[Any], form: Any, edges: Document) -> Condition:
    taken = [events(step) if isinstance(step, str) else step for step in steps]
    document: Document = {"sequence": [step._step() for step in taken]}
    spelled: Document = {}
    if form is not None or edges:
        period = document["window"] = window_of(form, edges)
        spelled = {"window": period} if isinstance(period, str) else period
    document["operator"] = operator
    return Condition(document, lambda: call(function, taken, **spelled))


def rule(
    rule_name: str, conditions: Any = None, *, depends_on: Iterable[RuleRef] | None = None, **members: Any
) -> Document:
    """A rule's document: its name, conditions and further members (`description`, `schedule`, `timezone`,
    `start_date`, `end_date`, `operation`, `include`, `exclude`, `enabled`).

    `conditions` is an expression, a document, a list of these, or the text form; `depends_on` has ids, names or segments.

    >>> rule("Adults", col("age") >= 18, schedule="@daily")["schedule"]
    '@daily'
    """
    document: Document = {"rule_name": rule_name}
    if isinstance(conditions, str):
        document["conditions"] = RuleParser.parse_text(conditions)
    elif isinstance(conditions, list | tuple):
        document["conditions"] = [condition_of(part).to_document() for part in conditions]
    elif conditions is not None:
        document["conditions"] = condition_of(conditions).to_document()
    if depends_on is not None:
        document["depends_on"] = [named(one) for one in depends_on]
    for name, member in members.items():
        if name in ("include", "exclude") and member is not None:
            member = json_list(member)
        document[name] = member.isoformat() if isinstance(member, date) else member
    return document
