"""What verbs answer: frozen dataclasses with the names of the engine's own. Instants are aware datetimes."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from segmentry._arrow import Keys, Rows
from segmentry.errors import Problem

T = TypeVar("T")

__all__ = [
    "AffectedRule",
    "Changes",
    "Check",
    "Column",
    "Damage",
    "Dependencies",
    "DueRule",
    "EngineStatus",
    "Explained",
    "ExplainedWindow",
    "Explanation",
    "FailingRule",
    "Feed",
    "FieldInfo",
    "Forgotten",
    "LastError",
    "Lineage",
    "LineageEdge",
    "LineageNode",
    "Overlap",
    "OverlapPair",
    "OverlapSegment",
    "Page",
    "PickedBy",
    "Preview",
    "PreviewStep",
    "QueuedRun",
    "Reused",
    "Rule",
    "RuleEvaluated",
    "RuleFailed",
    "RuleStatus",
    "RuleVersion",
    "Run",
    "RunEvent",
    "RunFailure",
    "RunProgress",
    "RunPublished",
    "RunSegment",
    "RunSkip",
    "RunStarted",
    "RunUnderWay",
    "ScheduledRun",
    "SchedulerStatus",
    "SegmentChange",
    "SegmentEntry",
    "SegmentVersion",
    "SourceInfo",
    "StoreStatus",
    "StoredCursor",
    "StoredTableInfo",
    "Summary",
    "Updated",
    "Vacuumed",
]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a long list; iterating and indexing go over this page's entries."""

    items: tuple[T, ...]
    total: int
    """How many entries there are on all pages."""
    page: int
    """Which page this is, from 1."""
    pages: int

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> T:
        return self.items[place]

    def _repr_html_(self) -> str:
        from segmentry import _html

        return _html.page_html(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """A stored rule. `rule["conditions"]` is a member of its document, which can be sent back as it is."""

    id: int
    version: int
    """1 for the first wording, one more with each change."""
    created_at: dt.datetime | None
    updated_at: dt.datetime | None
    document: dict[str, Any]

    @property
    def rule_name(self) -> str:
        """The name in its document."""
        return str(self.document["rule_name"])

    def __getitem__(self, member: str) -> Any:
        return self.document[member]

    def to_document(self) -> dict[str, Any]:
        """The document, as every verb that takes a rule takes it."""
        return self.document

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.rule_html(self))


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One wording that a rule has or had."""

    version: int
    at: dt.datetime
    """Since when."""
    document: dict[str, Any] | None
    """The wording; nothing marks the deletion."""


@dataclass(frozen=True, slots=True)
class AffectedRule:
    """A rule whose segment may change because one that it needs was updated."""

    rule_id: int
    rule_name: str


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update of a rule touches."""

    affects: tuple[AffectedRule, ...]


@dataclass(frozen=True, slots=True)
class Reused:
    """A segment that can answer a rule or a part of it."""

    rule_id: int
    covers: tuple[str, ...]
    """JSON Pointers to the parts of the rule that it answers."""
    how: str
    """`equal` or `contains`."""
    operation: str
    chosen: bool
    """Whether the cost favours it."""
    reason: str


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the dependency finder found."""

    depends_on: tuple[int, ...]
    evaluated: tuple[str, ...]
    """JSON Pointers to the parts that are left to be evaluated."""
    reused: tuple[Reused, ...]
    """All that is usable, chosen or not."""
    order: tuple[int, ...]
    """The rules that it needs, in the order in which a run evaluates them."""
    operation: str | None = None


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


@dataclass(frozen=True, slots=True)
class SegmentVersion:
    """One version of a segment."""

    version: int
    rule_version: int
    as_of: dt.datetime
    run_id: int
    row_count: int
    entered: int
    exited: int


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A current segment in a list; `engine.segment` loads its members."""

    id: int
    rule_id: int
    segment_name: str
    description: str | None
    table_name: str
    row_count: int
    sql_query: str | None
    last_refreshed_at: dt.datetime | None
    current: SegmentVersion | None
    """The version that is current; nothing of a segment of the original platform, which kept no members."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Who came and who went between two versions."""

    entered: Keys
    exited: Keys


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """What a run has changed in one segment."""

    run_id: int
    rule_id: int
    version: int
    as_of: dt.datetime
    since: int | None
    """The version that it is compared with, 0 for the first; nothing if that is gone: `entered` is everyone then."""
    entered: Keys = field(metadata={"json": None})
    exited: Keys = field(metadata={"json": None})


