"""Refreshing, and what runs have left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from segmentry._arrow import Keys
from segmentry._calls import Pending, as_is, awaitable, blocking
from segmentry._decode import decode, read
from segmentry._documents import Instant, Key, RuleRef, Seconds, all_named, instant, named, seconds
from segmentry._progress import Listener, Progress
from segmentry._verbs.base import Verbs, as_list, as_one, as_page
from segmentry.scheduler import Scheduler
from segmentry.segment import Segment
from segmentry.types import (
    DueRule,
    EngineStatus,
    Feed,
    Overlap,
    Page,
    Run,
    SegmentChange,
    SegmentEntry,
)


def _feed(answer: tuple[str, list[tuple[Any, Any]]]) -> Feed:
    feed, keys = json.loads(answer[0]), answer[1]
    changes = (
        read(SegmentChange, change, entered=Keys(entered), exited=Keys(exited))
        for change, (entered, exited) in zip(feed["changes"], keys, strict=True)
    )
    return Feed(tuple(changes), feed["up_to"])


class RunVerbs(Verbs):
    """The verbs on runs and segments."""

    @blocking
    def refresh(
        self,
        rules: Sequence[RuleRef] | RuleRef | None = None,
        as_of: Instant | None = None,
        incremental: bool = True,
        reuse: bool = True,
        progress: Progress = None,
        *,
        timeout: Seconds | None = None,
        accept_change: Sequence[RuleRef] | RuleRef = (),
    ) -> Pending[Run]:
        """Computes the segments of rules, and of what they need, together at one instant, and publishes them.

        `rules` are ids or names; without, all that are enabled. Events at or after `as_of` (now, if not
        said) do not count. `incremental=False` looks at every user again; `reuse=False` answers nothing from
        other segments. `progress` is a callable that is handed `RunEvent`s, or `True` for a bar. Ctrl-C,
        cancelling the awaitable, an exception of `progress` and `timeout` (in seconds) stop it, and nothing
        is published then. `accept_change` publishes these rules however much they change, see `set_max_change`.

        Rules that fail do so by themselves, and are in the run's `failed`.

        >>> run = engine.refresh(["Metro"], as_of="2025-02-01T00:00:00Z", progress=lambda event: print(event))
        RunStarted(rules=1)
        RuleEvaluated(rule_id=1, rule_name='Metro', row_count=2, done=1, of=1)
        RunPublished(run_id=2)
        >>> run.segments[0].segment_name, run.segments[0].row_count, run.failed
        ('Metro', 2, ())
        """
        listener = Listener(progress)
        call = self._engine.refresh(
            None if rules is None else all_named(rules),
            instant(as_of),
            incremental,
            reuse,
            seconds(timeout),
            all_named(accept_change),
            listener.listens,
        )
        return Pending(call, as_one(Run), told=listener.tell, ended=listener.end)

    refresh_async = awaitable(refresh)

    @blocking
    def runs(self, page: int = 1, per_page: int = 10) -> Pending[Page[Run]]:
        """Past runs, newest first.

        >>> engine.runs().items[0].segments[0].row_count
        2
        """
        return Pending(self._engine.runs(page, per_page), as_page(Run))

    runs_async = awaitable(runs)

    @blocking
    def run(self, id: int) -> Pending[Run]:
        """One past run.

        >>> engine.run(1).segments[0].entered
        2
        """
        return Pending(self._engine.run(id), as_one(Run))

    run_async = awaitable(run)

    @blocking
    def segments(self, page: int = 1, per_page: int = 10, search: str | None = None) -> Pending[Page[SegmentEntry]]:
        """Current segments, of those whose name contains `search`.

        >>> [(entry.segment_name, entry.row_count) for entry in engine.segments()]
        [('Metro', 2)]
        """
        return Pending(self._engine.segments(page, per_page, search), as_page(SegmentEntry))

    segments_async = awaitable(segments)

    @blocking
    def segment(self, id: RuleRef, version: int | None = None, as_of: Instant | None = None) -> Pending[Segment]:
        """The segment of a rule, by the rule's id or name: the current one, a version, or as it was known for
        an instant.

        >>> engine.segment("Metro", version=1).row_count
        2
        """
        return Pending(self._engine.segment(named(id), version, instant(as_of)), Segment)

    segment_async = awaitable(segment)

    @blocking
    def segments_of(self, key: Key) -> Pending[list[str]]:
        """The names of the segments that hold the user.

        >>> engine.segments_of(3)
        ['Metro']
        """
        return Pending(self._engine.segments_of(key), as_is)

    segments_of_async = awaitable(segments_of)

    @blocking
    def overlap(self, segments: Sequence[RuleRef]) -> Pending[Overlap]:
        """How many users each pair of 2 to 200 segments shares, and how many each has.

        >>> _ = engine.create_rule({"rule_name": "Everyone", "conditions": []})
        >>> _ = engine.refresh()
        >>> engine.overlap(["Metro", "Everyone"]).pairs[0].count
        2
        """
        return Pending(self._engine.overlap(all_named(segments)), as_one(Overlap))

    overlap_async = awaitable(overlap)

    @blocking
    def changes(self, since_run: int = 0, runs: int = 100) -> Pending[Feed]:
        """Who came to segments and who left, run by run, after `since_run`, of at most so many runs.

        Go on from the feed's `up_to`.

        >>> feed = engine.changes()
        >>> list(feed.changes[0].entered), feed.up_to
        ([1, 3], 1)
        """
        return Pending(self._engine.changes(since_run, runs), _feed)

    changes_async = awaitable(changes)

    @blocking
    def trigger(self, id: RuleRef) -> Pending[int]:
        """Asks for a run of a rule as soon as a scheduler on the catalog is free, and answers the run's id.

        >>> engine.trigger("Metro")
        2
        """
        return Pending(self._engine.trigger(named(id)), as_is)

    trigger_async = awaitable(trigger)

    def scheduler(
        self,
        misfire: str | None = None,
        grace: Seconds | None = None,
        poll: Seconds | None = None,
        retry: tuple[Seconds, Seconds] | None = None,
    ) -> Scheduler:
        """A scheduler of this engine's rules, which does nothing until it is started.

        `misfire` is what becomes of firings at which no scheduler worked: `once` for one run of them all, `skip`
        for none. `grace` is after how many seconds a rule is late, `poll` how often to look for what other
        processes ask for, `retry` the first and the longest pause before a failed rule is tried again.
        """
        first, longest = (None, None) if retry is None else map(seconds, retry)
        pauses = None if first is None or longest is None else (first, longest)
        return Scheduler(self._engine.scheduler(misfire, seconds(grace), seconds(poll), pauses))

    @blocking
    def due(self, at: Instant | None = None) -> Pending[list[DueRule]]:
        """The rules that are due, now or at an instant.

        >>> engine.due()
        []
        """
        return Pending(self._engine.due(instant(at)), as_list(DueRule))

    due_async = awaitable(due)

    def status(self) -> EngineStatus:
        """What this engine is doing, and how its runs have ended since it was opened.

        >>> status = engine.status()
        >>> status.running, status.published
        (None, 1)
        """
        return decode(EngineStatus, self._engine.status())
