//! Schedules: by hand, against an oracle that looks at every minute, and against another program.
//!
//! `SEGMENTRY_SCHEDULES` says how many random schedules for each zone, `SEGMENTRY_ZONES` in how many
//! zones all minutes of five years are looked at, `SEGMENTRY_SEED` where the seeds begin.

mod examples;
mod oracle;
mod second;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use segmentry::Schedule;

use crate::differential::setting;
use oracle::{Expression, Walls, offset};

const DAY: i64 = 1_440;

fn minute_of(text: &str) -> i64 {
    text.parse::<DateTime<Utc>>().unwrap().timestamp() / 60
}

fn instant(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(minute * 60, 0).unwrap()
}

/// The firings after one instant and until another, by the oracle.
pub fn firings_in(
    text: &str,
    zone: Tz,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    let nicknames = [("@hourly", "0 * * * *"), ("@daily", "0 0 * * *")];
    let text = nicknames.iter().find(|(name, _)| *name == text).map_or(text, |(_, text)| text);
    let (from, to) = (after.timestamp().div_euclid(60) + 1, until.timestamp().div_euclid(60) + 1);
    let firings = Expression::read(text).firings(&Walls::of(zone, from, to.max(from)));
    firings.into_iter().map(instant).collect()
}

/// The years in which schedules are looked at, as minutes in UTC.
fn years() -> (i64, i64) {
    (minute_of("2024-01-01T00:00:00Z"), minute_of("2029-01-01T00:00:00Z"))
}

/// Every zone whose clocks change in those years, with the days in which they do.
fn zones() -> Vec<(Tz, Vec<i64>)> {
    let (from, to) = years();
    let days = || (from..to).step_by(DAY as usize);
    let of = |zone: Tz| {
        let changes = days().filter(|day| offset(zone, *day) != offset(zone, day + DAY)).collect();
        (zone, changes)
    };
    let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| of(*zone));
    zones.filter(|(_, changes): &(Tz, Vec<i64>)| !changes.is_empty()).collect()
}

/// A schedule of any shape, with a liking for the small hours, in which clocks change.
fn random_schedule(random: &mut ChaCha8Rng) -> String {
    const NAMES: [&[&str]; 5] = [
        &[],
        &[],
        &[],
        &["jan", "Feb", "MAR", "apr", "may", "jun", "jul", "aug", "sep", "Oct", "NOV", "dec"],
        &["Sun", "mon", "TUE", "wed", "thu", "fri", "sat"],
    ];
    let ranges = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    let fields = ranges.iter().enumerate().map(|(place, (low, high))| {
        let value = |random: &mut ChaCha8Rng| match place {
            1 if random.random_bool(0.7) => random.random_range(0..4),
            _ => random.random_range(*low..=*high),
        };
        let name = |value: u32| match NAMES[place].get((value - low) as usize) {
            Some(name) if value.is_multiple_of(2) => (*name).to_owned(),
            _ => value.to_string(),
        };
        let item = |random: &mut ChaCha8Rng| {
            let (a, b) = (value(random), value(random));
            let (a, b) = (a.min(b), a.max(b));
            match random.random_range(0..10) {
                0..5 => name(a),
                5..7 => format!("{}-{}", name(a), name(b)),
                7..9 => format!("{}-{}/{}", name(a), name(b), random.random_range(1..=5)),
                _ => format!("*/{}", random.random_range(1..=*high)),
            }
        };
        match random.random_range(0..10) {
            0..4 if place != 0 => "*".to_owned(),
            0 => "*".to_owned(),
            1..5 => format!("*/{}", random.random_range(1..=*high)),
            5..8 => item(random),
            _ => {
                (0..random.random_range(2..=4)).map(|_| item(random)).collect::<Vec<_>>().join(",")
            }
        }
    });
    fields.collect::<Vec<_>>().join(" ")
}