@dataclass(frozen=True, slots=True)
class Feed:
    """Changes of segments, by run and rule."""

    changes: tuple[SegmentChange, ...]
    up_to: int
    """The last run that was looked at: the feed goes on from here."""


@dataclass(frozen=True, slots=True)
class PreviewStep:
    """One condition of a preview."""

    path: str
    text: str
    count: int
    """Under a topmost `and` how many users are left after this and all before it, else how many it takes by itself."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What conditions would give; nothing is stored."""

    count: int
    of: int
    sql: str
    steps: tuple[PreviewStep, ...]
    sample: Rows = field(metadata={"json": None})
    """Up to 100 of the users."""

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.preview_html(self))


@dataclass(frozen=True, slots=True)
class ExplainedWindow:
    """A window as instants, half-open; an open edge is nothing."""

    start: dt.datetime | None
    end: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Explained:
    """A condition or a group of an `Explanation`."""

    path: str
    kind: str
    """`and`, `or`, `not and`, `not or`, the name of an operation, `segment`, or `condition`."""
    text: str
    holds: bool
    value: Any = None
    """What the user has; nothing for groups and where there is no value."""
    needed: str | None = None
    cutoff: Any = None
    window: ExplainedWindow | None = None
    parts: tuple[Explained, ...] = ()

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.explained_html(self))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one user is in a segment, or why not."""

    key: int | str
    as_of: dt.datetime
    member: bool
    included: bool
    excluded: bool
    root: Explained

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.explained_html(self))


@dataclass(frozen=True, slots=True)
class OverlapSegment:
    """One of the segments that are compared."""

    rule_id: int
    segment_name: str
    row_count: int


@dataclass(frozen=True, slots=True)
class OverlapPair:
    """How many users two segments share."""

    first: int
    second: int
    count: int
    jaccard: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """What segments share, pair by pair."""

    segments: tuple[OverlapSegment, ...]
    pairs: tuple[OverlapPair, ...]

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.overlap_html(self))


@dataclass(frozen=True, slots=True)
class LineageNode:
    """A rule in a lineage."""

    rule_id: int
    rule_name: str
    row_count: int | None
    as_of: dt.datetime | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """Why one rule's segment comes from another's."""

    from_: int = field(metadata={"json": "from"})
    """The rule whose segment is used."""
    to: int
    """The rule that uses it."""
    kind: str
    """`operand`, `condition` or `reused`."""
    reason: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a rule's segment comes from, and what comes from it."""

    rule_id: int
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
    mermaid: str = field(repr=False, metadata={"json": None})
    """The same as a Mermaid flow chart."""
    dot: str = field(repr=False, metadata={"json": None})
    """The same in Graphviz's language."""

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.lineage_html(self))


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field that conditions can be about."""

    name: str
    table: str | None
    """The table that it is a column of; nothing for traits and the language's own fields."""
    type: str
    operators: tuple[str, ...]
    values: tuple[str, ...] | None
    """The values that it has, if it is a string with at most a hundred."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source."""

    name: str
    type: str
    """Its Arrow type."""
    nullable: bool


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A registered table."""

    name: str
    kind: str
    """`parquet`, `csv`, `arrow`, `sqlite` or `table`."""
    location: str | None
    schema: tuple[Column, ...]
    rows: int | None
    cursor: str | None
    append_only: bool
    read_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of the data as it is and of what was computed from it."""

    total_users: int
    total_transactions: int
    total_spend: decimal.Decimal | None
    """The sum of the trait `total_spend`; nothing where the model has none."""
    total_rules: int
    total_segments: int
    last_run: Run | None


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
