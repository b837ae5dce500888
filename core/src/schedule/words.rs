//! A schedule in words.

use super::calendar::Calendar;

const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// More times of a day than these are told by minutes and hours.
const TIMES: usize = 6;

pub(super) fn describe(calendar: &Calendar) -> String {
    let times = times(calendar);
    match days(calendar) {
        _ if calendar.is_empty() => format!("never: {times} on a day that no month has"),
        days if days.is_empty() && times.starts_with("at ") && !times.contains("hour") => {
            format!("{times} every day")
        }
        days => format!("{times}{days}"),
    }
}

/// The values of a set, ascending.
fn values(set: u64) -> Vec<u32> {
    (0..64).filter(|value| set & (1 << value) != 0).collect()
}

fn is_all(set: u64, low: u32, high: u32) -> bool {
    (low..=high).all(|value| set & (1 << value) != 0)
}

/// Every how many a set names of `0..of`, if it goes evenly around.
fn step(set: u64, of: u32) -> Option<u32> {
    let values = values(set);
    let step = values.get(1).copied()?;
    let even = of.is_multiple_of(step) && values.iter().copied().eq((0..of).step_by(step as usize));
    (even && step > 1).then_some(step)
}

/// Words joined, `a, b and c`.
fn joined(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A set as words, three or more that follow one another as `a to b`.
fn listed(set: u64, name: impl Fn(u32) -> String) -> String {
    let mut words = Vec::new();
    let mut values = values(set).into_iter().peekable();
    while let Some(first) = values.next() {
        let mut last = first;
        while let Some(next) = values.next_if(|next| *next == last + 1) {
            last = next;
        }
        match last - first {
            0 => words.push(name(first)),
            1 => words.extend([name(first), name(last)]),
            _ => words.push(format!("{} to {}", name(first), name(last))),
        }
    }
    joined(&words)
}

fn numbers(set: u64) -> String {
    listed(set, |value| value.to_string())
}

fn name(names: &[&str], place: u32) -> String {
    names.get(place as usize).map_or_else(String::new, |name| (*name).to_owned())
}

fn plural(word: &str, set: u64) -> String {
    if set.count_ones() == 1 { word.to_owned() } else { format!("{word}s") }
}

fn times(calendar: &Calendar) -> String {
    let (minutes, hours) = (calendar.minutes, calendar.hours);
    let every_minute = is_all(minutes, 0, 59);
    let of_hours = match (is_all(hours, 0, 23), step(hours, 24)) {
        (true, _) => "every hour".to_owned(),
        (_, Some(step)) => format!("every {step} hours"),
        _ => format!("the {} {}", plural("hour", hours), numbers(hours)),
    };
    let count = values(minutes).len() * values(hours).len();
    match (every_minute, is_all(hours, 0, 23), step(minutes, 60)) {
        (true, true, _) => "every minute".to_owned(),
        (true, false, _) => format!("every minute of {of_hours}"),
        (_, true, Some(step)) => format!("every {step} minutes"),
        _ if minutes == 1 && of_hours.starts_with("every") => of_hours,
        _ if count <= TIMES => {
            let all = values(hours).into_iter().flat_map(|hour| {
                values(minutes).into_iter().map(move |minute| format!("{hour:02}:{minute:02}"))
            });
            format!("at {}", joined(&all.collect::<Vec<_>>()))
        }
        (_, _, Some(step)) => format!("every {step} minutes of {of_hours}"),
        _ => format!("at {} {} of {of_hours}", plural("minute", minutes), numbers(minutes)),
    }
}

/// On which days, with a space before, or nothing if on all.
fn days(calendar: &Calendar) -> String {
    let (every_day, every_weekday) =
        (is_all(calendar.days, 1, 31), is_all(calendar.weekdays, 0, 6));
    let (weekdays, listed_weekdays) =
        (calendar.weekdays, listed(calendar.weekdays, |day| name(&WEEKDAYS, day)));
    let on_weekdays = match weekdays {
        0b011_1110 => "on weekdays".to_owned(),
        0b100_0001 => "on weekends".to_owned(),
        _ => format!("on {listed_weekdays}"),
    };
    let on_days =
        format!("on {} {} of the month", plural("day", calendar.days), numbers(calendar.days));
    // A field that names everything and may match alone makes it every day.
    let days = match (every_day, every_weekday, calendar.either) {
        (true, true, _) | (true, _, true) | (_, true, true) => String::new(),
        (true, false, false) => format!(" {on_weekdays}"),
        (false, true, false) => format!(" {on_days}"),
        (false, false, true) => format!(" {on_days} or {on_weekdays}"),
        (false, false, false) => format!(" {on_days} if it is {listed_weekdays}"),
    };
    match is_all(calendar.months, 1, 12) {
        true => days,
        false => {
            let months = listed(calendar.months, |month| name(&MONTHS, month.saturating_sub(1)));
            let every = if days.is_empty() { " every day" } else { "" };
            format!("{every}{days} in {months}")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::Schedule;

    #[test]
    fn schedules_in_words() {
        for (text, words) in [
            ("* * * * *", "every minute"),
            ("@hourly", "every hour"),
            ("@daily", "at 00:00 every day"),
            ("@weekly", "at 00:00 on Sunday"),
            ("@monthly", "at 00:00 on day 1 of the month"),
            ("@yearly", "at 00:00 on day 1 of the month in January"),
            ("30 * * * *", "at minute 30 of every hour"),
            ("0,20 8 * * *", "at 08:00 and 08:20 every day"),
            ("*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
            ("*/5 9-17 * * mon-fri", "every 5 minutes of the hours 9 to 17 on weekdays"),
            ("0 */2 * * *", "every 2 hours"),
            ("15 */2 * * sat,sun", "at minute 15 of every 2 hours on weekends"),
            ("* 3 * * *", "every minute of the hour 3"),
            ("0 6 1,15 * mon", "at 06:00 on days 1 and 15 of the month or on Monday"),
            (
                "0 6 */10 * 1-3",
                "at 06:00 on days 1, 11, 21 and 31 of the month if it is Monday to Wednesday",
            ),
            ("0 6 * jan-mar,12 *", "at 06:00 every day in January to March and December"),
            ("0 6 1 * 0-7", "at 06:00 every day"),
            ("0 0 30 2 *", "never: at 00:00 on a day that no month has"),
        ] {
            let described = Schedule::parse(text).unwrap().describe(chrono_tz::UTC);
            assert_eq!(described, format!("{words}, UTC"), "{text}");
        }
    }
}
