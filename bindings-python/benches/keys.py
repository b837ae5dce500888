"""How long 5 million keys take from a segment to polars, and what one call costs. After `make python PROFILE=release`:

.venv/bin/python bindings-python/benches/keys.py [number of keys]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy
import polars
import pyarrow

import segmentry

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
ROUNDS = 7


def milliseconds(work: Callable[[], object]) -> float:
    """The median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def segment_of(keys: object) -> segmentry.Segment:
    """A segment of everybody."""
    engine = segmentry.SegmentEngine(":memory:")
    engine.add_arrow("users", pyarrow.table({"user_id": keys}))
    engine.refresh(engine.create_rule({"rule_name": "Everybody", "conditions": []}))
    return engine.segment("Everybody")


def main() -> None:
    """Measures and prints."""
    ascending = numpy.arange(COUNT)
    shuffled = numpy.random.default_rng(7).permutation(COUNT)
    texts = polars.Series([f"user-{key:09}" for key in ascending]).to_arrow()
    for name, keys in {"ints, ascending": ascending, "ints, shuffled": shuffled, "texts": texts}.items():
        segment = segment_of(keys)
        assert polars.DataFrame(segment).height == COUNT
        print(f"{COUNT:,} keys to polars, {name}: {milliseconds(lambda: polars.DataFrame(segment)):.1f} ms")
    probes = [int(key) for key in shuffled[:10_000]]
    segment = segment_of(ascending)
    print(f"`key in segment`: {milliseconds(lambda: [key in segment for key in probes]) / 10:.2f} µs")


if __name__ == "__main__":
    main()
