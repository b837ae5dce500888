//! Collects the metrics of many rules into one plan, each thing once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::datatypes::DataType;
use chrono_tz::Tz;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

use crate::error::Result;
use crate::model::{BoundModel, Column};
use crate::predicate::{Atom, Metric, Predicate, Source, Span, Test};

use super::super::expr::{plain, plain_type};
use super::super::metric_type::result_type;
use super::super::stream::Streams;
use super::super::{Flavor, PlanSources, Planner, named};
use super::asked::metric_of;
use super::codes::Needs;
use super::draft::{DraftStream, Read, Slots};
use super::fields::Field;
use super::sequences::DraftSequences;
use super::{
    Asked, Coded, PassCompare, PassFilter, PassKept, PassPlan, PassStream, PassTable, PassValue,
    Reading, text_column,
};

/// The number of an atom in the plan.
pub(crate) type Placed = usize;

/// So many fields of one table are kept with each event; metrics of more are not shared.
const MAX_VALUES: usize = 16;

/// Gathers atoms, and makes the plan of them.
pub(crate) struct Collector<'a> {
    pub(super) model: &'a BoundModel,
    sources: &'a dyn PlanSources,
    /// Microseconds since 1970.
    pub(super) as_of: i64,
    tables: Vec<DraftTable>,
    pub(super) streams: Vec<DraftStream>,
    streams_by: HashMap<Vec<(usize, usize)>, usize>,
    pub(super) sequences: DraftSequences,
    pub(super) kept: Vec<PassKept>,
    pub(super) compares: Vec<(PassCompare, Placed)>,
    text_tests: Vec<Expr>,
    atoms: usize,
}

struct DraftTable {
    name: String,
    user: Column,
    time: Column,
    filters: Vec<(Option<Expr>, Predicate, Tz)>,
    filters_by: HashMap<Option<Expr>, usize>,
    values: Vec<PassValue>,
    values_by: HashMap<Expr, usize>,
    /// The columns that fields are made of.
    columns: BTreeSet<String>,
    key: Expr,
}

/// The table and filter of each source of a metric.
type Members = Vec<(usize, usize)>;

/// Where a metric is read, and the type of its value.
type Place = (usize, Span, Reading, DataType);

impl<'a> Collector<'a> {
    pub(crate) fn new(model: &'a BoundModel, sources: &'a dyn PlanSources, as_of: i64) -> Self {
        Collector {
            model,
            sources,
            as_of,
            tables: Vec::new(),
            streams: Vec::new(),
            streams_by: HashMap::new(),
            sequences: DraftSequences::default(),
            kept: Vec::new(),
            compares: Vec::new(),
            text_tests: Vec::new(),
            atoms: 0,
        }
    }

