"""Awaitables: many at once, cancelled, and with progress in the loop's own thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from slow import everybody, slow_engine

import segmentry
from segmentry import SegmentEngine


def test_many_at_once(engine: SegmentEngine) -> None:
    async def all_of_them() -> list[Any]:
        questions = (engine.preview_async(f"city_tier = {tier % 4}") for tier in range(100))
        return await asyncio.gather(*questions)

    counts = [preview.count for preview in asyncio.run(all_of_them())]
    assert counts == [0, 2, 1, 0] * 25


def test_the_loop_goes_on_meanwhile() -> None:
    engine = slow_engine()

    async def both() -> int:
        refresh, ticks = asyncio.ensure_future(engine.refresh_async()), 0
        while not refresh.done():
            await asyncio.sleep(0.001)
            ticks += 1
        assert refresh.result().segments
        return ticks

    assert asyncio.run(both()) > 20


def test_cancelling_the_awaitable_cancels_the_run() -> None:
    engine = slow_engine()

    async def cancelled() -> None:
        refresh = asyncio.ensure_future(engine.refresh_async())
        while engine.status().running is None:
            await asyncio.sleep(0.001)
        refresh.cancel()
        with pytest.raises(asyncio.CancelledError):
            await refresh
        for _ in range(1000):
            if engine.status().running is None:
                return
            await asyncio.sleep(0.001)
        raise AssertionError("the run goes on")

    asyncio.run(cancelled())
    status = engine.status()
    assert (status.stopped, status.published) == (1, 0)
    assert engine.runs().total == 0 and engine.segments().total == 0
    assert engine.refresh().segments[0].row_count == everybody(engine)


def test_a_time_limit_of_asyncio_cancels_the_run() -> None:
    engine = slow_engine()

    async def limited() -> None:
        async with asyncio.timeout(0.05):
            await engine.refresh_async()

    with pytest.raises(TimeoutError):
        asyncio.run(limited())
    assert engine.runs().total == 0


def test_progress_is_told_in_the_loop(engine: SegmentEngine) -> None:
    threads, events = set(), []

    def told(event: segmentry.RunEvent) -> None:
        asyncio.get_running_loop()
        threads.add(threading.get_ident())
        events.append(event)

    run = asyncio.run(engine.refresh_async(progress=told))
    assert threads == {threading.get_ident()}
    assert events[0] == segmentry.RunStarted(rules=1)
    assert events[-1] == segmentry.RunPublished(run_id=run.id)


def test_an_exception_of_progress_stops_the_run() -> None:
    engine = slow_engine()

    def told(event: segmentry.RunEvent) -> None:
        raise ZeroDivisionError(repr(event))

    with pytest.raises(ZeroDivisionError):
        asyncio.run(engine.refresh_async(progress=told))
    with pytest.raises(ZeroDivisionError):
        engine.refresh(progress=told)
    while engine.status().running is not None:
        pass
    assert engine.runs().total == 0


def test_a_loop_that_ends_before_the_verb_does() -> None:
    engine = slow_engine()

    async def left() -> None:
        asyncio.ensure_future(engine.refresh_async())
        while engine.status().running is None:
            await asyncio.sleep(0.001)

    asyncio.run(left())
    assert engine.runs().total == 0
