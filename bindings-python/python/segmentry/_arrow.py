"""Rows and keys: objects with an Arrow C stream, for whichever library the caller has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, overload

from segmentry.errors import InvalidError, Problem

if TYPE_CHECKING:
    import pandas
    import polars

    from segmentry import _native


class ArrowStream(Protocol):
    """Anything that exports an Arrow C stream: DataFrames, tables, relations, and results of ours."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class MissingPackageError(InvalidError):
    """An optional package is not installed."""

    def __init__(self, package: str, what: str, extra: str) -> None:
        hint = f"pip install 'segmentry[{extra}]'"
        message = f"{what} needs {package}, which is not installed"
        super().__init__(f"{message}; {hint}", [Problem("unsupported", "", message, hint)])

    def __reduce__(self) -> tuple[Any, ...]:
        return InvalidError, (str(self), self.problems)


class Tabular:
    """What everything with an Arrow stream can become."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        raise NotImplementedError

    def to_pandas(self) -> pandas.DataFrame:
        """As a pandas DataFrame; needs pandas and pyarrow."""
        try:
            import pandas  # noqa: F401
            import pyarrow
        except ImportError as error:
            raise MissingPackageError("pandas with pyarrow", "to_pandas", "pandas") from error
        frame: pandas.DataFrame = pyarrow.table(self).to_pandas()
        return frame

    def to_polars(self) -> polars.DataFrame:
        """As a polars DataFrame, without copying; needs polars."""
        try:
            import polars
        except ImportError as error:
            raise MissingPackageError("polars", "to_polars", "polars") from error
        return polars.DataFrame(self)


class Rows(Tabular):
    """Rows in memory, as `sql`, `members` and `sample` give them.

    They export an Arrow C stream, any number of times, so that `polars.DataFrame(rows)`,
    `pyarrow.table(rows)` and `duckdb.sql("from rows")` work.

    >>> rows = engine.sql("select user_id, city_tier from users order by user_id limit 2")
    >>> len(rows), rows.columns
    (2, ['user_id', 'city_tier'])
    >>> rows.to_polars()["city_tier"].to_list()
    [1, 2]
    """

    def __init__(self, rows: _native.Rows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self._rows.columns()

    def to_pylist(self) -> list[dict[str, Any]]:
        """The rows as a list of dicts; needs nothing installed.

        >>> engine.sql("select user_id, city_tier from users order by user_id limit 1").to_pylist()
        [{'user_id': 1, 'city_tier': 1}]
        """
        names = self.columns
        return [dict(zip(names, row, strict=True)) for row in zip(*self._rows.values(), strict=True)]

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows as an Arrow C stream, any number of times."""
        return self._rows.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<{len(self):,} rows of {', '.join(self.columns)}>"


class Keys(Tabular):
    """Keys of users, ascending: ints or strs, never both.

    >>> keys = engine.segment("Metro").keys()
    >>> list(keys), len(keys), keys[0], keys.to_pylist()
    ([1, 3], 2, 1, [1, 3])
    """

    # Not a `Sequence`, though it is like one: polars would read that one value at a time, and name it `column_0`.

    def __init__(self, keys: _native.Keys) -> None:
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, at: int) -> int | str: ...
    @overload
    def __getitem__(self, at: slice) -> list[int | str]: ...
    def __getitem__(self, at: int | slice) -> int | str | list[int | str]:
        if isinstance(at, slice):
            return self.to_pylist()[at]
        place = at + len(self) if at < 0 else at
        key = self._keys.get(place) if place >= 0 else None
        if key is None:
            raise IndexError(f"there are {len(self)} keys, and none at {at}")
        return key

    def __iter__(self) -> Iterator[int | str]:
        return iter(self.to_pylist())

    def to_pylist(self) -> list[int | str]:
        """The keys as a list."""
        return self._keys.to_pylist()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The keys as an Arrow C stream of one column, named as the users' key."""
        return self._keys.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        some = [repr(self[at]) for at in range(min(len(self), 5))]
        return f"<{len(self):,} keys: {', '.join(some)}{', …' if len(self) > 5 else ''}>"
