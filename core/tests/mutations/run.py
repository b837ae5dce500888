#!/usr/bin/env python3
"""Plants the faults of mutations.json one at a time in a copy of the repository and runs the tests,
which have to fail. Prints what each fault turned red; ends with 1 if some fault went unseen.

    run.py [--only WORDS] [--skip COUNT]

`--only` takes the faults whose name holds the words, `--skip` leaves the first so many out.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# The corpus has every meaning of the language; the cutoffs of ranks are seen by explanations, and
# what the store must not forget by its own tests, but for the long one.
TESTS = ["corpus_cases", "engine::ranks", "store::", "--skip", "incremental"]
# Of schedules, leases and upkeep each fault names the tests that are about it.
OTHERS = ["schedule::", "lease", "upkeep"]

# A fault may keep a test waiting for ever, which is as good as red.
TIMEOUT = 1_200


def copy_of_the_repository(folder: Path) -> None:
    """What git knows of, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            # With the time of now: a fault of the run before must not pass for built.
            shutil.copyfile(source, target)


@contextlib.contextmanager
def copied():
    """A copy beside what is built: always at one place, so that each run builds over the last."""
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "mutations"
    shutil.rmtree(folder, ignore_errors=True)
    copy_of_the_repository(folder)
    # With a version of its own: cargo would take what is built of it for the repository's.
    manifest = folder / "Cargo.toml"
    text = manifest.read_text()
    other = re.sub(r'^version = "([^"]*)"', r'version = "\1-mutated"', text, count=1, flags=re.M)
    assert other != text
    manifest.write_text(other)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cargo(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = ["cargo", "test", "-q", "--workspace", "--test", "main", *arguments]
    # The target directory is that of the repository: the dependencies are not built again.
    target = {"CARGO_TARGET_DIR": str(folder.parent)}
    running = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **target}, start_new_session=True,
    )
    try:
        output, errors = running.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        # The tests with it.
        os.killpg(running.pid, signal.SIGKILL)
        output, errors = running.communicate()
        output += "\n---- does_not_end stdout ----\n"
    return subprocess.CompletedProcess(command, running.returncode, output, errors)


def red(output: str) -> list:
    """The names of the tests that failed."""
    lines = output.splitlines()
    found = [line.split()[1] for line in lines if line.startswith("---- ")]
    return sorted(set(found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--skip", type=int, default=0)
    options = parser.parse_args()
    document = json.loads((ROOT / "core/tests/mutations/mutations.json").read_text())
    chosen = [m for m in document["mutations"] if options.only in m["name"]][options.skip:]
    unseen = []
    with copied() as folder:
        sound = cargo(folder, *["--", *TESTS, *OTHERS])
        if sound.returncode != 0:
            print("the tests fail without any fault:\n" + sound.stdout[-4000:] + sound.stderr[-4000:])
            return 1
        for mutation in chosen:
            path = folder / mutation["file"]
            source = path.read_text()
            if source.count(mutation["from"]) != 1:
                print(f"{mutation['name']}: the text is not in {mutation['file']}")
                unseen.append(mutation["name"])
                continue
            path.write_text(source.replace(mutation["from"], mutation["to"]))
            started = time.monotonic()
            built = cargo(folder, "--no-run")
            if built.returncode != 0:
                print(f"{mutation['name']}: does not compile\n{built.stderr[-2000:]}")
                unseen.append(mutation["name"])
            else:
                failed = red(cargo(folder, *["--", *mutation.get("tests", TESTS)]).stdout)
                took = time.monotonic() - started
                told = ", ".join(test.rsplit("::", 1)[-1] for test in failed)
                print(f"{mutation['name']}: {told or 'NOT SEEN'} ({took:.0f} s)", flush=True)
                if not failed:
                    unseen.append(mutation["name"])
            path.write_text(source)
    print(f"{len(chosen) - len(unseen)} of {len(chosen)} faults turned a test red")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
