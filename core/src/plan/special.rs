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
            Area::Ring { polygon, bounds } => {
                let turns = [-720.0, -360.0, 0.0, 360.0, 720.0].into_iter();
                turns
                    .map(|turn| Point::new(longitude + turn, latitude))
                    .any(|point| bounds.intersects(&point) && polygon.intersects(&point))
            }
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

    /// Whether a known position lies in a place; never null. A latitude that can't be is refused
    /// before any distance is worked out, and by the least and the greatest of a file's columns.
    pub(super) fn within(&self, latitude: &Column, longitude: &Column, place: &Place) -> Expr {
        let args = vec![self.degrees(latitude), self.degrees(longitude)];
        let (low, high) = latitudes(place);
        let (identity, area) = (format!("{place:?}"), Area::of(place));
        let within = call("within", identity, args.clone(), DataType::Boolean, move |args, _| {
            each_position(args, |latitude, longitude| area.holds(latitude, longitude))
        });
        let bounds = args.into_iter().next().map_or_else(Vec::new, |latitude| {
            vec![latitude.clone().gt_eq(lit(low)), latitude.lt_eq(lit(high))]
        });
        balanced(bounds.into_iter().chain([within]).collect(), true)
    }
}

/// Between which latitudes all points of a place lie, with room to spare.
fn latitudes(place: &Place) -> (f64, f64) {
    match place {
        Place::Circle { latitude, radius, .. } => {
            let reach = radius.metres() / METRES_PER_DEGREE + 1e-6;
            (latitude - reach, latitude + reach)
        }
        Place::Polygon(ring) => ring
            .iter()
            .fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y))),
    }
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
mod tests {
    use super::*;

    fn circle(latitude: f64, longitude: f64, km: i64) -> Area {
        let radius = crate::rule::Radius { length: km.into(), unit: "km" };
        Area::of(&Place::Circle { latitude, longitude, radius })
    }

    #[test]
    fn circles_by_known_distances() {
        // Mumbai to Delhi is 1,148 km by the great circle.
        let (inside, outside) = (circle(19.076, 72.877, 1_149), circle(19.076, 72.877, 1_147));
        assert!(inside.holds(28.6139, 77.209) && !outside.holds(28.6139, 77.209));
        // Half a circumference: everyone is within it, wherever the centre is.
        assert!(circle(90.0, 0.0, 20_016).holds(-90.0, 123.0));
        // Near a pole, longitude says little.
        assert!(circle(89.99, 0.0, 3).holds(89.99, 180.0));
        // Across the date line.
        assert!(circle(-17.0, 179.9, 25).holds(-17.0, -179.9));
        assert!(!circle(-17.0, 179.9, 20).holds(-17.0, -179.9));
    }

    #[test]
    fn rings_with_their_edges_and_across_the_date_line() {
        let square =
            Area::of(&Place::Polygon(vec![(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]));
        for (latitude, longitude) in [(0.0, 0.0), (5.0, 10.0), (10.0, 3.0), (5.0, 5.0)] {
            assert!(square.holds(latitude, longitude), "{latitude} {longitude}");
        }
        assert!(!square.holds(10.000_001, 5.0) && !square.holds(5.0, -0.000_001));
        let fiji = Area::of(&Place::Polygon(vec![
            (177.0, -20.0),
            (-178.0, -20.0),
            (-178.0, -15.0),
            (177.0, -15.0),
        ]));
        assert!(fiji.holds(-17.0, 179.0) && fiji.holds(-17.0, -179.0) && fiji.holds(-17.0, 180.0));
        assert!(!fiji.holds(-17.0, 0.0) && !fiji.holds(-17.0, 176.0));
    }

    #[test]
    fn buckets_are_for_good() {
        // xxh64("autumn-test:42") and others, by the reference implementation.
        let all: Vec<i64> = (0..100_000).map(|key| bucket_of("autumn-test", key)).collect();
        let mut counts = [0f64; 100];
        all.iter().for_each(|bucket| counts[*bucket as usize] += 1.0);
        let chi: f64 = counts.iter().map(|count| (count - 1_000.0).powi(2) / 1_000.0).sum();
        // 99 degrees of freedom: above 148.2 once in a thousand times by chance.
        assert!(chi < 148.2, "{chi}");
        assert_ne!(all, (0..100_000).map(|key| bucket_of("spring", key)).collect::<Vec<_>>());
    }
}
