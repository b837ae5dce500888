//! Schedules as people write them: five-field crontab and its nicknames (RULES.md section 2).

use std::fmt;

/// A schedule that has been checked.
///
/// Minutes are of the rule's zone; day of month and day of week are both kept as written, because
/// whether a field begins with `*` decides how the two go together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schedule(String);

const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// One of the five fields: its name, its range, and names that stand for its numbers.
struct FieldKind {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const FIELDS: [FieldKind; 5] = [
    FieldKind { name: "minute", low: 0, high: 59, names: &[] },
    FieldKind { name: "hour", low: 0, high: 23, names: &[] },
    FieldKind { name: "day of month", low: 1, high: 31, names: &[] },
    FieldKind { name: "month", low: 1, high: 12, names: &MONTHS },
    FieldKind { name: "day of week", low: 0, high: 7, names: &DAYS },
];

impl Schedule {
    /// Checks a schedule; the error says which field is wrong and what it may hold.
    ///
    /// ```
    /// use segmentry::Schedule;
    /// assert_eq!(Schedule::parse(" 0 6  * * mon-FRI").unwrap().as_str(), "0 6 * * mon-FRI");
    /// assert!(Schedule::parse("0 0 6 * * 1-5").unwrap_err().contains("five fields"));
    /// ```
    ///
    /// # Errors
    /// A sentence for people: what was found and what was expected.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        let trimmed = text.trim();
        if trimmed.starts_with('@') {
            return match NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(trimmed)) {
                Some((name, _)) => Ok(Schedule((*name).to_owned())),
                None => Err(format!(
                    "expected @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually, found {:?}",
                    short(trimmed)
                )),
            };
        }
        let parts: Vec<&str> = trimmed.split_ascii_whitespace().collect();
        if parts.len() != FIELDS.len() {
            return Err(format!(
                "expected five fields, minute, hour, day of month, month and day of week, found {}",
                parts.len()
            ));
        }
        for (kind, part) in FIELDS.iter().zip(&parts) {
            kind.read(part)?;
        }
        Ok(Schedule(parts.join(" ")))
    }

    /// The schedule as it is kept: single spaces between the fields, nicknames as they are.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The five fields, a nickname spelled out.
    #[must_use]
    pub fn fields(&self) -> &str {
        NICKNAMES.iter().find(|(name, _)| *name == self.0).map_or(&self.0, |(_, fields)| fields)
    }
}

/// What a field of a schedule says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Field {
    /// Its values, one bit each; Sunday is 0.
    pub(crate) values: u64,
    /// Whether it begins with `*`.
    pub(crate) star: bool,
}

impl Schedule {
    /// Minute, hour, day of month, month and day of week.
    pub(crate) fn values(&self) -> [Field; 5] {
        let mut fields = [Field::default(); 5];
        let parts = FIELDS.iter().zip(self.fields().split(' '));
        for (field, (kind, part)) in fields.iter_mut().zip(parts) {
            // It was checked when it was parsed.
            field.values = kind.read(part).unwrap_or_default();
            field.star = part.starts_with('*');
        }
        fields
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

impl FieldKind {
    /// The values of a field, one bit each; 7 of the day of week is 0, because both are Sunday.
    fn read(&self, text: &str) -> Result<u64, String> {
        if text.len() > 1_000 {
            return Err(format!("the {} has more than 1,000 characters", self.name));
        }
        let mut values = 0;
        for item in text.split(',') {
            values |= self.item(item).ok_or_else(|| {
                format!(
                    "expected a {} from {} to {}, a range, a step or *, found {:?}",
                    self.name,
                    self.low,
                    self.high,
                    short(item)
                )
            })?;
        }
        Ok(values)
    }

    fn item(&self, item: &str) -> Option<u64> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => {
                (range, Some(digits(step).filter(|n| (1..=self.high).contains(n))?))
            }
            None => (item, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (self.low, self.high),
            (_, Some((from, to))) => match (self.value(from)?, self.value(to)?) {
                // 0 and 7 are both Sunday, so that sat-sun is 6-7.
                (from, 0) if self.is_day_of_week() && from > 0 => (from, 7),
                (from, to) if from <= to => (from, to),
                _ => return None,
            },
            // A step counts from a range or from *, as Vixie's cron has it.
            (one, None) if step.is_none() => (self.value(one)?, self.value(one)?),
            _ => return None,
        };
        let step = usize::try_from(step.unwrap_or(1)).ok()?;
        let values = (from..=to).step_by(step);
        Some(values.fold(0, |bits, n| bits | 1 << if self.is_day_of_week() { n % 7 } else { n }))
    }

    fn is_day_of_week(&self) -> bool {
        self.high == 7
    }

    fn value(&self, text: &str) -> Option<u32> {
        if let Some(index) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Some(u32::try_from(index).ok()? + self.low);
        }
        digits(text).filter(|n| (self.low..=self.high).contains(n))
    }
}

fn digits(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_crontab_takes() {
        for text in [
            "* * * * *",
            "*/5 0-23/2 1,15 jan-mar MON",
            "0 6 * * 1-5",
            "59 23 31 12 7",
            "@Daily",
            "0 0 * * sat-sun",
            "0,30 9-17 * * *",
        ] {
            assert!(Schedule::parse(text).is_ok(), "{text}: {:?}", Schedule::parse(text));
        }
    }

    #[test]
    fn fields_are_sets() {
        let bits = |values: &[u32]| values.iter().fold(0, |bits, n| bits | 1 << n);
        let field = |text: &str, place: usize| {
            Schedule::parse(text).unwrap().values().get(place).unwrap().values
        };
        assert_eq!(field("*/20 * * * *", 0), bits(&[0, 20, 40]));
        assert_eq!(field("5-12/3,50 * * * *", 0), bits(&[5, 8, 11, 50]));
        assert_eq!(field("* * * mar,JUN-aug *", 3), bits(&[3, 6, 7, 8]));
        assert_eq!(field("* * * * 5-7", 4), bits(&[5, 6, 0]));
        assert_eq!(field("* * * * fri-sun", 4), bits(&[5, 6, 0]));
        assert_eq!(field("* * * * 0-7/2", 4), bits(&[0, 2, 4, 6]));
        assert_eq!(field("* * * * sun", 4), bits(&[0]));
        assert_eq!(field("* * * * 0-0", 4), bits(&[0]));
        assert_eq!(field("@weekly", 4), bits(&[0]));
    }

    #[test]
    fn what_crontab_refuses() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 8",
            "@reboot",
            "? * * * *",
            "0 0 L * *",
            "0 0 15W * *",
            "0 0 * * 5#2",
            "*/0 * * * *",
            "5-1 * * * *",
            "1,,2 * * * *",
            "-1 * * * *",
            "a * * * *",
            "5/10 * * * *",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }
}
