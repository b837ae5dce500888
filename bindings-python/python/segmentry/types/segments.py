"""What verbs answer of segments: their versions, and who came and who went."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from segmentry._arrow import Keys


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
