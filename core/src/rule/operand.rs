//! What a condition is tested against: a value, a pair, a list, another field, a place, a rank.

use crate::document::{Fields, Json, Number, Path, describe};
use crate::error::{Code, Problem};

use super::group::{Reading, Scope, read_conditions};
use super::value::{each, list_of, scalar_of};
use super::{Operand, Operator, Place, Radius, RankSize, Window};

/// What the operator is tested against: `value`, and `among` for ranks.
pub(super) fn read_operand(
    operator: Operator,
    json: &Json,
    path: &Path<'_>,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Operand> {
    let (positive, _) = operator.positive();
    let mut fields = Fields::of(json, path, reading.problems)?;
    let source = fields.string("valueSource").unwrap_or("value");
    if source != "value" && source != "field" {
        let message =
            format!("expected \"value\" or \"field\", found {}", describe(&Json::from(source)));
        fields.fault(Code::BadValue, "valueSource", message);
        return None;
    }
    if positive == Operator::Null {
        return Some(Operand::None);
    }
    let Some(value) = fields.get("value") else {
        fields.missing("value");
        return None;
    };
    let place = path.member("value");
    if source == "field" {
        return read_other_field(operator, value, &mut fields);
    }
    let problems = &mut *reading.problems;
    match positive {
        Operator::In => list_of(value, &place, problems).map(Operand::List),
        Operator::Between => read_pair(value, &place, problems),
        Operator::Matches => read_pattern(value, &place, problems),
        Operator::During => Window::read(value, &place, problems).map(Operand::Window),
        Operator::Within => read_place(value, &place, problems).map(Operand::Place),
        Operator::Top | Operator::Bottom => {
            let size = read_rank_size(value, &place, problems);
            let among = json.get("among").filter(|among| **among != Json::Null);
            let place = path.member("among");
            let among = match among {
                Some(among) => Some(read_conditions(among, &place, Scope::Users, level, reading)?),
                None => None,
            };
            size.map(|size| Operand::Rank { size, among })
        }
        _ => scalar_of(value, &place, problems).map(Operand::One),
    }
}

fn read_other_field(
    operator: Operator,
    value: &Json,
    fields: &mut Fields<'_, '_>,
) -> Option<Operand> {
    if !operator.compares() && !operator.looks_into() {
        let message = format!(
            "{operator} does not compare fields: expected = != < <= > >=, or contains, beginsWith, \
             endsWith and their negatives"
        );
        fields.fault(Code::BadOperator, "operator", message);
        return None;
    }
    match value {
        Json::String(name) => Some(Operand::Field(name.clone())),
        other => {
            fields.wrong("value", "the name of a field", other);
            None
        }
    }
}

fn read_pair(value: &Json, path: &Path<'_>, problems: &mut Vec<Problem>) -> Option<Operand> {
    let mut values = list_of(value, path, problems)?.into_iter();
    match (values.next(), values.next(), values.next()) {
        (Some(low), Some(high), None) => Some(Operand::Pair(low, high)),
        _ => {
            let message = "expected two values, [low, high]";
            problems.push(Problem::new(Code::BadValue, path.to_string(), message));
            None
        }
    }
}

/// Longest regular expression, and the memory that its program may take.
const MAX_PATTERN: usize = 10_000;

/// The compiled form of a regular expression of the language.
pub(crate) fn compile(pattern: &str, case_sensitive: bool) -> Result<regex::Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("the limit of {MAX_PATTERN} bytes of a regular expression is passed"));
    }
    regex::RegexBuilder::new(pattern)
        .case_insensitive(!case_sensitive)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
}

fn read_pattern(value: &Json, path: &Path<'_>, problems: &mut Vec<Problem>) -> Option<Operand> {
    let message = match value {
        Json::String(pattern) => match compile(pattern, true) {
            Ok(_) => return Some(Operand::One(super::Scalar::Text(pattern.clone()))),
            Err(message) => format!("not a regular expression: {message}"),
        },
        other => format!("expected a regular expression, found {}", describe(other)),
    };
    problems.push(Problem::new(Code::BadValue, path.to_string(), message));
    None
}

