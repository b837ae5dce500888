//! Places: circles by great-circle distance, and polygons straight in longitude and latitude.

use std::cmp::Ordering;

use super::json::Json;
use super::number::Exact;
use super::{OracleError, failed};

const EARTH_RADIUS: f64 = 6_371_008.8;

#[derive(Debug)]
pub enum Area {
    Circle {
        latitude: f64,
        longitude: f64,
        meters: f64,
    },
    /// Longitude and latitude of the corners, unrolled so that no side is longer than half a turn.
    Polygon(Vec<(Exact, Exact)>),
}

impl Area {
    pub fn parse(json: &Json) -> Result<Area, OracleError> {
        if let Some(ring) = json.get("polygon") {
            return polygon(ring.list()?);
        }
        let (Some(latitude), Some(longitude)) = (json.get("lat"), json.get("lon")) else {
            return failed("missing_member", "a circle has lat, lon and radius");
        };
        let radius = json.text_of("radius")?.unwrap_or_default();
        let Some((size, unit)) = radius.split_once(' ') else {
            return failed("bad_value", format!("{radius:?} is no distance"));
        };
        let unit = match unit {
            "m" => 1.0,
            "km" => 1_000.0,
            "mi" => 1_609.344,
            other => return failed("bad_value", format!("{other:?} is no unit of distance")),
        };
        let meters = Exact::parse(size)?.nearest_double() * unit;
        Ok(Area::Circle { latitude: degrees(latitude)?, longitude: degrees(longitude)?, meters })
    }

    pub fn holds(&self, latitude: f64, longitude: f64) -> bool {
        match self {
            Area::Circle { latitude: here, longitude: there, meters } => {
                distance((*here, *there), (latitude, longitude)) <= *meters
            }
            Area::Polygon(corners) => [-720, -360, 0, 360, 720].into_iter().any(|turn| {
                let x = Exact::of_double(longitude).plus(&Exact::int(turn));
                inside(corners, &x, &Exact::of_double(latitude))
            }),
        }
    }
}

fn degrees(json: &Json) -> Result<f64, OracleError> {
    match json {
        Json::Number(text) => Ok(Exact::parse(text)?.nearest_double()),
        Json::Text(text) => Ok(Exact::parse(text.trim())?.nearest_double()),
        other => failed("type_mismatch", format!("{other:?} is no number of degrees")),
    }
}

fn distance(one: (f64, f64), other: (f64, f64)) -> f64 {
    let (up, across) = ((other.0 - one.0).to_radians(), (other.1 - one.1).to_radians());
    let squared = (up / 2.0).sin().powi(2)
        + one.0.to_radians().cos() * other.0.to_radians().cos() * (across / 2.0).sin().powi(2);
    2.0 * EARTH_RADIUS * squared.sqrt().min(1.0).asin()
}

fn polygon(ring: &[Json]) -> Result<Area, OracleError> {
    let mut corners: Vec<(Exact, Exact)> = Vec::new();
    for corner in ring {
        let [longitude, latitude] = corner.list()? else {
            return failed("bad_value", "a corner is [lon, lat]; holes are not accepted");
        };
        let mut x = Exact::of_double(degrees(longitude)?);
        let y = Exact::of_double(degrees(latitude)?);
        if let Some((before, _)) = corners.last() {
            while x.minus(before) > Exact::int(180) {
                x = x.minus(&Exact::int(360));
            }
            while x.minus(before) < Exact::int(-180) {
                x = x.plus(&Exact::int(360));
            }
        }
        corners.push((x, y));
    }
    if corners.len() < 3 {
        return failed("bad_value", "a polygon has three corners");
    }
    Ok(Area::Polygon(corners))
}

/// Whether a point lies inside the ring or on it, by counting the sides to its right.
fn inside(corners: &[(Exact, Exact)], x: &Exact, y: &Exact) -> bool {
    let mut odd = false;
    for (at, (x1, y1)) in corners.iter().enumerate() {
        let (x2, y2) = &corners[(at + 1) % corners.len()];
        // which side of the line through both corners the point is on
        let side = x2.minus(x1).times(&y.minus(y1)).minus(&y2.minus(y1).times(&x.minus(x1))).sign();
        let in_box = x1.min(x2) <= x && x <= x1.max(x2) && y1.min(y2) <= y && y <= y1.max(y2);
        if side == Ordering::Equal && in_box {
            return true;
        }
        let (rises, falls) = (y1 <= y && y < y2, y2 <= y && y < y1);
        if (rises && side == Ordering::Greater) || (falls && side == Ordering::Less) {
            odd = !odd;
        }
    }
    odd
}
