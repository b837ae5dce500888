//! The times on a wall that a schedule names, in a world without zones.
//!
//! A time is in minutes since 1970-01-01T00:00 on the wall, a day in days since then.

use chrono::{Datelike, NaiveDate};

use crate::rule::Schedule;

/// Minutes of a day.
const DAY: i64 = 1_440;
/// Days of 400 years, after which the calendar repeats, weekdays included.
const CYCLE: i64 = 146_097;
/// 1970-01-01, counted from the first day of year 1.
const EPOCH: i64 = 719_163;

/// A schedule's fields as sets, one bit for each value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    pub(super) minutes: u64,
    pub(super) hours: u64,
    pub(super) days: u64,
    pub(super) months: u64,
    /// Sunday is 0.
    pub(super) weekdays: u64,
    /// Both day fields are restricted: either may match. Else both have to.
    pub(super) either: bool,
}

fn has(set: u64, value: u32) -> bool {
    set & (1 << value) != 0
}

fn count(set: u64) -> i64 {
    set.count_ones().into()
}

/// How many values of a set are less than `value`.
fn below(set: u64, value: i64) -> i64 {
    count(set & ((1 << value) - 1))
}

fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(day.checked_add(EPOCH)?).ok()?)
}

fn day_of(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce()) - EPOCH
}

impl Calendar {
    pub(super) fn of(schedule: &Schedule) -> Self {
        let [minutes, hours, days, months, weekdays] = schedule.values();
        Calendar {
            minutes: minutes.values,
            hours: hours.values,
            days: days.values,
            months: months.values,
            weekdays: weekdays.values,
            either: !days.star && !weekdays.star,
        }
    }

    /// Whether no day is ever named, 30 February for instance.
    pub(super) fn is_empty(&self) -> bool {
        const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        // Every date of the year, 29 February too, falls on every day of the week in 400 years.
        let first = self.days.trailing_zeros();
        let months = (1..).zip(LENGTHS);
        !self.either
            && !months.into_iter().any(|(m, length)| has(self.months, m) && first <= length)
    }

    fn names(&self, date: NaiveDate) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().num_days_from_sunday());
        has(self.months, date.month()) && if self.either { day || weekday } else { day && weekday }
    }

    /// The first day from `day` on that is named.
    fn day_from(&self, day: i64) -> Option<i64> {
        if self.is_empty() {
            return None;
        }
        let mut date = date_of(day.max(day_of(NaiveDate::MIN)))?;
        while !self.names(date) {
            date = match has(self.months, date.month()) {
                true => date.succ_opt()?,
                false => date.with_day(1)?.checked_add_months(chrono::Months::new(1))?,
            };
        }
        Some(day_of(date))
    }

    /// The last day up to `day` that is named.
    fn day_until(&self, day: i64) -> Option<i64> {
        if self.is_empty() {
            return None;
        }
        let mut date = date_of(day.min(day_of(NaiveDate::MAX)))?;
        while !self.names(date) {
            date = match has(self.months, date.month()) {
                true => date.pred_opt()?,
                false => date.with_day(1)?.pred_opt()?,
            };
        }
        Some(day_of(date))
    }

    /// How many days from `from` to `to`, the latter not included, are named.
    fn count_days(&self, from: i64, to: i64) -> i64 {
        let named = |from: i64, to: i64| {
            let days = (from..to).filter(|day| date_of(*day).is_some_and(|date| self.names(date)));
            i64::try_from(days.count()).unwrap_or(i64::MAX)
        };
        let cycles = (to - from).div_euclid(CYCLE);
        if self.is_empty() || to <= from {
            return 0;
        }
        let repeated = if cycles > 0 { named(0, CYCLE) * cycles } else { 0 };
        repeated + named(from + cycles * CYCLE, to)
    }

    /// How many times of a day there are before the minute `at` of it.
    fn before(&self, at: i64) -> i64 {
        let (hour, minute) = (at / 60, at % 60);
        let this_hour = if has(self.hours, u32::try_from(hour).unwrap_or(63)) {
            below(self.minutes, minute)
        } else {
            0
        };
        below(self.hours, hour) * count(self.minutes) + this_hour
    }

    /// How many times of a day there are.
    pub(super) fn times(&self) -> i64 {
        count(self.hours) * count(self.minutes)
    }

    /// The minute of the day at which the time with that number, from 0, is.
    fn time(&self, number: i64) -> i64 {
        let nth = |set: u64, n: i64| {
            let values = (0..64u32).filter(|value| has(set, *value));
            values.map(i64::from).nth(usize::try_from(n).unwrap_or(usize::MAX)).unwrap_or(0)
        };
        let each = count(self.minutes).max(1);
        nth(self.hours, number / each) * 60 + nth(self.minutes, number % each)
    }

    /// The first time from `from` on.
    pub(super) fn first(&self, from: i64) -> Option<i64> {
        let (day, minute) = (from.div_euclid(DAY), from.rem_euclid(DAY));
        let passed = self.before(minute);
        let today = self.day_from(day)?;
        if today == day && passed < self.times() {
            return Some(day * DAY + self.time(passed));
        }
        let next = if today == day { self.day_from(day + 1)? } else { today };
        Some(next * DAY + self.time(0))
    }

    /// The last time before `before`.
    pub(super) fn last(&self, before: i64) -> Option<i64> {
        let (day, minute) = (before.div_euclid(DAY), before.rem_euclid(DAY));
        let passed = self.before(minute);
        let today = self.day_until(day)?;
        if today == day && passed > 0 {
            return Some(day * DAY + self.time(passed - 1));
        }
        let last = if today == day { self.day_until(day - 1)? } else { today };
        Some(last * DAY + self.time(self.times() - 1))
    }

    /// How many times there are from `from` to `to`, the latter not included.
    pub(super) fn count(&self, from: i64, to: i64) -> i64 {
        if to <= from {
            return 0;
        }
        // Whole days, without what of the first lies before, with what of the last lies within.
        let part = |at: i64| {
            let day = at.div_euclid(DAY);
            let named = date_of(day).is_some_and(|date| self.names(date));
            if named { self.before(at.rem_euclid(DAY)) } else { 0 }
        };
        let days = self.count_days(from.div_euclid(DAY), to.div_euclid(DAY));
        days * self.times() - part(from) + part(to)
    }
}
