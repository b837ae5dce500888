#!/usr/bin/env python3
"""Prints the table that `make soak` ends with, from the log of its tests: what must be reached, and
what was. Ends with 1 if a row was not run.

    soak.py LOG
"""

import sys

# The name under which the tests tell a row, what it is, and what must be reached.
ROWS = [
    ("schedules", "schedules against the oracle that walks the minutes", "every zone with a change, 50 each, 0 differences"),
    ("kills", "kill -9 during runs, half of them in a transaction", "2,000; every acknowledged run there, none half published, reopened within 1 s"),
    ("calls", "kill at each call of publish and migration", "all of them, none bad"),
    ("refused", "EIO and ENOSPC at each call", "a typed error, the last state readable"),
    ("fuzz", "random inputs", "1,000,000 a target, a third read, no panic, none over 1 s"),
    ("bad", "bad documents", "500, exact, each under 10 ms"),
    ("deep", "ten times every limit on a stack of 2 MiB", "no abort"),
    ("processes", "16 processes x 500 writes, 32 readers", "0 BUSY, 0 lost, 0 mixed"),
    ("schedulers", "3 schedulers, 1,000 scenarios", "0 double runs, 0 missed uncounted"),
    ("broken", "5 broken rules among 100", "95 fresh, 5 with reason and next try"),
    ("cancel", "300 cancels at random moments", "99 in 100 within 500 ms, nothing published"),
    ("memory", "10 million groups and 5 by 5 million in little memory", "right or a typed error, within pool + 256 MiB"),
]


def main() -> int:
    reached: dict[str, list[str]] = {}
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        for line in log:
            # Another test's line without an end may stand before it.
            _, mark, told = line.rstrip("\n").partition("reached | ")
            name, _, figure = told.partition(" | ")
            if mark and figure:
                reached.setdefault(name, []).append(figure)
    print("| | must | reached |\n|---|---|---|")
    for name, what, must in ROWS:
        print(f"| {what} | {must} | {'; '.join(reached.get(name, ['NOT RUN']))} |")
    return int(any(name not in reached for name, _, _ in ROWS))


if __name__ == "__main__":
    sys.exit(main())
