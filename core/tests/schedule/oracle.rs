//! When a schedule fires, by looking at every minute: written from the contract of the language
//! (RULES.md section 2) and from nothing else.
//!
//! Minutes are counted from 1970-01-01T00:00, in UTC for instants and on the wall for times there.

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;

/// A schedule, one flag for each value of each field.
pub struct Expression {
    fields: [Vec<bool>; 5],
    star: [bool; 5],
}

const NAMES: [&[&str]; 5] = [
    &[],
    &[],
    &[],
    &["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
];
const RANGES: [(usize, usize); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];

impl Expression {
    /// Reads five fields that are known to be sound.
    pub fn read(text: &str) -> Self {
        let parts: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(parts.len(), 5, "{text}");
        let mut expression = Expression {
            fields: RANGES.map(|(_, high)| vec![false; high + 1]),
            star: std::array::from_fn(|place| parts[place].starts_with('*')),
        };
        for (place, part) in parts.iter().enumerate() {
            for item in part.split(',') {
                expression.add(place, item);
            }
        }
        // Both are Sunday.
        let sunday = expression.fields[4][0] || expression.fields[4][7];
        expression.fields[4][0] = sunday;
        expression
    }

    fn add(&mut self, place: usize, item: &str) {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let value = |text: &str| {
            let lower = text.to_ascii_lowercase();
            match NAMES[place].iter().position(|name| *name == lower) {
                Some(value) => value,
                None => text.parse().unwrap(),
            }
        };
        let (from, mut to) = match range.split_once('-') {
            _ if range == "*" => RANGES[place],
            Some((from, to)) => (value(from), value(to)),
            None => (value(range), value(range)),
        };
        if place == 4 && to == 0 && from > 0 {
            to = 7;
        }
        let step: usize = step.parse().unwrap();
        let mut at = from;
        while at <= to {
            self.fields[place][at] = true;
            at += step;
        }
    }

    fn matches(&self, wall: &Wall) -> bool {
        let [minutes, hours, days, months, weekdays] = &self.fields;
        let (day, weekday) = (days[wall.day as usize], weekdays[wall.weekday as usize]);
        let restricted = !self.star[2] && !self.star[4];
        minutes[wall.minute as usize]
            && hours[wall.hour as usize]
            && months[wall.month as usize]
            && if restricted { day || weekday } else { day && weekday }
    }

    /// The minutes in UTC at which it fires, of those whose walls these are.
    pub fn firings(&self, walls: &Walls) -> Vec<i64> {
        let mut firings = Vec::new();
        // The last minute that was on the wall so far.
        let mut latest = walls.walls[0].at - 1;
        for (minute, wall) in (walls.first..).zip(&walls.walls) {
            let fires = if self.star[1] {
                self.matches(wall)
            } else {
                // What is on the wall for the second time does not count; what was skipped does.
                (latest + 1..wall.at).any(|skipped| self.matches(&Wall::at(skipped)))
                    || (wall.at > latest && self.matches(wall))
            };
            latest = latest.max(wall.at);
            if fires && minute >= walls.from {
                firings.push(minute);
            }
        }
        firings
    }
}

/// What a wall shows in one minute.
#[derive(Clone, Copy)]
struct Wall {
    at: i64,
    minute: u8,
    hour: u8,
    day: u8,
    month: u8,
    weekday: u8,
}

impl Wall {
    fn at(minute: i64) -> Wall {
        let time: NaiveDateTime = DateTime::from_timestamp(minute * 60, 0).unwrap().naive_utc();
        Wall {
            at: minute,
            minute: time.minute() as u8,
            hour: time.hour() as u8,
            day: time.day() as u8,
            month: time.month() as u8,
            weekday: time.weekday().num_days_from_sunday() as u8,
        }
    }
}

/// A zone's wall, minute by minute.
pub struct Walls {
    /// The first minute that is asked about.
    pub from: i64,
    /// The first that is known, before it, so that what was on the wall already is known too.
    first: i64,
    walls: Vec<Wall>,
}

impl Walls {
    /// From one minute in UTC to another, the latter not included.
    pub fn of(zone: Tz, from: i64, to: i64) -> Walls {
        let first = from - 3 * 1_440;
        let walls = (first..to).map(|minute| Wall::at(minute + offset(zone, minute)));
        Walls { from, first, walls: walls.collect() }
    }
}

/// A zone's offset in minutes.
pub fn offset(zone: Tz, minute: i64) -> i64 {
    let utc = DateTime::from_timestamp(minute * 60, 0).unwrap().naive_utc();
    let seconds = zone.offset_from_utc_datetime(&utc).fix().local_minus_utc();
    assert_eq!(seconds % 60, 0, "{zone} at {utc}");
    i64::from(seconds / 60)
}
