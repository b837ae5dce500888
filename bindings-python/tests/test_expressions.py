"""Expressions: the documents that they build, how they are written back, and what they refuse."""

import datetime as datetime_module
import json
import pathlib
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy
import pandas
import polars
import pytest
import segmentry.expressions as sg
from segmentry import RuleParser, SegmentEngine
from segmentry.expressions import all_of, any_of, bucket, col, did, did_not, events, in_segment, not_in_segment
from segmentry.types import Rule

# What the text of an expression may name.
NAMES = {**vars(sg), "Decimal": Decimal, "datetime": datetime_module}

CASES = pathlib.Path(__file__).parents[2] / "core/tests/cases"

# A rule as it was read from an engine.
RULE = Rule(id=8, version=1, created_at=None, updated_at=None, document={"rule_name": "Churned"})

TIER = col("city_tier").is_in([1, 2])
SPEND = events("upi_transactions").where(col("category") == "Travel").last("30 days").sum("amount")
TIER_DOCUMENT = {"field": "city_tier", "operator": "in", "value": [1, 2]}
SPEND_DOCUMENT = {
    "events": "upi_transactions",
    "aggregate": "sum",
    "field": "amount",
    "where": [{"field": "category", "operator": "=", "value": "Travel"}],
    "window": {"last": "30 days"},
    "operator": ">",
    "value": 10000,
}


def test_the_line_of_the_readme() -> None:
    # Python reads this as (condition & metric) > 10_000.
    expression = (
        sg.col("city_tier").is_in([1, 2])
        & sg.events("upi_transactions").where(sg.col("category") == "Travel").last("30 days").sum("amount")
        > 10_000
    )
    document = {"combinator": "and", "rules": [TIER_DOCUMENT, SPEND_DOCUMENT]}
    assert expression.to_document() == document
    assert (TIER & (SPEND > 10_000)).to_document() == document
    assert (10_000 < TIER & SPEND).to_document() == document


