"""The verbs on the host's tables. They are only ever read."""

from __future__ import annotations

import os
from collections.abc import Mapping

from segmentry._arrow import ArrowStream
from segmentry._calls import Pending, as_is, awaitable, blocking, nothing
from segmentry._decode import decode_all
from segmentry._verbs.base import Verbs
from segmentry.types import SourceInfo

PathLike = str | os.PathLike[str]


class SourceVerbs(Verbs):
    """The verbs on tables."""

    @blocking
    def add_parquet(self, name: str, path: PathLike, *, append_only: bool = False) -> Pending[None]:
        """Registers a Parquet file, a folder of them or a glob as a table; one of that name is replaced.

        `append_only` says that files are only ever added: known ones are not opened again.

        >>> engine.sql("select * from payments").to_polars().write_parquet(folder / "payments.parquet")
        >>> engine.add_parquet("payments", folder / "payments.parquet")
        """
        return Pending(self._engine.add_parquet(name, path, append_only), nothing)

    add_parquet_async = awaitable(add_parquet)

    @blocking
    def add_csv(self, name: str, path: PathLike, *, append_only: bool = False) -> Pending[None]:
        """Registers a CSV file with a header, a folder of them or a glob as a table.

        It is read once for the types of its columns. An empty value is missing.

        >>> _ = (folder / "visits.csv").write_text("user_id,at\\n1,2025-01-01T10:00:00\\n")
        >>> engine.add_csv("visits", folder / "visits.csv")
        >>> [(column.name, column.type) for column in engine.sources()[-1].schema]
        [('user_id', 'Int64'), ('at', 'Timestamp(s)')]
        """
        return Pending(self._engine.add_csv(name, path, append_only), nothing)

    add_csv_async = awaitable(add_csv)

    def add_arrow(self, name: str, data: ArrowStream, *, cursor: str | None = None) -> None:
        """Registers rows in memory as a table: a DataFrame of pandas or polars, a table of pyarrow, a relation
        of duckdb, or anything else with `__arrow_c_stream__`.

        They are not copied where their library does not. Where a table is replaced by one with more rows,
        `cursor`, an ever-growing column, says which these are.

        >>> import polars
        >>> engine.add_arrow("visits", polars.DataFrame({"user_id": [1, 2], "page": ["/", "/shop"]}))
        >>> engine.sources()[-1].name
        'visits'
        """
        self._engine.add_arrow(name, data, cursor)

    @blocking
    def add_sqlite(self, path: PathLike, *, cursor: Mapping[str, str] | None = None) -> Pending[list[str]]:
        """Registers every table and view of a SQLite file, each under its own name, and answers the names.

        `cursor` names an ever-growing column of a table: `{"upi_transactions": "transaction_id"}`.

        >>> import contextlib, sqlite3
        >>> with contextlib.closing(sqlite3.connect(folder / "platform.db")) as platform:
        ...     _ = platform.execute("create table visits (visit_id integer primary key, user_id integer)")
        >>> engine.add_sqlite(folder / "platform.db", cursor={"visits": "visit_id"})
        ['visits']
        """
        return Pending(self._engine.add_sqlite(path, dict(cursor or {})), as_is)

    add_sqlite_async = awaitable(add_sqlite)

    def sources(self) -> list[SourceInfo]:
        """The tables that are registered, by name.

        >>> [(source.name, source.kind) for source in engine.sources()]
        [('payments', 'arrow'), ('users', 'arrow')]
        """
        return decode_all(SourceInfo, self._engine.sources())

    def remove_source(self, name: str) -> None:
        """Takes a table away; the host's data stay as they are.

        >>> engine.remove_source("payments")
        >>> [source.name for source in engine.sources()]
        ['users']
        """
        self._engine.remove_source(name)
