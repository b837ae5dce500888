"""What verbs answer of runs, and what a run tells on its way."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from segmentry.errors import Problem
from segmentry.types.rules import Reused


@dataclass(frozen=True, slots=True)
class RunSegment:
    """A segment that a run published."""

    rule_id: int
    segment_name: str
    row_count: int
    entered: int
    exited: int
    unmatched: int
    """Keys of `include` and `exclude` that no user has."""
    reused: tuple[Reused, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class RunFailure:
    """A rule that failed, by itself."""

    rule_id: int
    rule_name: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class RunSkip:
    """A rule that was not evaluated because one that it needs failed."""

    rule_id: int
    rule_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """One refresh of one or more rules at one `as_of`."""

    id: int
    as_of: dt.datetime
    segments: tuple[RunSegment, ...]
    """In the order of evaluation."""
    failed: tuple[RunFailure, ...]
    skipped: tuple[RunSkip, ...]
    scanned: dict[str, int]
    """Rows of each source that were read."""
    users_evaluated: int
    rules_incremental: int
    rules_planned: int
    seconds: float
    stages: dict[str, float]
    """The same seconds by stage."""

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.run_html(self))


@dataclass(frozen=True, slots=True)
class RunEvent:
    """What a run tells while it goes on: one of the classes below."""


@dataclass(frozen=True, slots=True)
class RunStarted(RunEvent):
    """The run is under way."""

    rules: int
    """How many rules it will evaluate."""


@dataclass(frozen=True, slots=True)
class RuleEvaluated(RunEvent):
    """A rule has its members."""

    rule_id: int
    rule_name: str
    row_count: int
    done: int
    """How many rules are through, this one included."""
    of: int


@dataclass(frozen=True, slots=True)
class RuleFailed(RunEvent):
    """A rule failed or was skipped."""

    rule_id: int
    rule_name: str
    reason: str
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class RunProgress(RunEvent):
    """The run has moved on within a stage that all rules have together."""

    stage: str
    """`read`, `store` or `evaluate`."""
    done: int
    of: int
    table: str | None = None
    """The table that is read or stored."""


@dataclass(frozen=True, slots=True)
class RunPublished(RunEvent):
    """Everything is seen by readers."""

    run_id: int
