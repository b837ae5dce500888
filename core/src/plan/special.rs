//! Buckets and places: functions of a key, and of a position.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{Expr, lit};
use geo::line_measures::Distance;
use geo::{BoundingRect, Coord, Haversine, Intersects, LineString, Point, Polygon, Rect};
use xxhash_rust::xxh64::xxh64;

use crate::model::{Column, KeyColumn};
use crate::rule::Place;
use crate::segment::key_column;

use super::expr::plain;
use super::functions::{arg, call, external};
use super::{Planner, balanced, named};

/// The bucket from 0 to 99 that a key falls in under a salt, for good.
pub(crate) fn bucket_of(salt: &str, key: impl std::fmt::Display) -> i64 {
    let hash = xxh64(format!("{salt}:{key}").as_bytes(), 0);
    i64::try_from(hash % 100).unwrap_or(0)
}

/// The bucket of a column of keys.
pub(super) fn bucket(key: Expr, salt: &str) -> Expr {
    let (identity, salt) = (salt.to_owned(), salt.to_owned());
    call("bucket", identity, vec![key], DataType::Int64, move |args, _| {
        let buckets: Int64Array = match key_column(arg(args, 0)?).map_err(external)? {
            KeyColumn::Int(keys) => keys.iter().map(|key| Some(bucket_of(&salt, key?))).collect(),
            KeyColumn::Text(keys) => keys.iter().map(|key| Some(bucket_of(&salt, key?))).collect(),
        };
        Ok(Arc::new(buckets))
    })
}

/// A place made ready to be asked about many points.
enum Area {
    Circle {
        centre: Point,
        metres: f64,
    },
    /// Longitudes run on across the date line, so that no side is longer than half a turn.
    Ring {
        polygon: Polygon,
        bounds: Rect,
    },
}

impl Area {
    fn of(place: &Place) -> Area {
        match place {
            Place::Circle { latitude, longitude, radius } => {
                Area::Circle { centre: Point::new(*longitude, *latitude), metres: radius.metres() }
            }
            Place::Polygon(ring) => {
                let ring = LineString::from(unrolled(ring));
                let bounds = ring.bounding_rect();
                let nowhere = Rect::new(Coord::zero(), Coord::zero());
                let polygon = Polygon::new(ring, Vec::new());
                Area::Ring { polygon, bounds: bounds.unwrap_or(nowhere) }
            }
        }
    }

    fn holds(&self, latitude: f64, longitude: f64) -> bool {
        match self {
            Area::Circle { centre, metres } => {
                Haversine.distance(*centre, Point::new(longitude, latitude)) <= *metres
            }
            Area::Ring { polygon, bounds } => TURNS
                .into_iter()
                .map(|turn| Point::new(longitude + turn, latitude))
                .any(|point| bounds.intersects(&point) && polygon.intersects(&point)),
        }
    }
}

/// The corners with each longitude taken so that the way from the one before is the shorter.
fn unrolled(ring: &[(f64, f64)]) -> Vec<Coord> {
    let mut corners: Vec<Coord> = Vec::with_capacity(ring.len());
    for (x, y) in ring {
        let mut x = *x;
        if let Some(before) = corners.last() {
            while x - before.x > 180.0 {
                x -= 360.0;
            }
            while x - before.x < -180.0 {
                x += 360.0;
            }
        }
        corners.push(Coord { x, y: *y });
    }
    corners
}

/// Whole turns by which a ring that runs on across the date line may be away.
const TURNS: [f64; 5] = [-720.0, -360.0, 0.0, 360.0, 720.0];

/// Metres from one circle of latitude to the next degree's, a little less than they are.
const METRES_PER_DEGREE: f64 = 111_190.0;

