"""Running what is due, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentry._calls import Pending, awaitable, blocking, nothing, unpicklable
from segmentry._decode import decode
from segmentry.types import Run, SchedulerStatus

if TYPE_CHECKING:
    from segmentry import _native


class Scheduler:
    """Runs what is due and what was triggered. Made by `engine.scheduler()`, and does nothing until started.

    >>> scheduler = engine.scheduler(misfire="once", poll=1)
    >>> run_id = engine.trigger("Metro")
    >>> scheduler.run_due().id == run_id
    True
    >>> with scheduler:
    ...     scheduler.status().started
    True
    >>> scheduler.is_started
    False
    """

    def __init__(self, scheduler: _native.Scheduler) -> None:
        self._scheduler = scheduler

    def start(self) -> None:
        """Begins to run what is due; does nothing if it has begun already."""
        self._scheduler.start()

    @blocking
    def stop(self, how: str = "wait") -> Pending[None]:
        """Stops: lets the run under way come to its end (`wait`) or stops it (`cancel`). It can be started again."""
        return Pending(self._scheduler.stop(how), nothing)

    stop_async = awaitable(stop)

    @blocking
    def run_due(self) -> Pending[Run | None]:
        """Runs once what is due now and what was asked for, started or not; nothing if there is nothing to run."""
        return Pending(self._scheduler.run_due(), lambda text: None if text == "null" else decode(Run, text))

    run_due_async = awaitable(run_due)

    @blocking
    def status(self) -> Pending[SchedulerStatus]:
        """What it does at present, and how all rules with a schedule stand, whoever runs them."""
        return Pending(self._scheduler.status(), lambda text: decode(SchedulerStatus, text))

    status_async = awaitable(status)

    @property
    def is_started(self) -> bool:
        """Whether it was started and not stopped."""
        return self._scheduler.is_started()

    def __enter__(self) -> Scheduler:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __reduce__(self) -> tuple[object, ...]:
        raise unpicklable("a scheduler")