# One expression for each form of the language, with its document.
FORMS = [
    (col("a") == 1, {"field": "a", "operator": "=", "value": 1}),
    (col("a") != "x", {"field": "a", "operator": "!=", "value": "x"}),
    (col("users.a") < 1.5, {"field": "users.a", "operator": "<", "value": 1.5}),
    (col("a") <= 1, {"field": "a", "operator": "<=", "value": 1}),
    (1 < col("a"), {"field": "a", "operator": ">", "value": 1}),
    (col("a") >= True, {"field": "a", "operator": ">=", "value": True}),
    (col("a") > Decimal("10.250"), {"field": "a", "operator": ">", "value": "10.250"}),
    (col("a") > date(2025, 1, 31), {"field": "a", "operator": ">", "value": "2025-01-31"}),
    (
        col("a") > datetime(2025, 1, 31, 10, tzinfo=datetime_module.UTC),
        {"field": "a", "operator": ">", "value": "2025-01-31T10:00:00+00:00"},
    ),
    (col("a").between(1, 2), {"field": "a", "operator": "between", "value": [1, 2]}),
    (col("a").not_between(1, 2), {"field": "a", "operator": "notBetween", "value": [1, 2]}),
    (col("a").is_in((3, 1)), {"field": "a", "operator": "in", "value": [3, 1]}),
    (col("a").not_in({3, 1}), {"field": "a", "operator": "notIn", "value": [1, 3]}),
    (col("a").contains("x"), {"field": "a", "operator": "contains", "value": "x"}),
    (col("a").not_contains("x"), {"field": "a", "operator": "doesNotContain", "value": "x"}),
    (col("a").begins_with("x"), {"field": "a", "operator": "beginsWith", "value": "x"}),
    (col("a").not_begins_with("x"), {"field": "a", "operator": "doesNotBeginWith", "value": "x"}),
    (col("a").ends_with("x"), {"field": "a", "operator": "endsWith", "value": "x"}),
    (col("a").not_ends_with("x"), {"field": "a", "operator": "doesNotEndWith", "value": "x"}),
    (col("a").matches("^x"), {"field": "a", "operator": "matches", "value": "^x"}),
    (col("a").not_matches("^x"), {"field": "a", "operator": "doesNotMatch", "value": "^x"}),
    (col("a").is_null(), {"field": "a", "operator": "null"}),
    (col("a").is_not_null(), {"field": "a", "operator": "notNull"}),
    (
        col("a").ignore_case() == "x",
        {"field": "a", "operator": "=", "value": "x", "caseSensitive": False},
    ),
    (col("a") > col("b"), {"field": "a", "operator": ">", "valueSource": "field", "value": "b"}),
    (
        col("a").begins_with(col("b").ignore_case()),
        {"field": "a", "operator": "beginsWith", "valueSource": "field", "value": "b", "caseSensitive": False},
    ),
    (col("a").during(last="30 days"), {"field": "a", "operator": "during", "value": {"last": "30 days"}}),
    (
        col("a").not_during(start=date(2025, 1, 1), end="2025-06-30"),
        {"field": "a", "operator": "notDuring", "value": {"start": "2025-01-01", "end": "2025-06-30"}},
    ),
    (
        col("home").within(lat=19.076, lon=72.877, radius="10 km"),
        {"field": "home", "operator": "within", "value": {"lat": 19.076, "lon": 72.877, "radius": "10 km"}},
    ),
    (
        col("home").not_within(polygon=[(0, 0), (0, 1), (1, 1)]),
        {"field": "home", "operator": "notWithin", "value": {"polygon": [[0, 0], [0, 1], [1, 1]]}},
    ),
    (col("a").top(percent=10), {"field": "a", "operator": "top", "value": {"percent": 10}}),
    (
        col("a").bottom(count=5, among=TIER),
        {"field": "a", "operator": "bottom", "value": {"count": 5}, "among": TIER_DOCUMENT},
    ),
    (
        col("total_spend").where(col("c") == 1, col("d") == 2).last(timedelta(days=7)) >= 5,
        {
            "field": "total_spend",
            "where": [{"field": "c", "operator": "=", "value": 1}, {"field": "d", "operator": "=", "value": 2}],
            "window": {"last": "7 days"},
            "operator": ">=",
            "value": 5,
        },
    ),
    (events("t").count() == 0, {"events": "t", "aggregate": "count", "operator": "=", "value": 0}),
    (
        events("t", "u").count("x").top(count=3),
        {"events": ["t", "u"], "aggregate": "count", "field": "x", "operator": "top", "value": {"count": 3}},
    ),
    (
        events("t").where((col("x") == 1) | (col("y") == 2)).window("all").avg("x") > col("limit"),
        {
            "events": "t",
            "aggregate": "avg",
            "field": "x",
            "where": {
                "combinator": "or",
                "rules": [{"field": "x", "operator": "=", "value": 1}, {"field": "y", "operator": "=", "value": 2}],
            },
            "window": "all",
            "operator": ">",
            "valueSource": "field",
            "value": "limit",
        },
    ),
    (
        col("limit") < events("t").window(between=("90 days", timedelta(hours=36))).min("x"),
        {
            "events": "t",
            "aggregate": "min",
            "field": "x",
            "window": {"between": ["90 days", "36 hours"]},
            "operator": ">",
            "valueSource": "field",
            "value": "limit",
        },
    ),
    (
        events("t").window(calendar="last month").max("x").is_null(),
        {
            "events": "t",
            "aggregate": "max",
            "field": "x",
            "window": {"calendar": "last month"},
            "operator": "null",
        },
    ),
    (
        events("t").count_distinct("time:day").between(1, 3),
        {"events": "t", "aggregate": "count_distinct", "field": "time:day", "operator": "between", "value": [1, 3]},
    ),
    (
        events("t").first_value("x").ignore_case() == "y",
        {"events": "t", "aggregate": "first", "field": "x", "operator": "=", "value": "y", "caseSensitive": False},
    ),
    (
        events("t").last_value("x") != "y",
        {"events": "t", "aggregate": "last", "field": "x", "operator": "!=", "value": "y"},
    ),
    (
        events("t").days_since_first() > 9,
        {"events": "t", "aggregate": "days_since_first", "operator": ">", "value": 9},
    ),
    (
        events("t").days_since_last() > 9,
        {"events": "t", "aggregate": "days_since_last", "operator": ">", "value": 9},
    ),
    (bucket() < 50, {"field": "bucket", "operator": "<", "value": 50}),
    (
        bucket("autumn").between(0, 9),
        {"field": "bucket", "salt": "autumn", "operator": "between", "value": [0, 9]},
    ),
    (in_segment("A"), {"field": "segment", "operator": "in", "value": "A"}),
    (
        not_in_segment(7, RULE),
        {"field": "segment", "operator": "notIn", "value": [7, 8]},
    ),
    (
        did("a", events("b").where(col("x") > 1).within("7 days"), last="90 days"),
        {
            "sequence": [
                {"events": "a"},
                {"events": "b", "where": [{"field": "x", "operator": ">", "value": 1}], "within": "7 days"},
            ],
            "window": {"last": "90 days"},
            "operator": "did",
        },
    ),
    (
        did_not("a", events("b", "c"), window="all"),
        {"sequence": [{"events": "a"}, {"events": ["b", "c"]}], "window": "all", "operator": "didNot"},
    ),
    (all_of(), {"combinator": "and", "rules": []}),
    (any_of(), {"combinator": "or", "rules": []}),
    (~TIER, {"combinator": "and", "not": True, "rules": [TIER_DOCUMENT]}),
    (~~TIER, {"combinator": "and", "rules": [TIER_DOCUMENT]}),
    (~(TIER | TIER), {"combinator": "or", "not": True, "rules": [TIER_DOCUMENT, TIER_DOCUMENT]}),
    (TIER.disabled(), {**TIER_DOCUMENT, "disabled": True}),
    (
        TIER & {"field": "x", "operator": "null"} & ~any_of(),
        {
            "combinator": "and",
            "rules": [
                TIER_DOCUMENT,
                {"field": "x", "operator": "null"},
                {"combinator": "or", "not": True, "rules": []},
            ],
        },
    ),
]


