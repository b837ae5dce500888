//! Random columns: types, and cells drawn mostly from a small pool so that values repeat.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::Random;
use crate::oracle::table::{Cell, Column, ColumnType, TimeUnit};
use crate::oracle::time::{DAY, SECOND, days_of_date, instant_of_wall, local_time};

/// Strings that break what is careless about case, quotes, patterns, bytes or order.
pub const TEXTS: [&str; 48] = [
    "Travel",
    "travel",
    "TRAVEL",
    "Food",
    "food",
    "Fuel",
    "IN",
    "in",
    "US",
    "Straße",
    "STRASSE",
    "STRAẞE",
    "ſtraße",
    "Kelvin",
    "\u{212a}elvin",
    "kelvin",
    "İstanbul",
    "istanbul",
    "ıstanbul",
    "ΣΊΣΥΦΟΣ",
    "σίσυφος",
    "σίσυφοσ",
    "a,b",
    "a\\,b",
    "100%",
    "100x",
    "50_000",
    "50-000",
    "it's",
    "say \"hi\"",
    "back\\slash",
    "",
    " padded ",
    "日本",
    "😀",
    "\u{ffff}",
    "\u{10000}",
    "Zebra",
    "é",
    "e\u{301}",
    "line\nbreak",
    "tab\there",
    "42",
    "null",
    "x,y",
    "IN,US",
    ",",
    "Food, fuel",
];

/// What all columns of a world have in common.
#[derive(Clone, Copy)]
pub struct Setting {
    pub zone: Tz,
    pub as_of: i64,
}

pub fn int_type(random: &mut Random) -> ColumnType {
    let bits = *random.pick(&[8, 16, 32, 64, 64]);
    ColumnType::Int { bits, signed: random.percent(70) }
}

pub fn decimal_type(random: &mut Random) -> ColumnType {
    let (precision, scale) = *random.pick(&[(12, 2), (18, 4), (10, 0), (20, 9), (30, 3), (5, 1)]);
    ColumnType::Decimal { precision, scale }
}

pub fn float_type(random: &mut Random) -> ColumnType {
    if random.percent(70) { ColumnType::Float64 } else { ColumnType::Float32 }
}

pub fn stamp_type(random: &mut Random) -> ColumnType {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    let unit = *random.pick(&[Second, Millisecond, Microsecond, Nanosecond]);
    let zone = match random.range(0, 3) {
        0 => Some("UTC".to_owned()),
        1 => Some("Asia/Kolkata".to_owned()),
        _ => None,
    };
    ColumnType::Stamp { unit, zone }
}

pub fn number_type(random: &mut Random) -> ColumnType {
    match random.range(0, 3) {
        0 => int_type(random),
        1 => float_type(random),
        _ => decimal_type(random),
    }
}

/// A column of `rows` cells, about a fifth of them NULL when it is nullable.
pub fn column(
    random: &mut Random,
    setting: Setting,
    name: &str,
    ty: ColumnType,
    rows: usize,
    nullable: bool,
) -> Column {
    let size = random.size((4, 10));
    let pool: Vec<Cell> = (0..size).map(|_| cell(random, setting, &ty)).collect();
    let cells = (0..rows)
        .map(|_| {
            if nullable && random.percent(20) {
                Cell::Null
            } else if random.percent(88) {
                random.pick(&pool).clone()
            } else {
                cell(random, setting, &ty)
            }
        })
        .collect();
    Column::new(name, ty, cells)
}

fn cell(random: &mut Random, setting: Setting, ty: &ColumnType) -> Cell {
    match ty {
        ColumnType::Bool => Cell::Bool(random.percent(50)),
        ColumnType::Int { bits, signed } => Cell::Int(integer(random, *bits, *signed)),
        ColumnType::Float64 => Cell::Float(double(random)),
        ColumnType::Float32 => Cell::Float(f64::from(double(random) as f32)),
        ColumnType::Decimal { precision, .. } => {
            let limit = 10i64.pow(u32::from(*precision).min(15)) - 1;
            let size = *random.pick(&[20, 1_000, 100_000, limit]);
            Cell::Decimal(random.range(-(size.min(limit)), size.min(limit)).into())
        }
        ColumnType::Text => Cell::Text((*random.pick(&TEXTS)).to_owned()),
        ColumnType::Date => {
            let days = setting.as_of.div_euclid(DAY) + random.range(-420, 40);
            Cell::Date(days as i32)
        }
        ColumnType::Stamp { .. } => {
            let back = match random.range(0, 9) {
                0 => random.range(-40, -1),
                1..=4 => random.range(0, 40),
                _ => random.range(0, 420),
            };
            let at = setting.as_of - back * DAY + random.range(-DAY, DAY);
            stamp(random, setting, ty, at)
        }
        ColumnType::List(item) => {
            let size = random.size((0, 4));
            let mut items = Vec::new();
            for _ in 0..size {
                items.push(match random.percent(8) {
                    true => Cell::Null,
                    false => item_of_list(random, item),
                });
            }
            Cell::List(items)
        }
    }
}

fn item_of_list(random: &mut Random, ty: &ColumnType) -> Cell {
    match ty {
        ColumnType::Text => Cell::Text((*random.pick(&TEXTS[..12])).to_owned()),
        _ => Cell::Int(random.range(-3, 9).into()),
    }
}

fn integer(random: &mut Random, bits: u8, signed: bool) -> i128 {
    let low = if signed { -(1i128 << (bits - 1)) } else { 0 };
    let high = if signed { (1i128 << (bits - 1)) - 1 } else { (1i128 << bits) - 1 };
    let value = match random.range(0, 19) {
        0 => low + i128::from(random.range(0, 1)),
        1 => high - i128::from(random.range(0, 1)),
        2 => (1i128 << 53) + i128::from(random.range(-1, 1)),
        3..=8 => random.range(0, 4).into(),
        9..=14 => random.range(-50, 120).into(),
        _ => random.range(-100_000, 100_000).into(),
    };
    value.clamp(low, high)
}

