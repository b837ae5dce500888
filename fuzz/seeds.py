"""Writes the rules and models of the corpus as seeds: `python3 fuzz/seeds.py`, then `cargo +nightly fuzz run rule`."""

import json
from pathlib import Path

HERE = Path(__file__).parent
CASES = HERE.parent / "core/tests/cases"


def write(target: str, texts: list[str]) -> None:
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number:04}").write_text(text, encoding="utf-8")


def main() -> None:
    rules = [rule for file in sorted(CASES.glob("*/rules.json")) for rule in json.loads(file.read_text("utf-8"))]
    write("rule", [json.dumps(rule, ensure_ascii=False) for rule in rules])
    write("model", [file.read_text("utf-8") for file in sorted(CASES.glob("*/model.json"))])
    write("cron", [rule["schedule"] for rule in rules if isinstance(rule.get("schedule"), str)])


if __name__ == "__main__":
    main()