@pytest.mark.parametrize("expression, document", FORMS, ids=lambda value: repr(value)[:60])
def test_forms(expression: sg.Condition, document: dict[str, Any]) -> None:
    assert expression.to_document() == document
    assert json.loads(json.dumps(document)) == document
    assert eval(repr(expression), NAMES).to_document() == document


def test_joined_conditions_are_one_group_and_named_groups_stay() -> None:
    a, b, c = (col(name) == 1 for name in "abc")
    flat = {"combinator": "and", "rules": [part.to_document() for part in (a, b, c)]}
    assert (a & b & c).to_document() == (a & (b & c)).to_document() == all_of(a, b, c).to_document() == flat
    nested = all_of(a, all_of(b, c))
    assert nested.to_document()["rules"][1]["combinator"] == "and"
    assert eval(repr(nested), NAMES).to_document() == nested.to_document()
    # & binds tighter than |, and a negated group is not taken apart.
    assert (a | b & c).to_document()["rules"][1]["combinator"] == "and"
    assert len((~(a & b) & c).to_document()["rules"]) == 2
    assert repr(~(a & b) & c) == "~((col('a') == 1) & (col('b') == 1)) & (col('c') == 1)"


def test_documents_are_conditions_too() -> None:
    both = {"combinator": "and", "rules": [TIER_DOCUMENT, TIER_DOCUMENT]}
    assert (TIER & TIER_DOCUMENT).to_document() == (TIER_DOCUMENT & TIER).to_document() == both
    assert (TIER_DOCUMENT | TIER).to_document() == {**both, "combinator": "or"}
    assert all_of(TIER_DOCUMENT, TIER).to_document() == both
    again = eval(repr(TIER & TIER_DOCUMENT), NAMES)
    assert again.to_document() == both


def test_documents_are_the_callers_own() -> None:
    values = [1, 2]
    condition = col("a").is_in(values)
    values.append(3)
    condition.to_document()["value"].append(4)
    assert condition.to_document()["value"] == [1, 2]


def test_columns_of_frames_are_lists() -> None:
    for values in (numpy.array([1, 2]), pandas.Series([1, 2]), polars.Series([1, 2]), range(1, 3)):
        document = col("a").is_in(values).to_document()
        assert json.dumps(document["value"]) == "[1, 2]"
    assert json.dumps((col("a") > numpy.float32(1.5)).to_document()["value"]) == "1.5"
    for expression in (numpy.int64(10) < SPEND, numpy.float64(10) < TIER & SPEND):
        assert json.dumps(expression.to_document()).endswith(('"operator": ">", "value": 10}', '"value": 10.0}]}'))
    assert (col("a") > pandas.Timestamp("2025-01-31")).to_document()["value"] == "2025-01-31T00:00:00"


