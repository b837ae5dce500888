//! Stretches of time during which a zone's clocks run evenly, and what a schedule names in one.
//!
//! Instants and times on the wall are in microseconds, as in `model/zone.rs`.

use chrono_tz::Tz;

use super::calendar::Calendar;
use crate::model::{SECOND, first_after, wall};

const MINUTE: i64 = 60 * SECOND;
/// No zone changed its clocks twice within so long.
const STEP: i64 = 6 * 3_600 * SECOND;
/// More than the difference of any two offsets: how far a time on the wall can be from the instant
/// that has it, and how long ago a time can have been on the wall that comes again.
pub(super) const JUMP: i64 = 50 * 3_600 * SECOND;
/// No zone changed its clocks before the first or is known to after the second (1840 and 2150).
const CHANGES: (i64, i64) = (-130 * 366 * 86_400 * SECOND, 180 * 366 * 86_400 * SECOND);

/// A stretch of time with one offset, or a part of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) start: i64,
    /// The first instant after it.
    pub(super) end: i64,
    offset: i64,
    /// Times on the wall that came before it are earlier than this.
    reached: i64,
}

/// The stretches from an instant to another, the latter not included.
pub(super) fn stretches(zone: Tz, from: i64, to: i64) -> impl Iterator<Item = Stretch> {
    let before = even(zone, from.saturating_sub(JUMP), from);
    let mut reached = before.map(|(_, end, offset)| end + offset).max().unwrap_or(i64::MIN);
    even(zone, from, to).map(move |(start, end, offset)| {
        let stretch = Stretch { start, end, offset, reached };
        reached = reached.max(end + offset);
        stretch
    })
}

/// Start, end and offset of each.
fn even(zone: Tz, from: i64, to: i64) -> impl Iterator<Item = (i64, i64, i64)> {
    let offset = move |at: i64| wall(zone, at) - at;
    let mut start = from;
    std::iter::from_fn(move || {
        if start >= to {
            return None;
        }
        let (here, own) = (start, offset(start));
        start = match zone {
            Tz::UTC => to,
            _ => {
                let mut at = start.max(CHANGES.0.min(to));
                while at < to && at < CHANGES.1 && offset(at.saturating_add(STEP)) == own {
                    at = at.saturating_add(STEP);
                }
                match at < CHANGES.1.min(to) {
                    true => first_after(at, STEP, |at| offset(at) != own).min(to),
                    false => to,
                }
            }
        };
        Some((here, start, own))
    })
}

/// The first whole minute from an instant on.
fn minute(at: i64) -> i64 {
    at.div_euclid(MINUTE) + i64::from(at.rem_euclid(MINUTE) != 0)
}

/// What is asked of a stretch: a schedule's times, and whether it goes by the minutes that exist on
/// the wall rather than by times that are skipped and repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) calendar: Calendar,
    pub(super) by_wall: bool,
}

impl Times {
    /// The minutes on the wall that count in a stretch, the last not included.
    fn minutes(self, of: &Stretch) -> (i64, i64) {
        let low = of.start + of.offset;
        let low = if self.by_wall { low } else { low.max(of.reached) };
        (minute(low), minute(of.end + of.offset))
    }

    /// Whether a time was skipped that fires as the stretch begins.
    fn skipped(self, of: &Stretch) -> bool {
        let begins = minute(of.start + of.offset);
        let skipped = (minute(of.reached), begins);
        !self.by_wall
            && skipped.0 < skipped.1
            && self.calendar.first(skipped.0).is_some_and(|time| time < begins)
    }

    pub(super) fn first(self, of: &Stretch) -> Option<i64> {
        if self.skipped(of) {
            return Some(of.start);
        }
        let (low, high) = self.minutes(of);
        let time = self.calendar.first(low).filter(|time| *time < high)?;
        Some(time * MINUTE - of.offset)
    }

    pub(super) fn last(self, of: &Stretch) -> Option<i64> {
        let (low, high) = self.minutes(of);
        match self.calendar.last(high).filter(|time| *time >= low) {
            Some(time) => Some(time * MINUTE - of.offset),
            None => self.skipped(of).then_some(of.start),
        }
    }

    pub(super) fn count(self, of: &Stretch) -> i64 {
        let (low, high) = self.minutes(of);
        // A skipped time and one at the very end of the gap are one firing.
        let begins = of.start + of.offset;
        let at_end = begins % MINUTE == 0 && low * MINUTE == begins;
        let twice = at_end && low < high && self.calendar.first(low) == Some(low);
        self.calendar.count(low, high) + i64::from(self.skipped(of) && !twice)
    }

    /// The first time on the wall from about an instant on, as if in UTC.
    pub(super) fn near_after(self, at: i64) -> Option<i64> {
        Some(self.calendar.first(minute(at.saturating_sub(JUMP)))?.saturating_mul(MINUTE))
    }

    /// The last time on the wall until about an instant, as if in UTC.
    pub(super) fn near_before(self, at: i64) -> Option<i64> {
        Some(self.calendar.last(minute(at.saturating_add(JUMP)))?.saturating_mul(MINUTE))
    }
}