impl Planner<'_> {
    fn degrees(&self, column: &Column) -> Expr {
        let column_expr = plain(named(&column.table, &column.name), &column.data_type);
        match column.data_type {
            DataType::Float64 => column_expr,
            _ => datafusion::logical_expr::cast(column_expr, DataType::Float64),
        }
    }

    /// Whether a position is known; never null.
    pub(super) fn positioned(&self, latitude: &Column, longitude: &Column) -> Expr {
        let args = vec![self.degrees(latitude), self.degrees(longitude)];
        call("positioned", String::new(), args, DataType::Boolean, |args, _| {
            each_position(args, |_, _| true)
        })
    }

    /// Whether a known position lies in a place; never null. A position outside of the place's box
    /// is refused before any distance is worked out, and by the least and the greatest of a file's
    /// columns.
    pub(super) fn within(&self, latitude: &Column, longitude: &Column, place: &Place) -> Expr {
        let (latitude, longitude) = (self.degrees(latitude), self.degrees(longitude));
        let area = Area::of(place);
        let bounds = Bounds::of(&area);
        let identity = format!("{place:?}");
        let args = vec![latitude.clone(), longitude.clone()];
        let within = call("within", identity, args, DataType::Boolean, move |args, _| {
            each_position(args, |latitude, longitude| area.holds(latitude, longitude))
        });
        let between = |degrees: &Expr, (low, high): (f64, f64)| {
            degrees.clone().gt_eq(lit(low)).and(degrees.clone().lt_eq(lit(high)))
        };
        let mut parts = vec![between(&latitude, bounds.latitudes)];
        if !bounds.longitudes.is_empty() {
            let ranges = bounds.longitudes.into_iter().map(|range| between(&longitude, range));
            parts.push(balanced(ranges.collect(), false));
        }
        parts.push(within);
        balanced(parts, true)
    }
}

/// A box that all points of a place lie in, with room to spare.
struct Bounds {
    latitudes: (f64, f64),
    /// One range or, over the date line, several; none where there is no bound.
    longitudes: Vec<(f64, f64)>,
}

/// Degrees to spare: more than any rounding on the way.
const ROOM: f64 = 1e-4;

impl Bounds {
    fn of(area: &Area) -> Bounds {
        let (latitudes, longitudes) = match area {
            Area::Circle { centre, metres } => {
                let reach = metres / METRES_PER_DEGREE;
                let around = |at: f64, reach: f64| (at - reach, at + reach);
                let sideways = sideways(centre.y(), reach).map(|reach| around(centre.x(), reach));
                (around(centre.y(), reach), sideways)
            }
            Area::Ring { bounds, .. } => {
                let (low, high) = (bounds.min(), bounds.max());
                ((low.y, high.y), Some((low.x, high.x)))
            }
        };
        let (low, high) = latitudes;
        Bounds {
            latitudes: (low - ROOM, high + ROOM),
            longitudes: longitudes.map_or_else(Vec::new, ranges_of_longitudes),
        }
    }
}

/// How many degrees of longitude a circle of so many degrees reaches to either side of its centre;
/// nothing where it may hold a pole.
fn sideways(latitude: f64, reach: f64) -> Option<f64> {
    if latitude.abs() + reach > 89.9 {
        return None;
    }
    let (latitude, reach) = (latitude.to_radians(), reach.to_radians());
    Some((reach.sin() / latitude.cos()).asin().to_degrees()).filter(|reach| reach.is_finite())
}

/// The longitudes from -180 to 180 that lie within a range that may run on over the date line.
fn ranges_of_longitudes((low, high): (f64, f64)) -> Vec<(f64, f64)> {
    let (low, high) = (low - ROOM, high + ROOM);
    if high - low >= 360.0 {
        return Vec::new();
    }
    let turned = TURNS.into_iter().map(|turn| ((low + turn).max(-180.0), (high + turn).min(180.0)));
    turned.filter(|(low, high)| low <= high).collect()
}

/// The answers about pairs of degrees; no where one is missing or out of range.
fn each_position(args: &[ArrayRef], holds: impl Fn(f64, f64) -> bool) -> DfResult<ArrayRef> {
    let latitudes = cast(arg(args, 0)?, &DataType::Float64)?;
    let longitudes = cast(arg(args, 1)?, &DataType::Float64)?;
    let pairs = latitudes.as_primitive::<Float64Type>().iter();
    let pairs = pairs.zip(longitudes.as_primitive::<Float64Type>().iter());
    let answer = |(latitude, longitude): (Option<f64>, Option<f64>)| match (latitude, longitude) {
        (Some(latitude), Some(longitude)) => {
            let known = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
            Some(known && holds(latitude, longitude))
        }
        _ => Some(false),
    };
    Ok(Arc::new(pairs.map(answer).collect::<BooleanArray>()))
}

#[cfg(test)]
mod tests;
