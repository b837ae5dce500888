//! Stage 4: predicates -> DataFusion's [`LogicalPlan`]s, built through the API and never from text.
//!
//! A rule is one plan: the users, joined by key to one aggregate of events for each *stream* (the
//! same tables, filter and window), and a filter on top. It comes in two [`Flavor`]s that mean the
//! same: the engine's, whose functions are exact and carry bitmaps and large sets inside them, and
//! a dialect's, which holds plain functions only and can be written out as SQL.

mod compare;
mod exact;
mod exact_sum;
mod explained;
mod expr;
mod flavor;
mod folding;
mod functions;
mod lists;
mod literals;
mod metric_type;
mod moved;
mod native;
mod quoting;
mod rank;
mod regular;
mod sequence;
mod shared;
mod special;
mod sql;
mod steps;
mod stream;
mod times;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use datafusion::common::{Column as ColumnName, JoinType, Result as DfResult, TableReference};
use datafusion::datasource::{TableProvider, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};

use crate::error::{Code, Error, Problem, Result};
use crate::model::{BoundModel, Key};
use crate::predicate::{Predicate, Value};

pub(crate) use exact::ratio_is_within;
pub(crate) use expr::{is_text, plain_type};
pub use flavor::Dialect;
pub(crate) use flavor::Flavor;
pub(crate) use functions::external;
pub(crate) use rank::{Cutoff, RankColumns, Ranked, first_of, rank_order};
pub(crate) use shared::{
    Asked, Coded, Collector, Comparable, MeasureKind, PassCompare, PassFilter, PassKept,
    PassMetric, PassPlan, PassSequence, PassStream, PassTable, Reading, ordered, unordered,
};
pub(crate) use sql::to_sql;

use stream::Streams;

/// Looks up members by key: never null.
pub(crate) type Contains = Arc<dyn Fn(&ArrayRef) -> DfResult<BooleanArray> + Send + Sync>;

/// What a plan needs to know besides the predicate.
pub(crate) trait PlanSources: Send + Sync {
    /// The registered table of that name.
    fn table(&self, name: &str) -> Result<Arc<dyn TableProvider>>;

    /// The members of a rule's segment in this run.
    fn members(&self, rule: i64) -> Result<Contains>;

    /// The only users that the caller asks about; all if there is nothing.
    fn among(&self) -> Option<Contains>;

    /// The only user that the caller asks about, if it is one.
    fn only(&self) -> Option<Key>;
}

/// Builds plans for one model at one `as_of`.
pub(crate) struct Planner<'a> {
    pub(crate) model: &'a BoundModel,
    pub(crate) sources: &'a dyn PlanSources,
    /// Microseconds since 1970.
    pub(crate) as_of: i64,
    /// The zone of the rule's windows.
    pub(crate) zone: chrono_tz::Tz,
    pub(crate) flavor: Flavor,
}

/// The name of the key column in every plan's output.
pub(crate) const KEY: &str = "user_key";

pub(crate) fn table_name(name: &str) -> TableReference {
    TableReference::bare(name)
}

/// A column by its exact name.
pub(crate) fn named(table: &str, name: &str) -> Expr {
    Expr::Column(ColumnName::new(Some(table_name(table)), name))
}

