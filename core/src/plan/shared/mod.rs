//! The plan of the shared pass: what the metrics of many rules ask of the same events, said once.
//!
//! ```text
//! atom   -> metric   an aggregate between two edges of time       (asked.rs: what of its value)
//! metric -> measure  a number for each stretch of time of a stream (fields.rs: of what, draft.rs)
//! measure -> stream  the events of some tables, each under a filter
//! filter -> classes  the filters that an event passes, all at once (codes.rs: by which columns)
//! sequence           a stream for each step                       (sequences.rs)
//! comparison         two metrics, or one and a column of users    (compare.rs)
//! ```
//!
//! Everything is held once: two rules that ask the same share a cell. The windows of all metrics
//! are cut at one ascending list of instants, so that an event's *bucket*, the number of cuts at or
//! before it, tells which windows it lies in.

mod asked;
mod codes;
mod collect;
mod compare;
mod draft;
mod fields;
mod sequences;

use std::ops::Bound;

use datafusion::logical_expr::Expr;

use crate::document::Number;
use crate::model::Column;

use super::sequence::Steps;

pub(crate) use asked::{ordered, unordered};
pub(crate) use collect::Collector;
pub(crate) use compare::{Comparable, PassCompare, PassKept};

/// What is computed by one pass over the events.
#[derive(Debug, Default)]
pub(crate) struct PassPlan {
    pub(crate) tables: Vec<PassTable>,
    pub(crate) streams: Vec<PassStream>,
    pub(crate) sequences: Vec<PassSequence>,
    /// The values that are kept for comparisons, and these with their atoms.
    pub(crate) kept: Vec<PassKept>,
    pub(crate) compares: Vec<(PassCompare, usize)>,
    /// The tests of texts, on a [`text_column`].
    pub(crate) text_tests: Vec<Expr>,
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
#[derive(Clone, Debug)]
pub(crate) struct PassValue {
    pub(crate) expr: Expr,
    /// Whether it is a text that is looked at, and not only asked whether it is there.
    pub(crate) texts: bool,
}

/// The column that tests of texts are asked of.
pub(crate) fn text_column() -> Expr {
    super::named("texts", "text")
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
    /// What sequences need of it, if its events are steps of any.
    pub(crate) stepping: Option<Stepping>,
}

/// A stream's events as steps of sequences.
#[derive(Debug)]
pub(crate) struct Stepping {
    /// The place of the instant, in microseconds, for each member.
    pub(crate) times: Vec<usize>,
    /// The buckets that the windows of these sequences hold: the first, and the first after them.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Events in an order: one of each stream in turn.
#[derive(Debug)]
pub(crate) struct PassSequence {
    pub(crate) streams: Vec<usize>,
    pub(crate) steps: Steps,
    /// The buckets that events may be in: the first, and the first after them.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) atom: usize,
}

/// A number per user and row of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Measure {
    pub(crate) kind: MeasureKind,
    /// The value's place in its table for each member; none for a count of events.
    pub(crate) slots: Option<Vec<usize>>,
    /// Likewise of the time that orders the values.
    pub(crate) times: Option<Vec<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MeasureKind {
    Count,
    Sum,
    Least,
    Greatest,
    /// Distinct values, each at its latest event in the rows before this one.
    Distinct(usize),
    /// The value of the earliest or latest event, by time and then by value; by value alone where
    /// there are no times.
    End {
        last: bool,
        texts: bool,
    },
}

/// An aggregate of a stream's rows from `start` (inclusive) to `end` (exclusive).
#[derive(Debug)]
pub(crate) struct PassMetric {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) reading: Reading,
    /// The atoms on it by their numbers.
    pub(crate) atoms: Vec<(usize, Asked)>,
    /// Where its value is kept, if a comparison looks at it.
    pub(crate) kept: Option<usize>,
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
    /// A first or last value: missing where there is nothing.
    End(usize),
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
    /// That a text passes the test of that number, or, negated, does not.
    Text {
        test: usize,
        negated: bool,
    },
}
