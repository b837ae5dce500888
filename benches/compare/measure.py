"""How a form is timed and its members are compared: what runs inside of each engine's process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .data import Data
from .rules import Rule

THREADS = 2

# How many keys there are, their sum, and the exclusive or of them mixed.
Digest = tuple[int, int, int]


@dataclass
class Job:
    """What a form is handed, and where it notes what it took."""

    data: Data
    rules: list[Rule]
    parts: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    # Other processes that work for this one.
    others: list[int] = field(default_factory=list)

    def start(self) -> None:
        """What was done before is not counted: an engine is warm now."""
        self.started = time.perf_counter()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Notes what a part of the whole takes."""
        start = time.perf_counter()
        yield
        self.parts[name] = time.perf_counter() - start

    def seconds(self) -> float:
        """What it has taken so far."""
        return time.perf_counter() - self.started

    def peak(self) -> int:
        """The most memory that this process and the others have held, in bytes."""
        return sum(_peak(process) for process in [os.getpid(), *self.others])


def _peak(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def digest(keys: np.ndarray) -> Digest:
    """What is compared of a rule's members; their order does not matter."""
    unsigned = np.asarray(keys, dtype=np.int64).view(np.uint64)
    total = np.add.reduce(unsigned, dtype=np.uint64)
    return len(unsigned), int(total), int(np.bitwise_xor.reduce(_mix(unsigned)))


def _mix(keys: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64."""
    mixed = keys + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
