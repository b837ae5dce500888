//! Windows as a rule writes them (RULES.md section 3.3).

use std::fmt;

use crate::document::{Fields, Json, Path, describe};
use crate::error::{Code, Problem};

use super::date::{Duration, Moment, check_order, read_moment};

/// Which calendar period a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Calendar {
    /// `last` rather than `this`.
    pub last: bool,
    /// Day, week (from Monday), month, quarter or year.
    pub period: Period,
}

/// A period of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // their names say it
pub enum Period {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

const PERIODS: [(Period, &str); 5] = [
    (Period::Day, "day"),
    (Period::Week, "week"),
    (Period::Month, "month"),
    (Period::Quarter, "quarter"),
    (Period::Year, "year"),
];

impl Calendar {
    fn parse(text: &str) -> Option<Calendar> {
        let lower = text.trim().to_ascii_lowercase();
        let (which, period) = lower.split_once(' ')?;
        let last = match which {
            "this" => false,
            "last" => true,
            _ => return None,
        };
        let period = PERIODS.iter().find(|(_, name)| *name == period).map(|(p, _)| *p)?;
        Some(Calendar { last, period })
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = PERIODS.iter().find(|(p, _)| *p == self.period).map_or("", |(_, name)| name);
        write!(f, "{} {name}", if self.last { "last" } else { "this" })
    }
}

/// The time from which a condition takes its events (RULES.md section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// No window, neither the condition's nor the rule's.
    All,
    /// From so long before `as_of` (inclusive) to `as_of` (exclusive).
    Last(Duration),
    /// From `far` before `as_of` (inclusive) to `near` before it (exclusive).
    Between {
        /// The earlier edge.
        far: Duration,
        /// The later edge; may be of length 0.
        near: Duration,
    },
    /// A calendar period of the rule's zone, half-open.
    Calendar(Calendar),
    /// Both ends inclusive; at least one is there.
    Range {
        /// The first day or instant.
        start: Option<Moment>,
        /// The last day or instant.
        end: Option<Moment>,
    },
}

impl Window {
    /// Reads a window; pushes what is wrong with it.
    pub(crate) fn read(json: &Json, path: &Path<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        if let Json::String(text) = json {
            if text == "all" {
                return Some(Window::All);
            }
            problems.push(bad(
                path,
                format!("expected an object or \"all\", found {}", describe(json)),
            ));
            return None;
        }
        if !matches!(json, Json::Object(_)) {
            let found = describe(json);
            problems.push(bad(path, format!("expected an object or \"all\", found {found}")));
            return None;
        }
        let mut fields = Fields::of(json, path, problems)?;
        fields.known(&["last", "between", "calendar", "start", "end"]);
        let given = |name| fields.get(name).is_some();
        let forms = [given("last"), given("between"), given("calendar")];
        let range = given("start") || given("end");
        if forms.iter().filter(|f| **f).count() + usize::from(range) != 1 {
            let problem = bad(
                path,
                "expected one of \"last\", \"between\", \"calendar\", or \"start\" and \"end\"",
            );
            fields.problem(problem);
            return None;
        }
        match forms {
            [true, _, _] => read_duration(&mut fields, "last", false).map(Window::Last),
            [_, true, _] => read_between(&mut fields),
            [_, _, true] => read_calendar(&mut fields),
            _ => {
                let before = fields.problems.len();
                let start = read_moment(&mut fields, "start");
                let end = read_moment(&mut fields, "end");
                check_order(start, end, path, fields.problems);
                (fields.problems.len() == before).then_some(Window::Range { start, end })
            }
        }
    }

    pub(crate) fn to_json(self) -> Json {
        let object = |members: Vec<(&str, Json)>| {
            Json::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
        };
        match self {
            Window::All => Json::from("all"),
            Window::Last(duration) => object(vec![("last", text(duration))]),
            Window::Between { far, near } => {
                object(vec![("between", Json::Array(vec![text(far), text(near)]))])
            }
            Window::Calendar(calendar) => object(vec![("calendar", text(calendar))]),
            Window::Range { start, end } => object(
                [("start", start), ("end", end)]
                    .into_iter()
                    .filter_map(|(name, moment)| moment.map(|m| (name, text(m))))
                    .collect(),
            ),
        }
    }
}

fn text(value: impl fmt::Display) -> Json {
    Json::String(value.to_string())
}

fn bad(path: &Path<'_>, message: impl Into<String>) -> Problem {
    Problem::new(Code::BadWindow, path.to_string(), message)
}

fn duration_of(json: &Json, zero: bool) -> Result<Duration, String> {
    let expected = "a positive whole number, a space and seconds, minutes, hours, days, weeks, \
                    months or years, for instance \"30 days\"";
    match json {
        Json::String(text) => match Duration::parse(text) {
            Some(duration) if duration.count > 0 || zero => Ok(duration),
            _ => Err(format!("expected {expected}, found {}", describe(json))),
        },
        other => Err(format!("expected {expected}, found {}", describe(other))),
    }
}

/// A duration member, [`Code::BadWindow`] if it is none.
pub(crate) fn read_duration(
    fields: &mut Fields<'_, '_>,
    name: &str,
    zero: bool,
) -> Option<Duration> {
    let json = fields.get(name)?;
    match duration_of(json, zero) {
        Ok(duration) => Some(duration),
        Err(message) => {
            fields.fault(Code::BadWindow, name, message);
            None
        }
    }
}

fn read_between(fields: &mut Fields<'_, '_>) -> Option<Window> {
    let path = fields.path.member("between");
    let edges = match fields.get("between") {
        Some(Json::Array(edges)) => edges.as_slice(),
        _ => &[],
    };
    let [far, near] = edges else {
        fields.fault(Code::BadWindow, "between", "expected two durations, the far edge first");
        return None;
    };
    let mut read = |json, index, zero| match duration_of(json, zero) {
        Ok(duration) => Some(duration),
        Err(message) => {
            let place = path.index(index).to_string();
            fields.problems.push(Problem::new(Code::BadWindow, place, message));
            None
        }
    };
    let (far, near) = (read(far, 0, false), read(near, 1, true));
    let (far, near) = (far?, near?);
    if far.unit == near.unit && far.count < near.count {
        let message = format!("the far edge comes first: [\"{near}\", \"{far}\"]");
        fields.fault(Code::BadWindow, "between", message);
        return None;
    }
    Some(Window::Between { far, near })
}

fn read_calendar(fields: &mut Fields<'_, '_>) -> Option<Window> {
    let parsed = match fields.get("calendar") {
        Some(Json::String(text)) => Calendar::parse(text),
        _ => None,
    };
    if parsed.is_none() {
        fields.fault(
            Code::BadWindow,
            "calendar",
            "expected \"this\" or \"last\" and day, week, month, quarter or year",
        );
    }
    parsed.map(Window::Calendar)
}
