"""A good citizen: threads, forks, Ctrl-C, panics, memory."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from slow import slow_engine

import segmentry
from segmentry import SegmentEngine

HERE = Path(__file__).parent
CALLS = int(os.environ.get("SEGMENTRY_CALLS_PER_THREAD", "30"))
PANICS = int(os.environ.get("SEGMENTRY_PANICS", "1000"))
REFRESHES = int(os.environ.get("SEGMENTRY_REFRESHES", "400"))


def run_python(code: str, seconds: int = 300, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a process of its own."""
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=os.environ | {"PYTHONPATH": path} | environment,
    )


def test_many_threads(engine: SegmentEngine) -> None:
    """32 threads call an engine's verbs, those that write among them, and get what one alone gets."""

    def calls(thread: int) -> None:
        for call in range(CALLS):
            match (thread + call) % 6:
                case 0:
                    assert engine.preview("city_tier = 1").count == 2
                case 1:
                    assert list(engine.segment("Metro").keys()) == [1, 3]
                case 2:
                    name = f"Rule {thread} {call}"
                    id = engine.create_rule({"rule_name": name, "conditions": []})
                    assert engine.rule(name).id == id
                    engine.delete_rule(id)
                case 3:
                    assert engine.sql("select count(*) as n from users").to_polars()["n"][0] == 3
                case 4:
                    assert engine.refresh("Metro").failed == ()
                case 5:
                    assert 1 in engine.segment("Metro") and engine.segments_of(2) == []

    with ThreadPoolExecutor(32) as pool:
        for done in [pool.submit(calls, thread) for thread in range(32)]:
            done.result()
    assert engine.rules().total == 1


def test_other_threads_run_while_a_verb_does() -> None:
    engine = slow_engine()
    ticks, done = 0, threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.wait(0.001):
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    started = time.monotonic()
    engine.refresh()
    seconds = time.monotonic() - started
    done.set()
    thread.join()
    assert ticks > seconds * 100


def test_ctrl_c_cancels_within_a_second() -> None:
    code = """
import os, signal, sys, threading, time
from slow import slow_engine
engine = slow_engine(rules=900)
pressed = None
def press():
    global pressed
    while engine.status().running is None:
        time.sleep(0.005)
    time.sleep(0.1)
    pressed = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press).start()
try:
    engine.refresh()
except KeyboardInterrupt:
    print("stopped", time.monotonic() - pressed)
    while engine.status().running is not None:
        assert time.monotonic() - pressed < 3
        time.sleep(0.001)
    assert engine.status().stopped == 1
    assert engine.runs().total == 0
    # It goes on working.
    print("again", engine.refresh(1).segments[0].row_count)
"""
    ran = run_python(code)
    assert ran.returncode == 0, ran.stderr
    words = ran.stdout.split()
    assert words[0] == "stopped" and float(words[1]) < 1
    assert words[2:] == ["again", "20000"]


def test_ctrl_c_while_waiting_for_another_run() -> None:
    code = """
import os, signal, threading, time
from slow import slow_engine
engine = slow_engine(rules=900)
other = threading.Thread(target=engine.refresh)
other.start()
while engine.status().running is None:
    time.sleep(0.005)
threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
started = time.monotonic()
try:
    engine.refresh(1)
    raise SystemExit("not stopped")
except KeyboardInterrupt:
    assert time.monotonic() - started < 1.1
other.join()
assert engine.status().published == 1
"""
    ran = run_python(code)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_use_after_fork_is_told(engine: SegmentEngine) -> None:
    segment, scheduler = engine.segment("Metro"), engine.scheduler()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            for call in (engine.refresh, engine.rules, engine.status, segment.keys, scheduler.status):
                with pytest.raises(segmentry.SegmentryError, match="forked") as raised:
                    call()  # type: ignore[operator]
                assert raised.value.hint == "open an engine of its own in each process"
            with pytest.raises(segmentry.SegmentryError, match="forked"):
                1 in segment  # noqa: B015
            # An engine of its own works, and what the parent made can go.
            assert SegmentEngine(":memory:").rules().total == 0
            del engine, segment, scheduler, call
            gc.collect()
            status = 0
        finally:
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(ended) == 0
    assert engine.refresh().failed == () and list(segment.keys()) == [1, 3]


