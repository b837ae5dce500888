"""A loaded segment: its members are in memory."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segmentry._arrow import Keys, Rows, Tabular
from segmentry._calls import Pending, as_is, awaitable, blocking, nothing, unpicklable
from segmentry._decode import decode, decode_all
from segmentry.types import Changes, SegmentVersion

if TYPE_CHECKING:
    from segmentry import _native
    from segmentry._documents import Key


@dataclass(frozen=True, slots=True)
class _About:
    id: int
    rule_id: int
    segment_name: str
    description: str | None
    table_name: str
    row_count: int
    sql_query: str
    last_refreshed_at: dt.datetime | None
    as_of: dt.datetime
    version: int


class Segment(Tabular):
    """One version of a rule's segment. It exports its keys as an Arrow C stream.

    >>> segment = engine.segment("Metro")
    >>> len(segment), 1 in segment, list(segment)
    (2, True, [1, 3])
    >>> segment.to_polars()["user_id"].to_list()
    [1, 3]
    """

    def __init__(self, segment: _native.Segment) -> None:
        self._segment = segment
        self._about = decode(_About, segment.about())

    @property
    def id(self) -> int:
        """`segment_catalog.id`."""
        return self._about.id

    @property
    def rule_id(self) -> int:
        """The rule that it is the segment of."""
        return self._about.rule_id

    @property
    def segment_name(self) -> str:
        """The rule's name when the segment was computed."""
        return self._about.segment_name

    @property
    def description(self) -> str | None:
        """The rule's description when the segment was computed."""
        return self._about.description

    @property
    def table_name(self) -> str:
        """`segment_output_<rule id>`, a table in the engine's SQL."""
        return self._about.table_name

    @property
    def row_count(self) -> int:
        """How many members it has."""
        return self._about.row_count

    @property
    def sql_query(self) -> str:
        """The rule as SQL, for people."""
        return self._about.sql_query

    @property
    def last_refreshed_at(self) -> dt.datetime | None:
        """When the run that published the current version finished."""
        return self._about.last_refreshed_at

    @property
    def as_of(self) -> dt.datetime:
        """The instant that this version is about."""
        return self._about.as_of

    @property
    def version(self) -> int:
        """1 for the first version."""
        return self._about.version

    def __len__(self) -> int:
        return self._about.row_count

    def __bool__(self) -> bool:
        # A segment is something also when nobody is in it.
        return True

    def contains(self, key: Key) -> bool:
        """Whether the user of that key is a member."""
        return self._segment.contains(key)

    def __contains__(self, key: Key) -> bool:
        return self._segment.contains(key)

    def __iter__(self) -> Iterator[int | str]:
        return iter(self.keys())

    def keys(self) -> Keys:
        """The members' keys, ascending."""
        return Keys(self._segment.keys())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The keys as an Arrow C stream of one column, named as the users' key; any number of times."""
        return self._segment.__arrow_c_stream__(requested_schema)

    @blocking
    def members(self, columns: Sequence[str] | None = None) -> Pending[Rows]:
        """The members as rows of the users table as it is now, in the order of their keys.

        Members that have left the table are not there.

        >>> engine.segment("Metro").members(["user_id", "city_tier"]).to_polars().rows()
        [(1, 1), (3, 1)]
        """
        return Pending(self._segment.members(None if columns is None else list(columns)), Rows)

    members_async = awaitable(members)

    @blocking
    def sample(self, n: int = 100, columns: Sequence[str] | None = None) -> Pending[Rows]:
        """At most `n` members as rows, spread over the segment; the same whenever the segment is.

        >>> len(engine.segment("Metro").sample(1))
        1
        """
        return Pending(self._segment.sample(n, None if columns is None else list(columns)), Rows)

    sample_async = awaitable(sample)

    @blocking
    def versions(self) -> Pending[list[SegmentVersion]]:
        """Every version of this segment, oldest first.

        >>> [(v.version, v.row_count) for v in engine.segment("Metro").versions()]
        [(1, 2)]
        """
        return Pending(self._segment.versions(), lambda text: decode_all(SegmentVersion, text))

    versions_async = awaitable(versions)

    @blocking
    def changes(self, since_version: int) -> Pending[Changes]:
        """Who entered and who left since that version.

        >>> changes = engine.segment("Metro").changes(since_version=1)
        >>> len(changes.entered), len(changes.exited)
        (0, 0)
        """
        return Pending(self._segment.changes(since_version), lambda both: Changes(Keys(both[0]), Keys(both[1])))

    changes_async = awaitable(changes)

    @blocking
    def export(self, path: str | os.PathLike[str], format: str = "parquet") -> Pending[None]:
        """Writes the keys to a file: `parquet`, `csv`, `arrow`, or `bitmap` (a Roaring bitmap of ordinals).

        The file appears whole or not at all.

        >>> engine.segment("Metro").export(folder / "metro.csv", "csv")
        >>> (folder / "metro.csv").read_text()
        'user_id\\n1\\n3\\n'
        """
        return Pending(self._segment.export(path, format), nothing)

    export_async = awaitable(export)

    @blocking
    def write_table(self, destination: str | os.PathLike[str]) -> Pending[int]:
        """Writes the keys to a table `segment_output_<rule id>` of an SQLite database; the number of rows.

        The table has one column under the key's name. That of an earlier version is replaced at once;
        anything else of that name is left, and is a `ConflictError`.

        >>> engine.segment("Metro").write_table(folder / "platform.db")
        2
        """
        return Pending(self._segment.write_table(destination), as_is)

    write_table_async = awaitable(write_table)

    def __repr__(self) -> str:
        return (
            f"<Segment {self.segment_name!r}, version {self.version}: {self.row_count:,} users "
            f"as of {self.as_of.isoformat()}>"
        )

    def __reduce__(self) -> tuple[object, ...]:
        raise unpicklable("a segment")

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.segment_html(self))