/// Short decimals, arbitrary doubles below 1e12, and what counts as missing.
fn double(random: &mut Random) -> f64 {
    match random.range(0, 29) {
        0 => f64::NAN,
        1 => *random.pick(&[f64::INFINITY, f64::NEG_INFINITY]),
        2 => -0.0,
        3..=19 => random.range(-2_000, 20_000) as f64 / *random.pick(&[1.0, 4.0, 10.0, 100.0]),
        20..=22 => *random.pick(&[0.1, 0.3, 0.5e-9, 1.5e-9, 1e-20, 4_503_599_627_370_497.5e-4]),
        _ => {
            let exponent = random.range(-12, 12) as i32;
            let sign = if random.percent(30) { -1.0 } else { 1.0 };
            let size = random.range(1, (1 << 53) - 1) as f64 / (1u64 << 53) as f64;
            sign * size * 10f64.powi(exponent)
        }
    }
}

/// An instant as a cell of a date or timestamp column.
pub fn stamp(random: &mut Random, setting: Setting, ty: &ColumnType, at: i64) -> Cell {
    let wall = |at: i64| local_time(setting.zone, at).and_utc().timestamp_micros();
    let (unit, micros) = match ty {
        ColumnType::Date => return Cell::Date(wall(at).div_euclid(DAY) as i32),
        ColumnType::Stamp { unit, zone: Some(_) } => (unit, at),
        ColumnType::Stamp { unit, zone: None } => {
            let odd = if random.percent(7) { small_hours(random, setting.zone, at) } else { None };
            (unit, odd.unwrap_or_else(|| wall(at)))
        }
        other => panic!("{other:?} holds no time"),
    };
    Cell::Stamp(match unit {
        TimeUnit::Second => micros.div_euclid(1_000_000),
        TimeUnit::Millisecond => micros.div_euclid(1_000),
        TimeUnit::Microsecond => micros,
        // what is past the microsecond is rounded down
        TimeUnit::Nanosecond => micros * 1_000 + random.range(0, 999),
    })
}

/// An instant of an event: often on the edge of a window, or a microsecond beside it.
pub fn event_instant(random: &mut Random, setting: Setting) -> i64 {
    let as_of = setting.as_of;
    match random.range(0, 19) {
        0..=2 => {
            let back = *random.pick(&[0, 1, 7, 14, 30, 90, 180]) * DAY;
            as_of - back + random.range(-1, 1)
        }
        3 => as_of - *random.pick(&[36, 48, 1]) * DAY / 24 + random.range(-1, 1),
        4 | 5 if random.percent(70) => {
            let hours = small_hours(random, setting.zone, as_of - 150 * DAY).unwrap_or(as_of - DAY);
            let beside = if random.percent(30) { 1 } else { 7_200 * SECOND };
            instant_of_wall(setting.zone, hours) + random.range(-1, beside)
        }
        4 | 5 => {
            // a midnight on the wall of the model, where days and months begin
            let today = local_time(setting.zone, as_of).date();
            let days = days_of_date(today) - random.range(0, 120) as i32;
            let midnight = i64::from(days) * DAY;
            instant_of_wall(setting.zone, midnight) + random.range(-1, 1)
        }
        6 => as_of + random.range(0, 30 * DAY),
        7..=12 => as_of - random.range(0, 31 * DAY),
        _ => as_of - random.range(0, 400 * DAY),
    }
}

/// Days on which clocks change in a zone; where they never do, days at the end of months.
fn changes(zone: Tz) -> Vec<NaiveDate> {
    let days = match zone.name() {
        "America/New_York" => ["2024-03-10", "2024-11-03", "2025-03-09", "2025-11-02"],
        "Australia/Lord_Howe" => ["2024-04-07", "2024-10-06", "2025-04-06", "2025-10-05"],
        "Africa/Casablanca" => ["2024-03-10", "2024-04-14", "2025-02-23", "2025-04-06"],
        "America/Sao_Paulo" => ["2017-10-15", "2018-02-18", "2018-11-04", "2019-02-17"],
        _ => ["2024-02-29", "2024-05-31", "2024-12-31", "2025-03-31"],
    };
    days.iter().map(|day| day.parse().expect("a date")).collect()
}

/// Wall time about the small hours of a day of change near an instant, where it is skipped,
/// repeated or neither.
pub fn small_hours(random: &mut Random, zone: Tz, near: i64) -> Option<i64> {
    let days: Vec<i64> = changes(zone)
        .into_iter()
        .map(|day| i64::from(days_of_date(day)) * DAY)
        .filter(|midnight| (midnight - near).abs() < 300 * DAY)
        .collect();
    if days.is_empty() {
        return None;
    }
    // or the midnight after, where the day of another length ends
    let after = if random.percent(35) { DAY } else { 0 };
    Some(random.pick(&days) + after + random.range(-4, 14) * 15 * 60 * SECOND)
}

/// An instant that a run may be about; half of them on days when clocks change.
pub fn as_of(random: &mut Random, zone: Tz) -> i64 {
    if random.percent(50) {
        let midnight = i64::from(days_of_date(*random.pick(&changes(zone)))) * DAY;
        return midnight + random.range(-DAY / 2, DAY * 3 / 2);
    }
    // from 2024-01-01 on
    let start = 19_723 * DAY;
    let at = start + random.range(0, 730) * DAY + random.range(0, DAY - 1);
    if random.percent(30) { at / 1_000_000 * 1_000_000 } else { at }
}
