"""What verbs answer that ask: previews, explanations, overlaps, lineages, fields, sources and figures."""

from __future__ import annotations

import datetime as dt
import decimal
from dataclasses import dataclass, field
from typing import Any

from segmentry._arrow import Rows
from segmentry.types.runs import Run


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