/// Compares everything that a schedule tells of the time from one minute to another.
fn compare(text: &str, zone: Tz, walls: &Walls, to: i64, random: &mut ChaCha8Rng) {
    let expected = Expression::read(text).firings(walls);
    let schedule = Schedule::parse(text).unwrap();
    let about = |what: &str, at: i64| format!("{text} in {zone}, {what} {}", instant(at));
    let tick = TimeDelta::microseconds(1);
    for day in (walls.from..to).step_by(DAY as usize) {
        let end = (day + DAY).min(to);
        let found = schedule.count(instant(day) - tick, instant(end) - tick, zone);
        let wanted =
            expected.partition_point(|at| *at < end) - expected.partition_point(|at| *at < day);
        assert_eq!(found, wanted as u64, "{}", about("count of the day from", day));
    }
    let all = schedule.count(instant(walls.from) - tick, instant(to) - tick, zone);
    assert_eq!(all, expected.len() as u64, "{}", about("count of all from", walls.from));
    let places: Vec<usize> = match expected.len() {
        0 => {
            let next = schedule.next_after(instant(walls.from) - tick, zone);
            assert!(next.is_none_or(|at| at >= instant(to)), "{}: {next:?}", about("none", to));
            return;
        }
        few @ 1..=60 => (0..few).collect(),
        many => (0..60).map(|_| random.random_range(0..many)).collect(),
    };
    for place in places {
        let at = expected[place];
        let here = Some(instant(at));
        let middle = instant(at) - TimeDelta::seconds(random.random_range(1..60));
        assert_eq!(schedule.next_after(instant(at) - tick, zone), here, "{}", about("next to", at));
        assert_eq!(schedule.last_until(instant(at), zone), here, "{}", about("last at", at));
        let before = place.checked_sub(1).map(|place| expected[place]);
        if let Some(before) = before {
            let last = schedule.last_until(middle, zone);
            assert_eq!(last, Some(instant(before)), "{}", about("last before", at));
            let next = schedule.next_after(instant(before), zone);
            assert_eq!(next, here, "{}", about("next after the one before", at));
        }
    }
}

/// Schedules around each change of the clocks, in every zone that has one.
#[test]
fn schedules_around_changes_are_those_of_the_oracle() {
    let (wanted, seed) = (setting("SEGMENTRY_SCHEDULES", 3), setting("SEGMENTRY_SEED", 0));
    let zones = zones();
    assert!(zones.len() > 150, "{}", zones.len());
    let count = zones.len();
    println!("{count} zones, {wanted} schedules each, seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for (zone, changes) in zones {
        let walls: Vec<(Walls, i64)> = changes
            .iter()
            .map(|day| (Walls::of(zone, day - DAY, day + 2 * DAY), day + 2 * DAY))
            .collect();
        for _ in 0..wanted {
            let text = random_schedule(&mut random);
            for (walls, to) in &walls {
                compare(&text, zone, walls, *to, &mut random);
            }
        }
    }
    crate::reached("schedules", format!("{count} zones x {wanted} around changes: 0 differences"));
}

/// Every minute of five years.
#[test]
fn schedules_of_whole_years_are_those_of_the_oracle() {
    let (wanted, seed) = (setting("SEGMENTRY_SCHEDULES", 3), setting("SEGMENTRY_SEED", 0));
    let count = setting("SEGMENTRY_ZONES", 2) as usize;
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
    let zones: Vec<Tz> = zones().into_iter().map(|(zone, _)| zone).collect();
    let zones: Vec<Tz> = match count < zones.len() {
        true => zones.choose_multiple(&mut random, count).copied().collect(),
        false => zones,
    };
    let count = zones.len();
    println!("{count} zones, {wanted} schedules each, seed {seed}");
    let (from, to) = years();
    for zone in zones {
        let walls = Walls::of(zone, from, to);
        for _ in 0..wanted {
            compare(&random_schedule(&mut random), zone, &walls, to, &mut random);
        }
    }
    crate::reached("schedules", format!("{count} zones x {wanted} in five years: 0 differences"));
}
