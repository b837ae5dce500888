//! Times of events as dialects order and count them. The engine maps every time to its instant;
//! SQL has no function for that which agrees with the language where clocks change, so that a
//! dialect stays on the clock that the columns share.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, lit, when};

use crate::error::Result;
use crate::model::gaps;
use crate::predicate::Span;

use super::flavor::elsewhere;
use super::functions::{instants, local_days};
use super::{Dialect, Flavor, Planner, internal};

/// What times of several columns have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Wall times of the model's zone.
    Wall,
    Instant,
}

/// More gaps of a zone than this are not written out.
const MANY_GAPS: usize = 200;

impl Clock {
    pub(super) fn data_type(self) -> DataType {
        let zone = (self == Clock::Instant).then(|| "UTC".into());
        DataType::Timestamp(TimeUnit::Microsecond, zone)
    }
}

impl Planner<'_> {
    /// The clock that columns of these types share, in a dialect.
    pub(super) fn clock(&self, types: &[&DataType]) -> Result<Clock> {
        let zoned = |t: &&&DataType| matches!(t, DataType::Timestamp(_, Some(_)));
        match types.iter().filter(zoned).count() {
            0 => Ok(Clock::Wall),
            count if count == types.len() || self.model.zone == chrono_tz::Tz::UTC => {
                Ok(Clock::Instant)
            }
            _ => self.flavor.cannot("times with a zone beside times without one"),
        }
    }

    /// Whether equal values of a time column are equal instants, and later ones later.
    pub(super) fn same_order(&self, data_type: &DataType) -> bool {
        match data_type {
            DataType::Timestamp(TimeUnit::Nanosecond, _) => false,
            DataType::Timestamp(_, Some(_)) => true,
            _ => self.model.zone == chrono_tz::Tz::UTC,
        }
    }

    /// A time of the span for ordering and counting: the column itself where that will do.
    pub(super) fn event_time(
        &self,
        time: Expr,
        data_type: &DataType,
        several: Option<Clock>,
        span: Span,
    ) -> Result<Expr> {
        match self.flavor {
            Flavor::Engine if several.is_none() && self.same_order(data_type) => Ok(time),
            Flavor::Engine => Ok(instants(time, self.model.zone)),
            Flavor::Text(_) => {
                let clock = several.map_or_else(|| self.clock(&[data_type]), Ok)?;
                self.on_clock(time, data_type, clock, span)
            }
        }
    }

    /// A time in microseconds of a clock, where equal values are equal instants.
    pub(super) fn on_clock(
        &self,
        time: Expr,
        data_type: &DataType,
        clock: Clock,
        span: Span,
    ) -> Result<Expr> {
        let time = self.in_micros(time, data_type)?;
        let utc = self.model.zone == chrono_tz::Tz::UTC;
        match (data_type, clock, self.flavor) {
            (DataType::Timestamp(_, Some(_)), _, _) => Ok(time),
            (_, Clock::Wall, _) => self.without_gaps(time, span),
            // The text of both is the same in UTC.
            (_, Clock::Instant, Flavor::Text(Dialect::Sqlite)) if utc => Ok(time),
            (_, Clock::Instant, Flavor::Text(Dialect::DuckDb)) if utc => {
                let args = vec![lit("UTC"), time];
                Ok(elsewhere("timezone", args, clock.data_type()))
            }
            _ => self.flavor.cannot("times with a zone beside times without one"),
        }
    }

    /// A time in microseconds, rounded down.
    fn in_micros(&self, time: Expr, data_type: &DataType) -> Result<Expr> {
        let zoned = matches!(data_type, DataType::Timestamp(_, Some(_)));
        let wanted = if zoned { Clock::Instant } else { Clock::Wall }.data_type();
        match (self.flavor, data_type) {
            (Flavor::Text(Dialect::Sqlite), DataType::Date32) => {
                Ok(binary_expr(time, Operator::StringConcat, lit(" 00:00:00.000000")))
            }
            // A function of text hides the column's type, by which DataFusion would add casts.
            (Flavor::Text(Dialect::Sqlite), _) => {
                Ok(elsewhere("substr", vec![time, lit(1i64)], DataType::Utf8))
            }
            (Flavor::Text(Dialect::DuckDb), DataType::Timestamp(TimeUnit::Nanosecond, _)) => {
                let name = if zoned { "floor_to_instant" } else { "floor_to_micros" };
                Ok(elsewhere(name, vec![time], wanted))
            }
            (_, DataType::Timestamp(TimeUnit::Nanosecond, _)) => {
                self.flavor.cannot("times below the microsecond")
            }
            (_, own) if *own == wanted || zoned => Ok(time),
            _ => Ok(cast(time, wanted)),
        }
    }

    /// A wall time; one that the model's zone skipped becomes the end of its gap, as they are one
    /// instant.
    fn without_gaps(&self, time: Expr, span: Span) -> Result<Expr> {
        let gaps = gaps(self.model.zone, span.start, span.end);
        if gaps.is_empty() {
            return Ok(time);
        }
        if gaps.len() > MANY_GAPS {
            return self.flavor.cannot("times in a zone whose clocks change so often");
        }
        let wall = |at| self.literal(ScalarValue::TimestampMicrosecond(Some(at), None));
        let mut branches = gaps.into_iter().map(|(start, end)| {
            let inside = time.clone().gt_eq(wall(start)).and(time.clone().lt(wall(end)));
            (inside, wall(end))
        });
        let Some((inside, end)) = branches.next() else { return Ok(time.clone()) };
        let mut cases = when(inside, end);
        for (inside, end) in branches {
            cases = cases.when(inside, end);
        }
        cases.otherwise(time.clone()).map_err(internal)
    }

    /// The day in the rule's zone of a time as [`Planner::event_time`] gives it.
    pub(super) fn day(&self, time: &Expr, types: &[&DataType]) -> Result<Expr> {
        let dialect = match self.flavor {
            Flavor::Engine if types.len() > 1 => return Ok(local_days(time.clone(), self.zone)),
            Flavor::Engine => {
                return Ok(local_days(instants(time.clone(), self.model.zone), self.zone));
            }
            Flavor::Text(dialect) => dialect,
        };
        let clock = self.clock(types)?;
        let wall = match (dialect, clock) {
            // A wall time that is in no gap is the first of its name.
            (_, Clock::Wall) if self.zone == self.model.zone => time.clone(),
            (Dialect::Sqlite, _) if self.zone == chrono_tz::Tz::UTC && clock == Clock::Instant => {
                time.clone()
            }
            (Dialect::DuckDb, Clock::Instant) => {
                let args = vec![lit(self.zone.name()), time.clone()];
                elsewhere("timezone", args, Clock::Wall.data_type())
            }
            (Dialect::DuckDb, Clock::Wall) if self.model.zone == chrono_tz::Tz::UTC => {
                let args = vec![lit("UTC"), time.clone()];
                let instant = elsewhere("timezone", args, Clock::Instant.data_type());
                let args = vec![lit(self.zone.name()), instant];
                elsewhere("timezone", args, Clock::Wall.data_type())
            }
            _ => return self.flavor.cannot("days in another time zone"),
        };
        Ok(match dialect {
            Dialect::Sqlite => {
                elsewhere("substr", vec![wall, lit(1i64), lit(10i64)], DataType::Utf8)
            }
            _ => cast(wall, DataType::Date32),
        })
    }
}
