//! The store made as small as it can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;

use crate::error::{Code, Error, Result};
use crate::predicate::Predicate;
use crate::store::{ProfileStore, TableEntry};

use super::super::Shared;
use super::super::evaluate::RunSources;
use super::super::reuse::Bound;
use super::super::work::bind;
use super::Tables;
use super::merge::{Work, joined};

/// The columns that rules ask about, by table.
type Asked = BTreeMap<Tables, BTreeSet<String>>;

impl Shared {
    /// Leaves one part to each block, with the columns that rules ask about, and nothing that is
    /// damaged or of no use.
    pub(in crate::engine) async fn compact(
        self: &Arc<Self>,
        store: &Arc<ProfileStore>,
    ) -> Result<()> {
        let rules = self.rules().await?;
        let ids: BTreeSet<i64> = rules.rules.iter().map(|parsed| parsed.row.id).collect();
        let asked = self.asked(&rules);
        let (shared, store) = (Arc::clone(self), Arc::clone(store));
        let done = tokio::task::spawn_blocking(move || {
            let writing = store.writing()?;
            let mut manifest = store.manifest()?;
            manifest.generation += 1;
            let tables = std::mem::take(&mut manifest.tables);
            for mut entry in tables {
                let Some(columns) = kept(&entry, asked.as_ref()) else { continue };
                let prefix = store.prefix(manifest.generation);
                let work = Work::new(&shared, &store, prefix, columns.clone());
                match compacted(&mut entry, &work, &columns) {
                    Ok(()) => manifest.tables.push(entry),
                    Err(error) if error.code() == Code::Damaged => {
                        tracing::warn!(table = entry.table, %error, "a stored table is left out");
                    }
                    Err(error) => return Err(error),
                }
            }
            manifest.runs.rules.retain(|id, _| ids.contains(id));
            store.commit(&manifest, &writing)
        });
        joined(done.await)?
    }

    /// What all rules together ask of events; nothing if that can't be told, because a rule or the
    /// model does not go with the tables as they are registered now.
    fn asked(self: &Arc<Self>, rules: &super::super::rule_store::Rules) -> Option<Asked> {
        let model = self.bound_for_run().ok()?;
        let each = rules.rules.iter();
        let bound: Bound =
            each.map(|parsed| (parsed.row.id, bind(parsed, rules, &model))).collect();
        let mut predicates: Vec<(&Predicate, Tz)> = Vec::new();
        for rule in bound.values() {
            let rule = rule.as_ref().ok()?;
            predicates.extend(rule.conditions.as_ref().map(|conditions| (conditions, rule.zone)));
        }
        let sources = RunSources::of(self, &model);
        let as_of = self.clock.now().timestamp_micros();
        let tables = sources.collected(&predicates, as_of).0.tables;
        let asked = tables.into_iter().map(|table| {
            let mut fields: BTreeSet<String> = table.fields.iter().cloned().collect();
            fields.insert(table.time.name.clone());
            (Tables::of_pass(&table), fields)
        });
        Some(asked.collect())
    }
}

/// The places of a table's columns that stay, the time's first; nothing if no rule asks about it.
fn kept(entry: &TableEntry, asked: Option<&Asked>) -> Option<Vec<usize>> {
    let Some(asked) = asked else { return Some((0..entry.columns.len()).collect()) };
    let asked = asked.get(&Tables::of_entry(entry))?;
    if entry.seen.cursor.is_some() {
        // Rows at its end are known by all that is stored of them.
        return Some((0..entry.columns.len()).collect());
    }
    let columns = entry.columns.iter().enumerate();
    Some(columns.filter(|(_, c)| asked.contains(&c.name)).map(|(place, _)| place).collect())
}

/// Makes one part of each block's parts.
fn compacted(entry: &mut TableEntry, work: &Work, columns: &[usize]) -> Result<()> {
    let all = columns.len() == entry.columns.len();
    for (block, parts) in entry.parts.iter_mut().enumerate() {
        if all && parts.len() < 2 {
            parts.iter().try_for_each(|part| work.store.verify(part))?;
            continue;
        }
        let taken = parts.len();
        if !work.merge(block, parts, taken)? {
            let message = format!("there is no memory to merge a block of {:?}", entry.table);
            return Err(Error::new(Code::OutOfMemory, message));
        }
    }
    let kept = columns.iter().filter_map(|place| entry.columns.get(*place)).cloned();
    entry.columns = kept.collect();
    for column in &entry.columns {
        if let Some((file, count)) = &column.words {
            work.store.verify_words(file, *count)?;
        }
    }
    Ok(())
}
