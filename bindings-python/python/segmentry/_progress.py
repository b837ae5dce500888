"""Progress of a run: handed to the caller's callable, or drawn as a bar."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from segmentry._arrow import MissingPackageError
from segmentry._decode import read
from segmentry.types import RuleEvaluated, RuleFailed, RunEvent, RunProgress, RunPublished, RunStarted

Progress: TypeAlias = "bool | Callable[[RunEvent], None] | None"
"""`True` for a bar, or a callable that is handed every event."""

_EVENTS: dict[str, type[RunEvent]] = {
    "started": RunStarted,
    "evaluated": RuleEvaluated,
    "failed": RuleFailed,
    "progress": RunProgress,
    "published": RunPublished,
}


def event_of(text: str) -> RunEvent:
    """An event of the native module."""
    value: dict[str, Any] = json.loads(text)
    kind = _EVENTS.get(value.pop("event"), RunEvent)
    return read(kind, value)


class Listener:
    """Whoever is told of a run, in the thread or the loop that waits for it."""

    def __init__(self, progress: Progress) -> None:
        self._bar = Bar() if progress is True else None
        self._told: Callable[[RunEvent], None] | None = (
            self._bar if self._bar is not None else None if isinstance(progress, bool) else progress
        )

    @property
    def listens(self) -> bool:
        """Whether anybody wants to be told."""
        return self._told is not None

    def tell(self, text: str) -> None:
        """Hands on an event."""
        if self._told is not None:
            self._told(event_of(text))

    def end(self) -> None:
        """Takes the bar away, however the run ended."""
        if self._bar is not None:
            self._bar.close()


class Bar:
    """A bar of the rules that are through, and beside it what is done for all of them."""

    def __init__(self) -> None:
        try:
            import tqdm.auto
        except ImportError as error:
            raise MissingPackageError("tqdm", "progress=True", "progress") from error
        self._draw = tqdm.auto.tqdm
        self._bar: tqdm.auto.tqdm[Any] | None = None

    def __call__(self, event: RunEvent) -> None:
        """Draws an event; the bar is there from the first one on."""
        if self._bar is None:
            total = event.rules if isinstance(event, RunStarted) else None
            self._bar = self._draw(total=total, unit=" rules", desc="refresh")
        if isinstance(event, (RuleEvaluated, RuleFailed)):
            self._bar.set_postfix_str(event.rule_name, refresh=False)
            self._bar.update(event.done - self._bar.n)
        elif isinstance(event, RunProgress):
            of = f" {event.table}" if event.table else ""
            self._bar.set_postfix_str(f"{event.stage}{of} {event.done}/{event.of}")
        elif isinstance(event, RunPublished):
            self._bar.set_postfix_str(f"run {event.run_id}")

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar is not None:
            self._bar.close()