def test_spawned_processes_open_their_own(tmp_path: Path) -> None:
    """Processes that share a catalog's file."""
    from conftest import small_engine

    small_engine(catalog=tmp_path / "audience.db")
    (tmp_path / "workers.py").write_text(
        """
import multiprocessing, pathlib, segmentry
def members(path):
    return list(segmentry.SegmentEngine(path).segment("Metro"))
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(members, [pathlib.Path(__file__).with_name("audience.db")] * 4))
"""
    )
    ran = subprocess.run([sys.executable, tmp_path / "workers.py"], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "[[1, 3], [1, 3], [1, 3], [1, 3]]\n", ran.stderr


def test_panics_are_errors_and_nothing_dies() -> None:
    code = f"""
import segmentry
from segmentry import _native
from conftest import small_engine
engine = small_engine()
for at in range({PANICS}):
    try:
        if at % 2:
            _native.panic_plainly()
        else:
            call = _native.panic_in_a_run(engine._engine)
            while not call.wait():
                pass
            call.result()
    except segmentry.InternalError as error:
        assert error.kind == "internal" and "a panic of the tests" in str(error), error
    else:
        raise SystemExit("no panic")
assert engine.status().running is None
assert engine.runs().total == 1, "a run that panicked was published"
run = engine.refresh()
assert run.failed == () and list(engine.segment("Metro")) == [1, 3] and engine.check().is_sound
print("alive")
"""
    ran = run_python(code, SEGMENTRY_TEST_HOOKS="1")
    assert ran.stdout == "alive\n", ran.stderr[-2000:]


def test_the_hooks_of_the_tests_are_not_there_otherwise() -> None:
    ran = run_python("from segmentry import _native; print(hasattr(_native, 'panic_plainly'))")
    assert ran.stdout == "False\n"


def test_memory_is_flat_over_refreshes() -> None:
    """Refreshes and reads of a small engine, whose versions are dropped as they come, hold no more and more."""
    code = f"""
import gc, polars
from conftest import small_engine
def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * 4096
engine = small_engine()
def once(at):
    engine.add_arrow("users", polars.DataFrame({{"user_id": [1, 2, 3], "city_tier": [1, at % 3, 1]}}))
    engine.refresh(progress=lambda event: None)
    segment = engine.segment("Metro")
    polars.DataFrame(segment), segment.sample(1), segment.keys().to_pylist()
    if at % 50 == 0:
        engine.vacuum(1, runs=1)
for at in range({REFRESHES} // 2):
    once(at)
before = resident()
for at in range({REFRESHES} // 2):
    once(at)
print(before, resident())
"""
    ran = run_python(code, seconds=120 + REFRESHES)
    assert ran.returncode == 0, ran.stderr
    before, after = map(int, ran.stdout.split())
    assert after - before < 10 * 2**20, f"{before / 2**20:.0f} MiB became {after / 2**20:.0f}"


def test_leaving_with_work_under_way() -> None:
    """The interpreter ends while a run, a scheduler and a listener are at work."""
    code = """
import threading, time
from slow import slow_engine
engine = slow_engine(rules=900)
engine.scheduler().start()
threading.Thread(target=lambda: engine.refresh(progress=lambda event: None), daemon=True).start()
while engine.status().running is None:
    time.sleep(0.005)
time.sleep(0.1)
"""
    for _ in range(3):
        ran = run_python(code)
        assert ran.returncode == 0, (ran.returncode, ran.stderr)
        assert ran.stderr == ""


def test_a_signal_handler_of_the_host_is_run_meanwhile() -> None:
    engine, seen = slow_engine(rules=300), []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(engine.status().running))
    try:
        threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
        engine.refresh()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen and seen[0] is not None
