//! What the declared type of a SQLite column is in Arrow.

use arrow::datatypes::{DataType, TimeUnit};

/// Digits of the largest decimal.
const MAX_PRECISION: i64 = 38;
/// A decimal that is declared without precision and scale.
const BARE_DECIMAL: DataType = DataType::Decimal128(38, 9);

/// The Arrow type of a column declared as `declared`, whatever its case.
///
/// | declared | Arrow |
/// |---|---|
/// | `BOOLEAN`, `BOOL` | Boolean |
/// | `DECIMAL(p,s)`, `NUMERIC(p,s)`, `DEC`, `NUMBER`; also after other words, `TEXT DECIMAL(30,2)` | Decimal128(p, s), p at most 38 |
/// | the same without `(p,s)`, `NUM`, `MONEY`, `SMALLMONEY` | Decimal128(38, 9) |
/// | `DATE` | Date32 |
/// | `DATETIME`, `TIMESTAMP`, `TIMESTAMP WITHOUT TIME ZONE`, `DATETIME2`, `SMALLDATETIME` | Timestamp(µs) |
/// | `TIMESTAMPTZ`, `TIMESTAMP WITH TIME ZONE`, `DATETIMEOFFSET` | Timestamp(µs, UTC) |
/// | `BINARY`, `VARBINARY`, `BYTEA` | Binary |
///
/// Any other goes by what it contains, in SQLite's order: `INT` is Int64; `CHAR`, `CLOB` or `TEXT`
/// is Utf8; `BLOB` is Binary; `REAL`, `FLOA` or `DOUB` is Float64. What is left, `UUID`, `JSON` and
/// no type at all among it, is Utf8, which can hold any number as well.
///
/// SQLite keeps text in a `DECIMAL` column as a double if it looks like a number that is not an
/// integer of 64 bits, and so no more than 15 to 17 of its digits. `TEXT DECIMAL(p,s)` is stored
/// as it is, and read exactly.
pub(super) fn of_declaration(declared: &str) -> DataType {
    let upper = declared.to_ascii_uppercase();
    let (before, inside, after) = match upper.split_once('(') {
        Some((before, rest)) => {
            let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
            (before, Some(inside), after)
        }
        None => (upper.as_str(), None, ""),
    };
    let words: Vec<&str> = before.split_whitespace().chain(after.split_whitespace()).collect();
    let decimal = ["DECIMAL", "NUMERIC", "DEC", "NUMBER", "NUM", "MONEY", "SMALLMONEY"].as_slice();
    if words.iter().any(|word| decimal.contains(word)) {
        return inside.and_then(decimal_of).unwrap_or(BARE_DECIMAL);
    }
    match words.join(" ").as_str() {
        "BOOLEAN" | "BOOL" => DataType::Boolean,
        "DATE" => DataType::Date32,
        "DATETIME"
        | "DATETIME2"
        | "SMALLDATETIME"
        | "TIMESTAMP"
        | "TIMESTAMP WITHOUT TIME ZONE" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "TIMESTAMPTZ"
        | "TIMESTAMP WITH TIME ZONE"
        | "TIMESTAMP WITH LOCAL TIME ZONE"
        | "DATETIMEOFFSET" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "BINARY" | "VARBINARY" | "BINARY VARYING" | "BYTEA" => DataType::Binary,
        // They contain INT by accident.
        "INTERVAL" | "POINT" => DataType::Utf8,
        other => of_affinity(other),
    }
}

fn of_affinity(name: &str) -> DataType {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["INT"]) {
        DataType::Int64
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        DataType::Utf8
    } else if has(&["BLOB"]) {
        DataType::Binary
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        DataType::Float64
    } else {
        DataType::Utf8
    }
}

/// The decimal type of `p` or `p, s`. A precision above 38 is 38, a negative scale is 0, and a
/// scale above the precision widens it.
fn decimal_of(parameters: &str) -> Option<DataType> {
    let mut numbers = parameters.split(',').map(|number| number.trim().parse::<i64>().ok());
    let precision = numbers.next()??;
    let scale = numbers.next().unwrap_or(Some(0))?.clamp(0, MAX_PRECISION);
    if precision < 1 || numbers.next().is_some() {
        return None;
    }
    let precision = precision.min(MAX_PRECISION).max(scale);
    Some(DataType::Decimal128(u8::try_from(precision).ok()?, i8::try_from(scale).ok()?))
}