def test_a_rule() -> None:
    document = sg.rule(
        "Metro travellers",
        [TIER, SPEND > 10_000],
        schedule="0 6 * * 1-5",
        start_date=date(2025, 1, 1),
        depends_on=[3, "Active", RULE],
        operation="INTERSECTION",
        include=range(3),
    )
    assert document == {
        "rule_name": "Metro travellers",
        "conditions": [TIER_DOCUMENT, SPEND_DOCUMENT],
        "depends_on": [3, "Active", 8],
        "schedule": "0 6 * * 1-5",
        "start_date": "2025-01-01",
        "operation": "INTERSECTION",
        "include": [0, 1, 2],
    }
    assert sg.rule("Adults", "age >= 18")["conditions"] == [{"field": "age", "operator": ">=", "value": 18}]
    assert sg.rule("Adults", col("age") >= 18)["conditions"] == {"field": "age", "operator": ">=", "value": 18}


def test_every_verb_that_takes_conditions_takes_expressions(engine: SegmentEngine) -> None:
    paid = events("payments").sum("amount") > 100
    expression = (col("city_tier") == 1) & paid
    assert engine.preview(expression).count == 1
    assert engine.preview([col("city_tier") == 1, paid]).count == 1
    assert engine.validate({"rule_name": "Paid", "conditions": [expression]}) == []
    rule = engine.create_rule({"rule_name": "Paid", "conditions": expression})
    assert engine.refresh([rule]).segments[0].row_count == 1
    assert engine.explain(expression, 1).member
    assert engine.dependencies(sg.rule("Again", expression)).depends_on == (rule,)
    assert engine.preview(in_segment(engine.segment(rule), engine.rule(rule))).count == 1
    assert RuleParser.to_text(expression) == "city_tier = 1 and sum(payments.amount) > 100"
    with pytest.raises(TypeError, match="is not a condition yet"):
        engine.preview(col("city_tier"))


REFUSED = [
    (lambda: col("a") == 1 & col("b") == 2, "put each comparison in parentheses"),  # type: ignore[operator]
    (lambda: (col("a") > 1) & col("b"), None),
    (lambda: (TIER & SPEND).to_document(), "is not a condition yet"),
    (lambda: TIER & SPEND & TIER, "put each comparison in parentheses"),
    (lambda: TIER & SPEND > 10 & TIER, "put each comparison in parentheses"),  # type: ignore[operator]
    (lambda: TIER & SPEND > TIER & SPEND, "put each comparison in parentheses"),
    (lambda: TIER | SPEND > 10, "put each comparison in parentheses"),
    (lambda: SPEND & TIER, "put each comparison in parentheses"),
    (lambda: ~SPEND, "compare it first"),
    (lambda: TIER > 10, "is a condition already"),
    (lambda: TIER == ~TIER, "is a condition already"),
    (lambda: TIER and SPEND, "neither true nor false"),
    (lambda: not TIER, "neither true nor false"),
    (lambda: 1 < col("a") < 2, r"x.between\(a, b\)"),
    (lambda: col("a") == None, "is_null"),
    (lambda: col("a") > SPEND.between(1, 2), "put each comparison"),
    (lambda: SPEND > SPEND.ignore_case(), "name that as a trait"),
    (lambda: SPEND > col("total_spend").last("30 days"), "name that as a trait"),
    (lambda: col("a").is_in("IN,NP"), "expected a list of values"),
    (lambda: col("a") == [1], "expected a value"),
    (lambda: col("a").between(1, col("b")), "expected a value"),
    (lambda: all_of(col("a")), "is not a condition yet"),
    (lambda: all_of("a > 1"), "expected a condition"),  # type: ignore[arg-type]
    (lambda: events("t").last("1 day").last("2 days"), "has a window already"),
    (lambda: events("t").window("all", last="2 days"), "not both"),
    (lambda: events("t").window(), "expected"),
    (lambda: did(events("t").last("1 day"), "u"), "a step has no window"),
    (lambda: events("t").within("1 day").count(), "step of did"),
    (lambda: {TIER: 1}, "unhashable"),
    (lambda: events("t").last("1 day") == 0, r"\.count\(\)"),
    (lambda: TIER & events("t") > 3, r"\.count\(\)"),  # type: ignore[operator]
]


@pytest.mark.parametrize("expression, message", REFUSED)
def test_what_python_would_read_in_another_way_is_refused(expression: Any, message: str | None) -> None:
    if message is None:  # not compared yet, which is told when it is used
        expression, message = expression().to_document, "is not a condition yet"
    with pytest.raises(TypeError, match=message):
        expression()


def test_what_is_missing_is_no_value() -> None:
    with pytest.raises(ValueError, match="counts as missing"):
        col("a").between(float("-inf"), float("nan"))
    with pytest.raises(ValueError, match="whole seconds"):
        events("t").last(timedelta(milliseconds=1))


