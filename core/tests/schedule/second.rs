//! A second opinion in UTC: the crate `cron`, which counts days of the week from 1 and wants both
//! day fields to match.

use std::str::FromStr;

use super::*;

/// The days of the week as `cron` numbers them.
fn weekdays(text: &str) -> String {
    let days = (0..7u32).filter(|day| {
        // 5 January 2025 was a Sunday: a schedule for each day of that week says which are named.
        let schedule = Schedule::parse(&format!("0 0 * * {text}")).unwrap();
        let midnight = instant(minute_of("2025-01-05T00:00:00Z") + i64::from(*day) * DAY);
        schedule.last_until(midnight, Tz::UTC) == Some(midnight)
    });
    days.map(|day| (day + 1).to_string()).collect::<Vec<_>>().join(",")
}

/// Months by their numbers: `cron` takes no range from a name to a number.
fn months(text: &str) -> String {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let names = (1..).zip(NAMES);
    names.fold(text.to_ascii_lowercase(), |text, (number, name): (u32, _)| {
        text.replace(name, &number.to_string())
    })
}

#[test]
fn another_program_agrees_in_utc() {
    let seed = setting("SEGMENTRY_SEED", 0);
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let start = instant(minute_of("2025-02-14T10:20:00Z"));
    let mut compared = 0;
    while compared < 200 {
        let text = random_schedule(&mut random);
        let parts: Vec<&str> = text.split(' ').collect();
        if !parts[2].starts_with('*') && !parts[4].starts_with('*') {
            continue;
        }
        compared += 1;
        let [minute, hour, day] = [parts[0], parts[1], parts[2]];
        let month = months(parts[3]);
        let other = format!("0 {minute} {hour} {day} {month} {}", weekdays(parts[4]));
        let other = cron::Schedule::from_str(&other).unwrap_or_else(|e| panic!("{other}: {e}"));
        // Nothing within a century is as good as never.
        let theirs: Vec<DateTime<Utc>> = other.after(&start).take(40).collect();
        let schedule = Schedule::parse(&text).unwrap();
        let next = |at: &DateTime<Utc>| schedule.next_after(*at, Tz::UTC);
        let ours = std::iter::successors(next(&start), next).take(theirs.len());
        assert_eq!(ours.collect::<Vec<_>>(), theirs, "{text}");
        assert_eq!(theirs.is_empty(), schedule.never_fires(), "{text}");
    }
}
