"""From a database to published segments: `python examples/quickstart.py [folder]`.

Makes a small SQLite database of a payments platform, hands the engine five rules, refreshes them as of New Year 2026 and
prints what came out. With a folder, the database and the catalog stay there; without one, they go when it ends.
"""

import random
import sqlite3
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import segmentry as sg

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
CATEGORIES = ["Dining", "Fashion", "Fuel", "Groceries", "Travel"]


def platform(path: Path) -> None:
    """Two thousand users and what they paid by card and by UPI in 2025, the same at every call."""
    chance = random.Random(7)
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE users (user_id INTEGER PRIMARY KEY, city TEXT, city_tier INTEGER, is_churned BOOLEAN)"
        )
        cities = [("Mumbai", 1), ("Delhi", 1), ("Jaipur", 2), ("Kochi", 2), ("Ujjain", 3)]
        users = [(user, *chance.choice(cities), chance.random() < 0.15) for user in range(1, 2001)]
        database.executemany("INSERT INTO users VALUES (?, ?, ?, ?)", users)
        for table, most in (("credit_card_transactions", 9_000), ("upi_transactions", 2_500)):
            database.execute(
                f"CREATE TABLE {table} (transaction_id INTEGER PRIMARY KEY, user_id INTEGER, "
                "amount DECIMAL(12,2), category TEXT, transaction_date TIMESTAMP)"
            )
            payments = [
                (
                    None,
                    int(2_000 * chance.random() ** 2) + 1,
                    round(chance.uniform(50, most), 2),
                    chance.choice(CATEGORIES),
                    (NEW_YEAR - timedelta(minutes=chance.randrange(1, 525_600))).strftime("%Y-%m-%dT%H:%M:%S"),
                )
                for _ in range(20_000)
            ]
            database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", payments)


def rules() -> list[dict]:
    """Rules as Python expressions; each is a JSON document in the end. They may name one another."""
    travel = sg.events("credit_card_transactions", "upi_transactions").where(sg.col("category") == "Travel")
    return [
        sg.rule("High Value", sg.col("total_spend") >= 100_000, schedule="@daily"),
        sg.rule("Recent Travellers", travel.last("30 days").sum("amount") > 10_000, schedule="0 6 * * 1-5"),
        sg.rule("High Value, Not Travelling", depends_on=["High Value", "Recent Travellers"], operation="DIFFERENCE"),
        sg.rule("Metro Travellers", (sg.col("city_tier") == 1) & (travel.last("30 days").sum("amount") > 10_000)),
        sg.rule(
            "Slipping Away",
            (sg.col("is_churned") == False)
            & (sg.col("transaction_count").window(start="2025-01-01") >= 10)
            & (sg.col("transaction_count").last("60 days") == 0),
        ),
    ]


def main(folder: Path) -> None:
    # 1. The host's data.
    platform(folder / "platform.db")

    # 2. The engine: a catalog for what it keeps, and the host's tables, which it only reads.
    engine = sg.SegmentEngine(folder / "audience.db")
    engine.add_sqlite(folder / "platform.db")

    # 3. The rules, all or nothing, and one run. Without `as_of` it would be about the present instant.
    engine.import_rules(rules())
    run = engine.refresh(as_of=NEW_YEAR)
    for failure in run.failed:
        print(f"{failure.rule_name} failed: {failure.problems}")

    # 4. What came out.
    users = engine.summary().total_users
    print(f"{users:,} users as of {run.as_of:%Y-%m-%d}\n")
    for published in run.segments:
        print(f"{published.segment_name:<28} {published.row_count:>6,} {published.row_count / users:>7.1%}")

    segment = engine.segment("High Value, Not Travelling")
    print(f"\nFive of the {len(segment):,} in {segment.segment_name!r}:")
    for row in segment.sample(5).to_pylist():
        print("  ", *(f"{name}={value}" for name, value in row.items()))

    # 5. Where it goes: "Metro Travellers" does not name "Recent Travellers", but was answered from it.
    print("\nThe lineage of 'Recent Travellers', for mermaid.live:")
    print(engine.lineage("Recent Travellers", format="mermaid"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as fresh:
            main(Path(fresh))
