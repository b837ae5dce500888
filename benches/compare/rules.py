"""Random rules: an aggregate of `amount` over the events of one category in a window, and a tier.

A rule is written as a document of the rule language, which is what all engines are handed; each
aggregate, category and window is drawn at random, so that 1,000 rules have about 830 metrics.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from .data import AS_OF, CATEGORIES, MICROSECONDS, Data

AGGREGATES = ["sum", "count", "avg", "min", "max"]
HOUR = 3_600 * MICROSECONDS
SHORTEST, LONGEST = 7 * 24, 180 * 24
# Users of whom thresholds are chosen.
SAMPLE = 40_000
SEED = 41

Array = np.ndarray


@dataclass(frozen=True)
class Metric:
    """One aggregate per user, of the events of a category in the last so many hours."""

    aggregate: str
    category: str
    hours: int

    @property
    def start(self) -> int:
        """The beginning of the window, in microseconds; it ends at `AS_OF`."""
        return AS_OF - self.hours * HOUR


@dataclass(frozen=True)
class Rule:
    """A metric that is at least so many cents, or events, and a tier."""

    name: str
    metric: Metric
    threshold: int
    tier: int

    @property
    def value(self) -> Decimal:
        """The threshold as it is compared."""
        return Decimal(self.threshold) / (1 if self.metric.aggregate == "count" else 100)

    def document(self) -> dict[str, Any]:
        """The rule as the rule language has it."""
        metric = self.metric
        days, rest = divmod(metric.hours, 24)
        condition = {
            "events": "events",
            "aggregate": metric.aggregate,
            "field": "amount",
            "where": [{"field": "category", "operator": "=", "value": metric.category}],
            "window": {"last": f"{metric.hours} hours" if rest else f"{days} days"},
            "operator": ">=",
            "value": float(self.value),
        }
        if metric.aggregate == "count":
            del condition["field"]
        tier = {"field": "city_tier", "operator": "=", "value": self.tier}
        return {"rule_name": self.name, "conditions": [condition, tier]}

    @staticmethod
    def of(document: dict[str, Any]) -> Rule:
        """The rule that a document of this module says."""
        condition, tier = document["conditions"]
        number, unit = condition["window"]["last"].split()
        hours = int(number) * (24 if unit == "days" else 1)
        aggregate = condition["aggregate"]
        metric = Metric(aggregate, condition["where"][0]["value"], hours)
        value = Decimal(str(condition["value"])) * (1 if aggregate == "count" else 100)
        return Rule(document["rule_name"], metric, int(value), tier["value"])


def write(rules: list[Rule], path: Path) -> None:
    """Writes rules as a JSON array of documents."""
    path.write_text(json.dumps([rule.document() for rule in rules], indent=1))


def read(path: Path) -> list[Rule]:
    """The rules of a file that `write` has written."""
    return [Rule.of(document) for document in json.loads(path.read_text())]


def windows(edges: int, random: np.random.Generator) -> list[int]:
    """So many lengths in hours: whole weeks up to 25, else any hours of 7 to 180 days."""
    if edges <= 25:
        return [SHORTEST * number for number in range(1, edges + 1)]
    hours = random.choice(np.arange(SHORTEST, LONGEST + 1), edges, replace=False)
    return [int(hour) for hour in hours]


class RuleMaker:
    """Makes rules over some data, with thresholds that a fair share of the users reaches."""

    def __init__(self, data: Data) -> None:
        self.data = data

    def make(self, count: int, share: float, edges: int, round_: int) -> list[Rule]:
        """`count` rules of `share` times as many metrics; each round has rules of its own.

        All `edges` windows appear as soon as there are as many metrics.
        """
        random = np.random.default_rng([SEED, count, round(share * 1_000), edges, round_])
        lengths = windows(edges, random)
        drawn = max(1, round(count * share))
        decks = [random.permutation(lengths) for _ in range(-(-drawn // len(lengths)))]
        metrics = [
            Metric(str(random.choice(AGGREGATES)), str(random.choice(CATEGORIES)), int(hours))
            for hours in np.concatenate(decks)[:drawn]
        ]
        return [
            Rule(
                f"Rule {number + 1}",
                metric := metrics[number % drawn],
                self._threshold(metric, random.random()),
                int(random.integers(1, 4)),
            )
            for number in range(count)
        ]

    def _threshold(self, metric: Metric, luck: float) -> int:
        """What 1 to 60 % of the users reach, or fewer where fewer have such events."""
        values = self._values(metric)
        if len(values) == 0:
            return 1
        users = self.data.users // self._every
        most = min(0.6, len(values) / users)
        least = min(0.01, most / 2)
        wanted = (least + luck * (most - least)) * users
        return int(np.sort(values)[-max(1, round(wanted))])

    def _values(self, metric: Metric) -> Array:
        """The metric of each user of the sample who has such events."""
        users, times, cents = self._sample[metric.category]
        kept = times >= metric.start
        users, cents = users[kept], cents[kept]
        first = np.flatnonzero(np.diff(users, prepend=-1))
        if metric.aggregate in ("min", "max"):
            extreme = np.minimum if metric.aggregate == "min" else np.maximum
            return extreme.reduceat(cents, first) if len(first) else cents
        counts = np.diff(first, append=len(users))
        if metric.aggregate == "count":
            return counts
        sums = np.add.reduceat(cents, first) if len(first) else cents
        return sums if metric.aggregate == "sum" else sums // np.maximum(counts, 1)

    @property
    def _every(self) -> int:
        return max(1, self.data.users // SAMPLE)

    @cached_property
    def _sample(self) -> dict[str, tuple[Array, Array, Array]]:
        """By category, the users, times and cents of the events of some users, users together."""
        rows = duckdb.execute(
            f"""SELECT category, user_id, epoch_us(transaction_date) AS time,
                       CAST(amount * 100 AS BIGINT) AS cents
                FROM '{self.data.events_file}'
                WHERE user_id % {self._every} = 0 AND epoch_us(transaction_date) < {AS_OF}
                ORDER BY user_id"""
        ).fetchnumpy()
        columns = [rows[name] for name in ("user_id", "time", "cents")]
        by_category = {}
        for category in CATEGORIES:
            its = rows["category"] == category
            user, time, cents = (column[its] for column in columns)
            by_category[category] = (user, time, cents)
        return by_category