    pub(super) fn planner(&self, zone: Tz) -> Planner<'a> {
        let (model, sources, as_of) = (self.model, self.sources, self.as_of);
        Planner { model, sources, as_of, zone, flavor: Flavor::Engine }
    }

    /// Takes a part of a rule in, and answers its number; nothing if it does not ask of events what
    /// the pass can compute.
    pub(crate) fn add(&mut self, part: &Predicate, zone: Tz) -> Result<Option<Placed>> {
        match part {
            Predicate::Atom(atom) => self.atom(atom, zone),
            Predicate::Compare { left, operator, right, fold } => {
                self.compare(left, *operator, right, (*fold, zone))
            }
            Predicate::Sequence(sequence) => self.sequence(sequence, zone),
            _ => Ok(None),
        }
    }

    fn atom(&mut self, atom: &Atom, zone: Tz) -> Result<Option<Placed>> {
        let Some(metric) = metric_of(&atom.value) else { return Ok(None) };
        let planner = self.planner(zone);
        let result = result_type(metric, Flavor::Engine);
        let asked = match &atom.test {
            Test::Text { test, fold } => {
                let test = planner.text(text_column(), test, *fold)?;
                Some(Asked::Text { test: self.text_test(test), negated: atom.negated })
            }
            _ => planner.asked(atom, metric, &result),
        };
        let Some(asked) = asked else { return Ok(None) };
        let Some((stream, span, reading, _)) = self.read(metric, zone)? else { return Ok(None) };
        let Some(stream) = self.streams.get_mut(stream) else { return Ok(None) };
        Ok(Some(stream.ask(span, reading, asked, &mut self.atoms)))
    }

    /// Where a metric is read: in which stream, between which instants and from which measures; and
    /// the type of its value. Nothing if the pass can't compute it.
    pub(super) fn read(&mut self, metric: &Metric, zone: Tz) -> Result<Option<Place>> {
        let planner = self.planner(zone);
        let Some(fields) = planner.fields(metric)? else { return Ok(None) };
        let sources: Vec<&Source> = metric.sources.iter().collect();
        let Some(members) = self.members(&sources, &planner)? else { return Ok(None) };
        let mut slots = |fields: &Option<Vec<Field>>, texts: bool| match fields {
            None => Some(None),
            Some(fields) => self.slots(&members, fields, texts).map(Some),
        };
        let Some(values) = slots(&fields.values, fields.texts) else { return Ok(None) };
        let Some(times) = slots(&fields.times, false) else { return Ok(None) };
        let place = self.stream(members);
        let Some(stream) = self.streams.get_mut(place) else { return Ok(None) };
        let span = planner.span(&metric.windows);
        let read = Read { values, times, texts: fields.texts };
        let reading = stream.reading(metric.aggregate, &read, &fields.result);
        Ok(Some((place, span, reading, fields.result)))
    }

    /// The number of one more atom.
    pub(super) fn next_atom(&mut self) -> Placed {
        self.atoms += 1;
        self.atoms - 1
    }

    /// The number of a test of a text.
    fn text_test(&mut self, test: Expr) -> usize {
        if let Some(known) = self.text_tests.iter().position(|known| *known == test) {
            return known;
        }
        self.text_tests.push(test);
        self.text_tests.len() - 1
    }

    /// The number of the stream of those members.
    pub(super) fn stream(&mut self, members: Members) -> usize {
        *self.streams_by.entry(members.clone()).or_insert_with(|| {
            self.streams.push(DraftStream::of(members));
            self.streams.len() - 1
        })
    }

    /// The tables of sources, each with the filter on it.
    pub(super) fn members(
        &mut self,
        sources: &[&Source],
        planner: &Planner<'_>,
    ) -> Result<Option<Members>> {
        let mut members = Vec::with_capacity(sources.len());
        for source in sources {
            let filter = match &source.filter {
                Predicate::Const(true) => None,
                filter => Some(planner.predicate(filter, false, &Streams::none())?),
            };
            let place = self.table(source, planner);
            let Some(table) = self.tables.get_mut(place) else { return Ok(None) };
            let next = table.filters.len();
            let number = *table.filters_by.entry(filter.clone()).or_insert(next);
            if number == next {
                table.filters.push((filter, source.filter.clone(), planner.zone));
            }
            members.push((place, number));
        }
        Ok(Some(members))
    }

    fn table(&mut self, source: &Source, planner: &Planner<'_>) -> usize {
        let same = |table: &DraftTable| {
            (&table.name, &table.user.name, &table.time.name)
                == (&source.table, &source.user.name, &source.time.name)
        };
        if let Some(known) = self.tables.iter().position(same) {
            return known;
        }
        self.tables.push(DraftTable {
            name: source.table.clone(),
            user: source.user.clone(),
            time: source.time.clone(),
            filters: Vec::new(),
            filters_by: HashMap::new(),
            values: Vec::new(),
            values_by: HashMap::new(),
            columns: BTreeSet::new(),
            key: planner.event_user(source),
        });
        self.tables.len() - 1
    }

    /// The places of fields in their tables.
    pub(super) fn slots(
        &mut self,
        members: &[(usize, usize)],
        fields: &[Field],
        texts: bool,
    ) -> Option<Slots> {
        let mut slots = Vec::with_capacity(members.len());
        for ((place, _), (column, expr)) in members.iter().zip(fields) {
            let table = self.tables.get_mut(*place)?;
            let next = table.values.len();
            let slot = *table.values_by.entry(expr.clone()).or_insert(next);
            if slot == next {
                if slot == MAX_VALUES {
                    table.values_by.remove(expr);
                    return None;
                }
                table.values.push(PassValue { expr: expr.clone(), texts: false });
                table.columns.insert(column.clone());
            }
            table.values.get_mut(slot)?.texts |= texts;
            slots.push(slot);
        }
        Some(slots)
    }

    /// The plan of all atoms that were taken in.
    pub(crate) fn finish(self) -> PassPlan {
        let spans = self.streams.iter().flat_map(DraftStream::spans).chain(self.sequences.spans());
        let spans: Vec<Span> = spans.filter(|span| span.start < span.end).collect();
        let edges = spans.iter().flat_map(|span| [span.start, span.end]);
        let edges: BTreeSet<i64> = edges.filter(|edge| *edge != i64::MIN).collect();
        let edges: Vec<i64> = edges.into_iter().collect();
        let open = spans.iter().any(|span| span.start == i64::MIN);
        let planner = |zone| self.planner(zone);
        let tables = self.tables.iter().map(|table| table.finished(&planner, &edges, open));
        let streams = self.streams.iter().map(|stream| stream.finished(&edges));
        let mut streams: Vec<PassStream> = streams.collect();
        PassPlan {
            tables: tables.collect(),
            sequences: self.sequences.finished(&edges, &mut streams),
            streams,
            kept: self.kept.clone(),
            compares: self.compares.clone(),
            text_tests: self.text_tests.clone(),
            atoms: self.atoms,
            buckets: edges.len(),
        }
    }
}

