//! Windows of time, as bounds on instants.

use chrono_tz::Tz;

use super::json::Json;
use super::time::{Duration, Moment, calendar, day_start, local_time};
use super::{OracleError, failed};

/// From the first instant inside to the first instant after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub from: i64,
    pub until: i64,
}

impl Bounds {
    pub const ALL: Bounds = Bounds { from: i64::MIN, until: i64::MAX };

    pub fn both(self, other: Bounds) -> Bounds {
        Bounds { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    pub fn contain(self, micros: i64) -> bool {
        self.from <= micros && micros < self.until
    }

    /// An inclusive range of dates; a side left out is open.
    pub fn dates(start: Option<&str>, end: Option<&str>, zone: Tz) -> Result<Bounds, OracleError> {
        let mut bounds = Bounds::ALL;
        if let Some(start) = start {
            bounds.from = Moment::parse(start, zone)?.start(zone);
        }
        if let Some(end) = end {
            bounds.until = Moment::parse(end, zone)?.end(zone);
        }
        if bounds.from >= bounds.until {
            return failed("bad_date", "the start is after the end");
        }
        Ok(bounds)
    }

    pub fn parse(window: &Json, zone: Tz, as_of: i64) -> Result<Bounds, OracleError> {
        if *window == Json::Text("all".to_owned()) {
            return Ok(Bounds::ALL);
        }
        window.members()?;
        if let Some(last) = window.text_of("last")? {
            let length = positive(last)?;
            return Ok(Bounds { from: length.before(zone, as_of), until: as_of });
        }
        if let Some(edges) = window.get("between") {
            let [far, near] = edges.list()? else {
                return failed("bad_window", "between takes two edges");
            };
            let (far, near) = (positive(far.text()?)?, Duration::parse(near.text()?)?);
            let inverted = match (far, near) {
                (Duration::Micros(far), Duration::Micros(near)) => far < near,
                (Duration::Months(far), Duration::Months(near)) => far < near,
                _ => false,
            };
            if inverted {
                return failed("bad_window", "the far edge comes first");
            }
            let (from, until) = (far.before(zone, as_of), near.before(zone, as_of));
            return Ok(Bounds { from, until });
        }
        if let Some(name) = window.text_of("calendar")? {
            let (first, after) = calendar(name, local_time(zone, as_of).date())?;
            return Ok(Bounds { from: day_start(zone, first), until: day_start(zone, after) });
        }
        let (start, end) = (window.text_of("start")?, window.text_of("end")?);
        if start.is_none() && end.is_none() {
            return failed("bad_window", "a window without a form");
        }
        Bounds::dates(start, end, zone)
    }
}

fn positive(text: &str) -> Result<Duration, OracleError> {
    match Duration::parse(text)? {
        Duration::Micros(0) | Duration::Months(0) => failed("bad_window", "a duration of nothing"),
        duration => Ok(duration),
    }
}
