"""Progress: events for a callable, a bar for `True`."""

from __future__ import annotations

import io
import sys
import threading

import pytest
from slow import slow_engine

import segmentry
from segmentry import SegmentEngine


def test_events_come_in_the_thread_that_waits() -> None:
    engine, events, threads = slow_engine(rules=5), [], set()

    def told(event: segmentry.RunEvent) -> None:
        events.append(event)
        threads.add(threading.get_ident())

    run = engine.refresh(progress=told)
    assert threads == {threading.get_ident()}
    assert events[0] == segmentry.RunStarted(rules=6)
    assert events[-1] == segmentry.RunPublished(run_id=run.id)
    evaluated = [event for event in events if isinstance(event, segmentry.RuleEvaluated)]
    assert [event.done for event in evaluated] == [1, 2, 3, 4, 5, 6]
    assert {event.rule_name: event.row_count for event in evaluated} == {
        segment.segment_name: segment.row_count for segment in run.segments
    }
    steps = [event for event in events if isinstance(event, segmentry.RunProgress)]
    assert {(step.stage, step.table) for step in steps} >= {("read", "payments"), ("evaluate", None)}


def test_a_rule_that_fails_is_told(engine: SegmentEngine) -> None:
    engine.add_arrow("users", engine.sql("select user_id from users"))
    events: list[segmentry.RunEvent] = []
    engine.refresh(progress=events.append)
    assert [type(event) for event in events][1:2] == [segmentry.RuleFailed]


def test_a_bar_is_drawn(engine: SegmentEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = io.StringIO()
    monkeypatch.setattr(sys, "stderr", drawn)
    engine.refresh(progress=True)
    assert "1/1" in drawn.getvalue() and "refresh" in drawn.getvalue()


def test_a_bar_needs_tqdm(engine: SegmentEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(segmentry.MissingPackageError, match=r"pip install 'segmentry\[progress\]'"):
        engine.refresh(progress=True)
    assert engine.refresh(progress=False).segments


def test_nobody_listens_in_vain(engine: SegmentEngine) -> None:
    assert engine.refresh(progress=None).segments