fn read_rank_size(value: &Json, path: &Path<'_>, problems: &mut Vec<Problem>) -> Option<RankSize> {
    let expected =
        "expected {\"count\": a whole number above 0} or {\"percent\": above 0, at most 100}";
    let bad = |place: String| Problem::new(Code::BadValue, place, expected);
    let Json::Object(members) = value else {
        problems.push(bad(path.to_string()));
        return None;
    };
    let mut fields = Fields::new(members, path, problems);
    fields.known(&["count", "percent"]);
    let number = |json: &Json| match json {
        Json::Number(number) => Some(*number),
        Json::String(text) => text.trim().parse::<Number>().ok(),
        _ => None,
    };
    let found = match (fields.get("count"), fields.get("percent")) {
        (Some(count), None) => {
            let count = number(count).and_then(Number::to_i64).and_then(|n| u64::try_from(n).ok());
            (count.filter(|n| *n > 0).map(RankSize::Count), "count")
        }
        (None, Some(percent)) => {
            let hundred = Number::from(100);
            let percent = number(percent).filter(|n| *n > Number::ZERO && *n <= hundred);
            (percent.map(RankSize::Percent), "percent")
        }
        _ => {
            problems.push(bad(path.to_string()));
            return None;
        }
    };
    if found.0.is_none() {
        problems.push(bad(path.member(found.1).to_string()));
    }
    found.0
}

fn double(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => Some(number.to_f64()).filter(|n| n.is_finite()),
        _ => None,
    }
}

fn read_place(value: &Json, path: &Path<'_>, problems: &mut Vec<Problem>) -> Option<Place> {
    let mut fields = Fields::of(value, path, problems)?;
    fields.known(&["lat", "lon", "radius", "polygon"]);
    if let Some(ring) = fields.get("polygon") {
        for name in ["lat", "lon", "radius"] {
            if fields.get(name).is_some() {
                fields.fault(Code::BadValue, name, "a polygon has no centre and no radius");
            }
        }
        return read_ring(ring, &path.member("polygon"), problems).map(Place::Polygon);
    }
    let mut degrees = |name: &str, limit: f64| {
        let Some(json) = fields.get(name) else {
            fields.missing(name);
            return None;
        };
        let found = double(json).filter(|d| d.abs() <= limit);
        if found.is_none() {
            let message =
                format!("expected degrees from -{limit} to {limit}, found {}", describe(json));
            fields.fault(Code::BadValue, name, message);
        }
        found
    };
    let (latitude, longitude) = (degrees("lat", 90.0), degrees("lon", 180.0));
    let radius = match fields.get("radius") {
        None => {
            fields.missing("radius");
            None
        }
        Some(json) => {
            let radius = match json {
                Json::String(text) => radius_of(text),
                _ => None,
            };
            if radius.is_none() {
                let found = describe(json);
                let message =
                    format!("expected a number above 0, a space and m, km or mi, found {found}");
                fields.fault(Code::BadValue, "radius", message);
            }
            radius
        }
    };
    Some(Place::Circle { latitude: latitude?, longitude: longitude?, radius: radius? })
}

fn radius_of(text: &str) -> Option<Radius> {
    let (length, unit) = text.trim().split_once(' ')?;
    let length: Number = length.parse().ok()?;
    let unit = ["m", "km", "mi"].into_iter().find(|known| *known == unit)?;
    (length > Number::ZERO && length.to_f64().is_finite()).then_some(Radius { length, unit })
}

fn read_ring(json: &Json, path: &Path<'_>, problems: &mut Vec<Problem>) -> Option<Vec<(f64, f64)>> {
    let Json::Array(items) = json else {
        let message = format!("expected a list of [lon, lat], found {}", describe(json));
        problems.push(Problem::new(Code::BadValue, path.to_string(), message));
        return None;
    };
    let nested = |item: &Json| matches!(item, Json::Array(inner) if matches!(inner.first(), Some(Json::Array(_))));
    if items.iter().any(nested) {
        let message =
            "expected one ring, a list of [lon, lat]: holes and several rings are not supported";
        problems.push(Problem::new(Code::BadValue, path.to_string(), message));
        return None;
    }
    let mut ring = each(items, path, problems, |item, place, problems| {
        let point = match item {
            Json::Array(pair) => match pair.as_slice() {
                [lon, lat] => double(lon).zip(double(lat)),
                _ => None,
            },
            _ => None,
        };
        let point = point.filter(|(lon, lat)| lon.abs() <= 180.0 && lat.abs() <= 90.0);
        if point.is_none() {
            let message = "expected [longitude, latitude] in degrees";
            problems.push(Problem::new(Code::BadValue, place.to_string(), message));
        }
        point
    })?;
    if ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    if ring.len() < 3 {
        let message = "a polygon has at least three different points";
        problems.push(Problem::new(Code::BadValue, path.to_string(), message));
        return None;
    }
    Some(ring)
}
