"""What verbs answer of the catalog, the store, and what is due or under way."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from segmentry.types.runs import RunProgress


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is damaged, and how to mend it."""

    code: str
    what: str
    place: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Check:
    """What a check looked at, and what of it is damaged."""

    looked_at: dict[str, int]
    damaged: tuple[Damage, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damaged


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a vacuum has dropped."""

    versions: int
    bitmaps: int
    runs: int
    bytes_before: int
    bytes_after: int
    damaged: tuple[Damage, ...]


@dataclass(frozen=True, slots=True)
class PickedBy:
    """A wording that has a key in `include` or `exclude`."""

    rule_id: int
    rule_name: str
    version: int
    current: bool
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What `forget` has done."""

    known: bool
    segments: int
    versions: int
    picked_by: tuple[PickedBy, ...]


@dataclass(frozen=True, slots=True)
class StoredCursor:
    """How far a table with a cursor is stored."""

    column: str
    value: str


@dataclass(frozen=True, slots=True)
class StoredTableInfo:
    """A table in the profile store."""

    table: str
    rows: int
    parts: int
    bytes: int
    columns: tuple[str, ...]
    generation: int
    read_at: dt.datetime
    freshness: str
    """`current`, `behind` or `unknown`."""
    cursor: StoredCursor | None


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Size, rows and freshness of the profile store."""

    folder: str
    bytes: int
    rows: int
    generation: int
    tables: tuple[StoredTableInfo, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DueRule:
    """A rule that is due."""

    rule_id: int
    rule_name: str
    schedule: str
    firing: dt.datetime
    missed: int
    failures: int


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """A run of a scheduler that is under way."""

    since: dt.datetime
    rules: tuple[int, ...]
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that was asked for."""

    run_id: int
    rule_id: int
    requested_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """How a rule with a schedule stands."""

    rule_id: int
    rule_name: str
    enabled: bool
    schedule: str
    broken: bool
    due_since: dt.datetime | None
    late: bool
    running_by: str | None
    running_since: dt.datetime | None
    next_run: dt.datetime | None
    refreshed: dt.datetime | None
    missed: int
    missed_at: dt.datetime | None
    failures: int
    reason: str | None
    retry_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class SchedulerStatus:
    """What a scheduler does, and how all rules with a schedule stand."""

    started: bool
    last_turn: dt.datetime | None
    error: str | None
    run: ScheduledRun | None
    queued: tuple[QueuedRun, ...]
    rules: tuple[RuleStatus, ...]


@dataclass(frozen=True, slots=True)
class RunUnderWay:
    """A run that is not over."""

    started_at: dt.datetime
    stage: str
    stage_since: dt.datetime
    progress: RunProgress | None
    """What of the stage was told of last."""
    rules_done: int
    rules: int
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class FailingRule:
    """A rule that failed or was skipped when it was last asked for."""

    rule_id: int
    rule_name: str
    reason: str
    since: dt.datetime
    last: dt.datetime
    times: int


@dataclass(frozen=True, slots=True)
class LastError:
    """The error of an engine's last run that failed."""

    code: str
    at: dt.datetime
    message: str


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What an engine is doing, and how its runs have ended since it was made."""

    running: RunUnderWay | None
    waiting: int
    published: int
    failed: int
    stopped: int
    last_published_at: dt.datetime | None
    last_error: LastError | None
    failing: tuple[FailingRule, ...]
