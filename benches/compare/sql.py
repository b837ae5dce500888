"""The rules as SQL that DuckDB, DataFusion and Spark read alike: tables `users` and `events`.

An average is compared without a division, `sum >= value * count`, which is exact everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from .data import AS_OF
from .rules import HOUR, Rule

# Rules by their numbers, all of one category, window and tier.
Group = list[int]


def instant(microseconds: int) -> str:
    """An instant as a literal."""
    moment = datetime(1970, 1, 1) + timedelta(microseconds=microseconds)
    return f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}'"


def test(rule: Rule, filter_: str = "") -> str:
    """The comparison of a rule's aggregate, each aggregate with a FILTER if there is one."""
    aggregate = rule.metric.aggregate
    if aggregate == "avg":
        return f"sum(amount){filter_} >= {rule.value} * count(*){filter_}"
    argument = "*" if aggregate == "count" else "amount"
    return f"{aggregate}({argument}){filter_} >= {rule.value}"


def between(start: int) -> str:
    """The events from an instant until `AS_OF`."""
    return f"transaction_date >= {instant(start)} AND transaction_date < {instant(AS_OF)}"


def rule_query(rule: Rule) -> str:
    """The members of one rule."""
    return f"""
        SELECT user_id FROM events
        WHERE category = '{rule.metric.category}' AND {between(rule.metric.start)}
          AND user_id IN (SELECT user_id FROM users WHERE city_tier = {rule.tier})
        GROUP BY user_id HAVING {test(rule)}"""


def one_query(rules: list[Rule]) -> str:
    """All rules at once: a row for each user with events, and a column for each rule."""
    columns = []
    for number, rule in enumerate(rules):
        kept = f"category = '{rule.metric.category}' AND {between(rule.metric.start)}"
        reached = test(rule, f" FILTER (WHERE {kept})")
        columns.append(f"coalesce({reached}, false) AND city_tier = {rule.tier} AS r{number}")
    return f"""
        SELECT user_id, {", ".join(columns)} FROM events JOIN users USING (user_id)
        WHERE {between(earliest(rules))} GROUP BY user_id, city_tier"""


def earliest(rules: list[Rule]) -> int:
    """The beginning of the longest window."""
    return min(rule.metric.start for rule in rules)


def groups(rules: list[Rule]) -> list[Group]:
    """The rules that one query can answer together: same category, window and tier."""
    together: dict[tuple[str, int, int], Group] = defaultdict(list)
    for number, rule in enumerate(rules):
        together[rule.metric.category, rule.metric.hours, rule.tier].append(number)
    return list(together.values())


def narrowed_table(rules: list[Rule], category: str = "category") -> str:
    """The events of the longest window with their users' tiers, those of one rule together."""
    return f"""
        CREATE TABLE narrowed AS
        SELECT {category} AS category, city_tier, user_id, transaction_date, amount
        FROM events JOIN users USING (user_id) WHERE {between(earliest(rules))}
        ORDER BY category, city_tier"""


def narrowed_query(rules: list[Rule]) -> str:
    """The members of a group of rules, from the narrowed table."""
    metric, tier = rules[0].metric, rules[0].tier
    return f"""
        {_selected([test(rule) for rule in rules])} FROM narrowed
        WHERE category = '{metric.category}' AND city_tier = {tier}
          AND transaction_date >= {instant(metric.start)}
        GROUP BY user_id {_having([test(rule) for rule in rules])}"""


def edges_of(rules: list[Rule]) -> list[int]:
    """The distinct windows in hours, shortest first."""
    return sorted({rule.metric.hours for rule in rules})


def bucket_of_hours(rules: list[Rule]) -> list[int]:
    """For each whole hour before `AS_OF` the number of the shortest window that it is in."""
    buckets: list[int] = []
    for number, edge in enumerate(edges_of(rules)):
        buckets += [number] * (edge - len(buckets))
    return buckets


def feature_table(rules: list[Rule], category: str = "category") -> str:
    """Partial aggregates by category, tier, bucket and user; `hours` has the bucket of each hour.

    A bucket is the time between two edges of windows, so that a window is the first few buckets.
    """
    age = f"(epoch_us({instant(AS_OF)}) - epoch_us(transaction_date) - 1) // {HOUR}"
    return f"""
        CREATE TABLE features AS
        SELECT {category} AS category, city_tier, bucket, user_id,
               sum(amount) AS total, count(*) AS number, min(amount) AS least, max(amount) AS most
        FROM events JOIN users USING (user_id) JOIN hours ON hour = {age}
        WHERE {between(earliest(rules))}
        GROUP BY ALL ORDER BY category, city_tier, bucket"""


def feature_query(rules: list[Rule], bucket: int) -> str:
    """The members of a group of rules, whose window ends with that bucket, from the features."""
    metric, tier = rules[0].metric, rules[0].tier
    combined = {
        "sum": "sum(total)",
        "count": "sum(number)",
        "min": "min(least)",
        "max": "max(most)",
    }
    tests = []
    for rule in rules:
        if rule.metric.aggregate == "avg":
            tests.append(f"sum(total) >= {rule.value} * sum(number)")
        else:
            tests.append(f"{combined[rule.metric.aggregate]} >= {rule.value}")
    return f"""
        {_selected(tests)} FROM features
        WHERE category = '{metric.category}' AND city_tier = {tier} AND bucket <= {bucket}
        GROUP BY user_id {_having(tests)}"""


def _selected(tests: list[str]) -> str:
    """One rule has the keys of its members; several have a column each."""
    columns = [f"{test} AS r{number}" for number, test in enumerate(tests)]
    return "SELECT " + ", ".join(["user_id", *(columns if len(tests) > 1 else [])])


def _having(tests: list[str]) -> str:
    return f"HAVING {tests[0]}" if len(tests) == 1 else ""