impl DraftTable {
    fn finished<'a>(
        &self,
        planner: &impl Fn(Tz) -> Planner<'a>,
        edges: &[i64],
        open: bool,
    ) -> PassTable {
        let time_type = plain_type(&self.time.data_type);
        let utc = planner(Tz::UTC);
        let bound = |edge: &i64| {
            // An instant that the unit can't hold lies before or after all that it can.
            let beyond = if *edge < 0 { i64::MIN } else { i64::MAX };
            utc.raw_bound(&time_type, *edge).unwrap_or(beyond)
        };
        let mut needs = Needs::new();
        let decided: Vec<Option<BTreeSet<String>>> = self
            .filters
            .iter()
            .map(|(_, filter, zone)| planner(*zone).decided_by(filter, &mut needs))
            .collect();
        let places: BTreeMap<&String, usize> = needs.keys().zip(0..).collect();
        let place = |name: &String| places.get(name).copied();
        let filters = self.filters.iter().zip(&decided).map(|((expr, ..), names)| PassFilter {
            expr: expr.clone(),
            by: names.as_ref().map(|names| names.iter().filter_map(place).collect()),
        });
        let filters = filters.collect();
        let mut columns = self.columns.clone();
        columns.insert(self.time.name.clone());
        for (_, filter, _) in &self.filters {
            columns.extend(filter.columns().into_iter().map(|column| column.name.clone()));
        }
        let fields = columns.iter().cloned().collect();
        columns.insert(self.user.name.clone());
        let time = plain(named(&self.name, &self.time.name), &self.time.data_type);
        let start = if open { i64::MIN } else { edges.first().copied().unwrap_or(i64::MAX) };
        let end = edges.last().copied().unwrap_or(i64::MAX);
        PassTable {
            name: self.name.clone(),
            span: utc.in_span(time, &self.time.data_type, Span { start, end }),
            columns: columns.into_iter().collect(),
            fields,
            user: self.key.clone(),
            user_column: self.user.name.clone(),
            time: self.time.clone(),
            bounds: edges.iter().map(bound).collect(),
            open,
            filters,
            coded: needs
                .into_values()
                .map(|need| {
                    let cuts = need.cuts.map(|cuts| cuts.into_iter().collect());
                    Coded { column: need.column, cuts }
                })
                .collect(),
            values: self.values.clone(),
        }
    }
}

/// A time as the whole number that its column holds.
pub(super) fn whole_scalar(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Date32(value) => value.map(i64::from),
        ScalarValue::TimestampSecond(value, _)
        | ScalarValue::TimestampMillisecond(value, _)
        | ScalarValue::TimestampMicrosecond(value, _)
        | ScalarValue::TimestampNanosecond(value, _) => *value,
        _ => None,
    }
}
