"""The engine: a catalog, a model and the host's tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from segmentry import _native
from segmentry._calls import Pending, unpicklable
from segmentry._documents import Documented, Seconds, document, seconds
from segmentry._verbs import QuestionVerbs, RuleVerbs, RunVerbs, SourceVerbs, UpkeepVerbs
from segmentry.parts import MemoryCatalog, SqliteCatalog

if TYPE_CHECKING:
    from segmentry.plot import Plot

Path: TypeAlias = "str | os.PathLike[str]"
Model: TypeAlias = "Mapping[str, Any] | Documented | Path"


class SegmentEngine(RuleVerbs, SourceVerbs, RunVerbs, QuestionVerbs, UpkeepVerbs):
    """An engine on a catalog.

    `catalog` is the path of a SQLite file, `":memory:"`, or a catalog; `model` what the tables mean: a
    document, the path of one, or nothing, which is the original platform's schema if its tables are there and
    else what `AudienceModel.infer` makes of them; `store` a folder for the profile store; `threads` how many
    partitions are worked on at once; `memory_limit` a number of bytes or a text as `"8 GB"`; `busy_timeout` for
    how many seconds a refresh waits for another, 30 if not said. No table is needed to open it.

    Every verb that works for longer has a twin that is awaited: `await engine.refresh_async()`.

    >>> import polars, segmentry
    >>> from datetime import datetime
    >>> engine = segmentry.SegmentEngine(":memory:")
    >>> engine.add_arrow("users", polars.DataFrame({"user_id": [1, 2, 3], "city_tier": [1, 2, 1]}))
    >>> engine.add_arrow("payments", polars.DataFrame({
    ...     "user_id": [1, 1, 2, 3],
    ...     "paid_at": [datetime(2025, 1, day) for day in (3, 10, 4, 20)],
    ...     "amount": [120.0, 40.5, 900.0, 15.0],
    ... }))
    >>> rule_id = engine.create_rule({
    ...     "rule_name": "Metro",
    ...     "conditions": [{"field": "city_tier", "operator": "=", "value": 1}],
    ... })
    >>> engine.refresh([rule_id]).segments[0].row_count
    2
    >>> list(engine.segment("Metro"))
    [1, 3]
    """

    def __init__(
        self,
        catalog: Path | SqliteCatalog | MemoryCatalog,
        model: Model | None = None,
        store: Path | None = None,
        threads: int | None = None,
        memory_limit: int | str | None = None,
        busy_timeout: Seconds | None = None,
    ) -> None:
        self._engine = _opening(catalog, model, store, threads, memory_limit, busy_timeout).wait()

    @classmethod
    async def open_async(
        cls,
        catalog: Path | SqliteCatalog | MemoryCatalog,
        model: Model | None = None,
        store: Path | None = None,
        threads: int | None = None,
        memory_limit: int | str | None = None,
        busy_timeout: Seconds | None = None,
    ) -> SegmentEngine:
        """The same as `SegmentEngine(...)`, awaited."""
        engine = cls.__new__(cls)
        engine._engine = await _opening(catalog, model, store, threads, memory_limit, busy_timeout)
        return engine

    @property
    def plot(self) -> Plot:
        """Plots of segments; needs altair."""
        from segmentry.plot import Plot

        return Plot(self)

    def __repr__(self) -> str:
        return f"<SegmentEngine with {len(self.sources())} tables>"

    def __reduce__(self) -> tuple[object, ...]:
        raise unpicklable("an engine")


def _opening(
    catalog: Path | SqliteCatalog | MemoryCatalog,
    model: Model | None,
    store: Path | None,
    threads: int | None,
    memory_limit: int | str | None,
    busy_timeout: Seconds | None,
) -> Pending[_native.Engine]:
    own = isinstance(catalog, (SqliteCatalog, MemoryCatalog))
    text = None if model is None else _model(model)
    call = _native.Engine.open(
        catalog._catalog if isinstance(catalog, (SqliteCatalog, MemoryCatalog)) else None,
        None if own else os.fspath(catalog),  # type: ignore[arg-type]
        text,
        store,
        threads,
        None if isinstance(memory_limit, str) else memory_limit,
        memory_limit if isinstance(memory_limit, str) else None,
        seconds(busy_timeout),
    )
    return Pending(call, lambda engine: engine, document=text)


def _model(model: Model) -> str:
    """The text of a model: of a document as it is, of a path what is in the file."""
    if isinstance(model, str) and model.lstrip().startswith("{"):
        return model
    if isinstance(model, (str, os.PathLike)):
        with open(model, encoding="utf-8") as file:
            return file.read()
    return document(model)
