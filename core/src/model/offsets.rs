//! The offsets of a zone in a table, for the times of millions of events; what it tells is what
//! zone.rs tells one by one.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono_tz::Tz;

use super::zone::{DAY, day_number, day_of, first_after, instant, wall};

/// 2000-01-01 and 2050-01-01, in microseconds: times before and after are looked up one by one.
const FIRST: i64 = 10_957 * DAY;
const LAST: i64 = 29_220 * DAY;

/// No zone changed its clocks twice within so long.
const STEP: i64 = DAY / 4;

/// More than any offset.
const MARGIN: i64 = 2 * DAY;

/// The offsets that a zone has one after the other.
pub(crate) struct Offsets {
    zone: Tz,
    stretches: Vec<Stretch>,
}

struct Stretch {
    /// The first instant that has the offset.
    start: i64,
    /// The first wall time whose instant lies in the stretch.
    wall: i64,
    offset: i64,
}

static KNOWN: LazyLock<Mutex<HashMap<Tz, Arc<Offsets>>>> = LazyLock::new(Mutex::default);

impl Offsets {
    /// The offsets of a zone, which are worked out once in a process.
    pub(crate) fn of(zone: Tz) -> Arc<Offsets> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(zone).or_insert_with(|| Arc::new(Offsets::new(zone))))
    }

    fn new(zone: Tz) -> Offsets {
        let offset = |at: i64| wall(zone, at) - at;
        let mut last = offset(FIRST);
        let mut stretches = vec![Stretch { start: FIRST, wall: FIRST + last, offset: last }];
        let mut at = FIRST;
        while at < LAST && zone != Tz::UTC {
            let next = at + STEP;
            if offset(next) != last {
                let start = first_after(at, STEP, |t| offset(t) != last);
                // Walls that a change repeats are the first of the two.
                let wall = start + last;
                last = offset(start);
                stretches.push(Stretch { start, wall, offset: last });
            }
            at = next;
        }
        Offsets { zone, stretches }
    }

    /// The day on the wall at an instant, in days since 1970.
    pub(crate) fn day(&self, at: i64) -> i32 {
        if !(FIRST..LAST).contains(&at) {
            return day_number(day_of(self.zone, at));
        }
        let next = self.stretches.partition_point(|stretch| stretch.start <= at);
        let stretch = next.checked_sub(1).and_then(|place| self.stretches.get(place));
        let day = at + stretch.map_or(0, |stretch| stretch.offset);
        i32::try_from(day.div_euclid(DAY)).unwrap_or(i32::MAX)
    }

    /// The instant of a wall time.
    pub(crate) fn instant(&self, wall_time: i64) -> i64 {
        if self.zone == Tz::UTC {
            return wall_time;
        }
        if !(FIRST + MARGIN..LAST - MARGIN).contains(&wall_time) {
            return instant(self.zone, wall_time);
        }
        let next = self.stretches.partition_point(|stretch| stretch.wall <= wall_time);
        match next.checked_sub(1).and_then(|place| self.stretches.get(place)) {
            // Walls that a change skips are its own instant.
            Some(stretch) => (wall_time - stretch.offset).max(stretch.start),
            None => instant(self.zone, wall_time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SECOND, parse_zone};

    #[test]
    fn tables_say_what_zones_say() {
        for name in [
            "UTC",
            "Asia/Kathmandu",
            "America/New_York",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
            "America/Sao_Paulo",
            "Pacific/Apia",
            "Asia/Pyongyang",
            "Antarctica/Troll",
        ] {
            let zone = parse_zone(name).unwrap();
            let offsets = Offsets::of(zone);
            let ends = [FIRST - DAY, FIRST, LAST - DAY, LAST, -200 * 365 * DAY, i64::MIN, i64::MAX];
            let changes = offsets.stretches.iter().map(|stretch| stretch.start).chain(ends);
            for change in changes.collect::<Vec<_>>() {
                for quarters in -120..120i64 {
                    for beside in [-1, 0, 1] {
                        let more = quarters * 900 * SECOND + beside;
                        let at = change.saturating_add(more);
                        assert_eq!(offsets.day(at), day_number(day_of(zone, at)), "{name} {at}");
                        assert_eq!(offsets.instant(at), instant(zone, at), "{name} {at}");
                    }
                }
            }
        }
    }
}