impl Planner<'_> {
    /// The keys of the users for whom the predicate holds, one column.
    pub(crate) fn members(&self, predicate: &Predicate) -> Result<LogicalPlan> {
        self.refuse_unsupported(predicate)?;
        if self.flavor == Flavor::Text(Dialect::Sqlite) {
            sql::refuse_in_sqlite(predicate)?;
        }
        let streams = Streams::of(&[predicate]);
        let builder = self.joined(&streams)?;
        let filter = self.predicate(predicate, false, &streams)?;
        let builder = match predicate {
            Predicate::Const(true) => builder,
            _ => builder.filter(filter).map_err(internal)?,
        };
        let plan = builder.project([self.key()]).map_err(internal)?;
        plan.build().map_err(internal)
    }

    /// Every user's key and, for each predicate in turn, whether it holds: columns `p0`, `p1`, …
    pub(crate) fn truths(&self, predicates: &[&Predicate]) -> Result<LogicalPlan> {
        predicates.iter().try_for_each(|predicate| self.refuse_unsupported(predicate))?;
        let streams = Streams::of(predicates);
        let builder = self.joined(&streams)?;
        let mut columns = vec![self.key()];
        for (index, predicate) in predicates.iter().enumerate() {
            let truth = self.predicate(predicate, false, &streams)?;
            columns.push(truth.is_true().alias(format!("p{index}")));
        }
        builder.project(columns).map_err(internal)?.build().map_err(internal)
    }

    /// Whether a predicate that asks nothing of events holds, over the columns of the users.
    pub(crate) fn of_user(&self, predicate: &Predicate) -> Result<Expr> {
        Ok(self.predicate(predicate, false, &Streams::none())?.is_true())
    }

    fn key(&self) -> Expr {
        let key = named(&self.model.table, &self.model.key.name);
        match self.flavor {
            Flavor::Engine => key.alias(KEY),
            Flavor::Text(_) => key,
        }
    }

    /// The users with every stream's aggregates beside them.
    fn joined(&self, streams: &Streams) -> Result<LogicalPlanBuilder> {
        let users = self.sources.table(&self.model.table)?;
        let name = table_name(&self.model.table);
        let mut builder =
            LogicalPlanBuilder::scan(name, provider_as_source(users), None).map_err(internal)?;
        let key = named(&self.model.table, &self.model.key.name);
        if let Some(asked) = self.asked_about(key.clone()) {
            builder = builder.filter(asked).map_err(internal)?;
        }
        for (index, stream) in streams.iter().enumerate() {
            let aggregated = self.stream(stream, index)?;
            let on = vec![key.clone().eq(stream::user_of(index))];
            builder = builder.join_on(aggregated, JoinType::Left, on).map_err(internal)?;
        }
        for (index, sequence) in streams.sequences().iter().enumerate() {
            let did = self.sequence(sequence, index)?;
            let on = vec![key.clone().eq(steps::user_of(index))];
            builder = builder.join_on(did, JoinType::Left, on).map_err(internal)?;
        }
        Ok(builder)
    }

    /// What no dialect says exactly; the engine's flavor says everything, ranks as members of what
    /// was selected before.
    fn refuse_unsupported(&self, predicate: &Predicate) -> Result<()> {
        match self.flavor {
            Flavor::Engine => Ok(()),
            Flavor::Text(dialect) => refuse_in_sql(predicate, dialect),
        }
    }

    /// Whether the user of a key is one of those asked about, if not all are.
    fn asked_about(&self, key: Expr) -> Option<Expr> {
        if self.flavor != Flavor::Engine {
            return None;
        }
        // A comparison, unlike a function, is seen by the scan.
        if let Some(only) = self.sources.only() {
            return Some(match only {
                Key::Int(only) => key.eq(lit(only)),
                Key::Text(only) => key.eq(lit(only)),
            });
        }
        let among = self.sources.among()?;
        Some(functions::is_member(key, "among".to_owned(), among))
    }
}

/// A fault of planning that no document can cause.
pub(crate) fn internal(error: datafusion::error::DataFusionError) -> Error {
    Error::new(Code::Internal, format!("planning failed: {error}")).caused_by(error)
}

/// Refuses the forms of the language that are not said in SQL.
fn refuse_in_sql(predicate: &Predicate, dialect: Dialect) -> Result<()> {
    let mut found = None;
    predicate.walk(&mut |node| {
        let what = match node {
            Predicate::Rank { .. } => "top and bottom",
            Predicate::Within { .. } | Predicate::Positioned { .. } => "places",
            Predicate::Sequence(_) => "sequences",
            _ if node.values_here().iter().any(|v| matches!(v, Value::Bucket { .. })) => "buckets",
            _ => return,
        };
        found.get_or_insert(what);
    });
    match found {
        None => Ok(()),
        Some(what) => {
            let message = format!("{what} are not said in the SQL of {dialect}");
            Err(Error::from(Problem::new(Code::Unsupported, "/conditions", message)))
        }
    }
}

/// Joins expressions by a balanced tree, because a chain of thousands overflows a stack.
pub(crate) fn balanced(mut parts: Vec<Expr>, and: bool) -> Expr {
    match parts.len() {
        0 => lit(and),
        1 => parts.pop().unwrap_or_else(|| lit(and)),
        count => {
            let right = parts.split_off(count / 2);
            let (left, right) = (balanced(parts, and), balanced(right, and));
            if and { left.and(right) } else { left.or(right) }
        }
    }
}
