//! The plan of the shared pass: what the metrics of many rules ask of the same events, said once.
//!
//! ```text
//! atom   -> metric   an aggregate between two edges of time       (asked.rs: what of its value)
//! metric -> measure  a count, a sum or an extreme of a stream     (collect.rs)
//! measure -> stream  the events of some tables, each under a filter
//! filter -> classes  the filters that an event passes, all at once (codes.rs: by which columns)
//! ```
//!
//! Everything is held once: two rules that ask the same share a cell. The windows of all metrics
//! are cut at one ascending list of instants, so that an event's *bucket*, the number of cuts at or
//! before it, tells which windows it lies in.

mod asked;
mod codes;
mod collect;

use std::ops::Bound;

use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;

use crate::document::Number;
use crate::model::Column;

pub(crate) use asked::{ordered, unordered};
pub(crate) use collect::Collector;

/// What is computed by one pass over the events.
#[derive(Debug, Default)]
pub(crate) struct PassPlan {
    pub(crate) tables: Vec<PassTable>,
    pub(crate) streams: Vec<PassStream>,
    /// How many atoms there are; they are numbered from 0.
    pub(crate) atoms: usize,
    /// How many buckets events fall in: those at or after the last edge are in none.
    pub(crate) buckets: usize,
}

/// One table of events, read once.
#[derive(Debug)]
pub(crate) struct PassTable {
    pub(crate) name: String,
    /// The columns that are read: the user's, and what is known of its events.
    pub(crate) columns: Vec<String>,
    /// The same without the user's, unless that is asked about, too.
    pub(crate) fields: Vec<String>,
    /// The user's key as the population has it, and the column that it is made of.
    pub(crate) user: Expr,
    pub(crate) user_column: String,
    pub(crate) time: Column,
    /// The edges in the time column's own unit, ascending: an event is at or after an edge if its
    /// raw time is at or above the edge's bound.
    pub(crate) bounds: Vec<i64>,
    /// Whether a window is open towards the past, so that events before all edges count.
    pub(crate) open: bool,
    /// The times that any window holds, by which a scan may leave files out.
    pub(crate) span: Vec<Expr>,
    pub(crate) filters: Vec<PassFilter>,
    pub(crate) coded: Vec<Coded>,
    /// The fields that are aggregated, as [`whole`](super::metric_type) numbers of 64 bits.
    pub(crate) values: Vec<PassValue>,
}

/// Which events of a table a stream takes.
#[derive(Debug)]
pub(crate) struct PassFilter {
    /// Nothing where all events are taken.
    pub(crate) expr: Option<Expr>,
    /// The coded columns that decide it; nothing where it is asked of every event by itself.
    pub(crate) by: Option<Vec<usize>>,
}

/// A column that filters look at. Events with equal codes pass the same filters.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(crate) column: Column,
    /// The values at which the outcome of a test can change, ascending; of a column without such,
    /// every value has a code of its own.
    pub(crate) cuts: Option<Vec<i64>>,
}

/// A field of events.
#[derive(Debug)]
pub(crate) struct PassValue {
    pub(crate) expr: Expr,
    pub(crate) data_type: DataType,
    /// Whether extremes of it are asked for, which the two ends of the 64-bit range stand for
    /// where there is none.
    pub(crate) extreme: bool,
    pub(crate) summed: bool,
}

/// Events that the same metrics look at: of one or more tables, each under one filter. An event
/// that several members take counts as often.
#[derive(Debug)]
pub(crate) struct PassStream {
    /// Table and filter.
    pub(crate) members: Vec<(usize, usize)>,
    pub(crate) measures: Vec<Measure>,
    pub(crate) metrics: Vec<PassMetric>,
    /// For each bucket the row of the stream's own tables that it is added to, if any: only the
    /// edges of its own metrics part them.
    pub(crate) rows: Vec<Option<u16>>,
    /// How many rows there are.
    pub(crate) height: usize,
    /// For each measure whether all metrics that read it reach to the last row: then extremes can
    /// be added up like totals.
    pub(crate) to_the_end: Vec<bool>,
}

/// A number per user and row of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Measure {
    pub(crate) kind: MeasureKind,
    /// The value's place in its table for each member; none for a count of events.
    pub(crate) slots: Option<Vec<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MeasureKind {
    Count,
    Sum,
    Least,
    Greatest,
}

/// An aggregate of a stream's rows from `start` (inclusive) to `end` (exclusive).
#[derive(Debug)]
pub(crate) struct PassMetric {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) reading: Reading,
    /// The atoms on it by their numbers.
    pub(crate) atoms: Vec<(usize, Asked)>,
}

/// How a metric's value is read from measures, by their places in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reading {
    /// A count or a sum: zero where there is nothing.
    Total(usize),
    /// An average: the sum, the count, and the digits that the sum has after its point.
    Ratio(usize, usize, i8),
    /// A least or greatest value: missing where there is nothing.
    Extreme(usize),
}

/// What is asked of a metric's value; false where the value is missing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    Present,
    /// Within one of the inclusive ranges, ascending and disjoint; or, negated, within none.
    Within {
        ranges: Vec<(i64, i64)>,
        negated: bool,
    },
    /// The same of an average.
    RatioWithin {
        ranges: Vec<(Bound<Number>, Bound<Number>)>,
        negated: bool,
    },
}