# The corpus --------------------------------------------------------------------------------------------------

METHODS = {
    "between": "between",
    "notBetween": "not_between",
    "in": "is_in",
    "notIn": "not_in",
    "contains": "contains",
    "doesNotContain": "not_contains",
    "beginsWith": "begins_with",
    "doesNotBeginWith": "not_begins_with",
    "endsWith": "ends_with",
    "doesNotEndWith": "not_ends_with",
    "matches": "matches",
    "doesNotMatch": "not_matches",
    "null": "is_null",
    "notNull": "is_not_null",
    "during": "during",
    "notDuring": "not_during",
    "within": "within",
    "notWithin": "not_within",
    "top": "top",
    "bottom": "bottom",
}
COMPARISONS = {"=": "__eq__", "!=": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}


def built(node: Any) -> sg.Condition:
    """A condition or group of a stored document by calls of the builder."""
    if node.get("disabled"):
        return built({name: member for name, member in node.items() if name != "disabled"}).disabled()
    if "rules" in node:
        group = (all_of if node["combinator"] == "and" else any_of)(*map(built, node["rules"]))
        return ~group if node.get("not") else group
    if "sequence" in node:
        steps = [narrowed(events(*listed(step["events"])), step) for step in node["sequence"]]
        steps = [step.within(doc["within"]) if "within" in doc else step for step, doc in zip(steps, node["sequence"])]
        window = node.get("window")
        edges = {"window": window} if isinstance(window, str) else window or {}
        return {"did": did, "didNot": did_not}[node["operator"]](*steps, **edges)
    if node.get("field") == "segment":
        return {"in": in_segment, "notIn": not_in_segment}[node["operator"]](*listed(node["value"]))
    return compared(subject(node), node)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def narrowed(part: Any, node: Any) -> Any:
    where, window = node.get("where"), node.get("window")
    if isinstance(where, list) and where and (len(where) > 1 or "rules" not in where[0]):
        part = part.where(*map(built, where))
    elif where is not None:
        part = part.where(built(grouped(where)))
    return part if window is None else part.window(window)


def subject(node: Any) -> Any:
    if "events" in node:
        method = {"first": "first_value", "last": "last_value"}.get(node["aggregate"], node["aggregate"])
        field = [node["field"]] if "field" in node else []
        found = getattr(narrowed(events(*listed(node["events"])), node), method)(*field)
    elif node["field"] == "bucket":
        found = bucket(node.get("salt"))
    else:
        found = narrowed(col(node["field"]), node)
    return found.ignore_case() if node.get("caseSensitive") is False else found


def compared(found: Any, node: Any) -> sg.Condition:
    operator, value = node["operator"], node.get("value")
    if node.get("valueSource") == "field":
        value = col(value)
    if operator in COMPARISONS:
        return getattr(found, COMPARISONS[operator])(value)
    method = getattr(found, METHODS[operator])
    match operator:
        case "null" | "notNull":
            return method()
        case "between" | "notBetween":
            return method(*value)
        case "during" | "notDuring":
            return method(value)
        case "within" | "notWithin":
            return method(**value)
        case "top" | "bottom":
            among = node.get("among")
            return method(**value, among=among if among is None else built(grouped(among)))
        case _:
            return method(value)


def grouped(conditions: Any) -> Any:
    """A list as the group that it stands for."""
    return {"combinator": "and", "rules": conditions} if isinstance(conditions, list) else conditions


def stored(rule: dict[str, Any]) -> Any:
    """The conditions as the engine stores them, where disabled ones are as they were written."""
    text = json.dumps(rule["conditions"]).replace('"muted"', '"disabled"')
    return RuleParser.parse({**rule, "conditions": json.loads(text)})["conditions"]


CORPUS = [
    pytest.param(rule, id=f"{path.parent.name}-{rule['rule_name']}"[:80])
    for path in sorted(CASES.glob("*/rules.json"))
    for rule in json.loads(path.read_text())
    if rule.get("conditions") is not None
]


def test_the_corpus_is_there() -> None:
    assert len(CORPUS) > 700


@pytest.mark.parametrize("rule", CORPUS)
def test_every_rule_of_the_corpus_can_be_built(rule: dict[str, Any]) -> None:
    conditions = stored(rule)
    expression = built(grouped(conditions))
    assert stored({**rule, "conditions": expression.to_document()}) == conditions
    again = eval(repr(expression), NAMES)
    assert again.to_document() == expression.to_document()
