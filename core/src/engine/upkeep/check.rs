//! Everything that is kept, read once and held against what it should be, piece by piece.

use roaring::RoaringBitmap;

use crate::catalog::{Catalog, Check, Damage, Page, SegmentRow, VersionRow};
use crate::error::{Error, Result};
use crate::store::{Manifest, ProfileStore};

use super::super::SegmentEngine;
use super::super::members::read;
use super::super::profile::joined;
use super::super::rule_store::rule_of;
use super::super::segments::run_of;

/// So many entries of a list are read at once.
const PAGE: i64 = 64;

/// How a segment is mended.
const REFRESH: &str = "refresh the rule: the next version does not lean on this one";
/// How an earlier version is got rid of.
const VACUUM: &str = "it can't be mended; `vacuum` drops it once it is not among those to be kept";
/// How the profile store is mended.
const REBUILD: &str = "the next refresh that needs it makes it anew from the sources; `compact` \
    removes it now";

impl SegmentEngine {
    /// Verifies all that is kept: the catalog's file and its dictionary, that every rule can be
    /// read, every version of every segment with all bitmaps that it leans on, its counts, runs and
    /// their reports; and of the profile store the manifest and every page of every file.
    ///
    /// What is damaged is in the answer, with how to mend it, and is no error. It reads everything
    /// once and holds little of it at a time; refreshes may go on meanwhile.
    ///
    /// ```
    /// # use segmentry::SegmentEngine;
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// let engine = SegmentEngine::builder().build().await?;
    /// let check = engine.check().await?;
    /// for damage in &check.damaged {
    ///     println!("{} in {}: {}; {}", damage.what, damage.place, damage.message, damage.hint);
    /// }
    /// assert!(check.is_sound());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::Busy`](crate::Code::Busy), [`Code::Io`](crate::Code::Io) and
    /// [`Code::UnusableStore`](crate::Code::UnusableStore): where something could not be
    /// looked at.
    pub async fn check(&self) -> Result<Check> {
        let looked = move |catalog: &dyn Catalog| {
            let mut look = Look { catalog, place: catalog.location(), check: catalog.check()? };
            let users = look.users()?;
            look.rules()?;
            look.segments(&users)?;
            look.runs()?;
            Ok(look.check)
        };
        let mut check = self.shared.catalog(looked).await?;
        if let Some(store) = self.shared.store.clone() {
            let found = joined(tokio::task::spawn_blocking(move || stored(&store)).await)??;
            for (kind, count) in found.looked_at {
                *check.looked_at.entry(kind).or_default() += count;
            }
            check.damaged.extend(found.damaged);
        }
        Ok(check)
    }
}

/// What is found out about a catalog.
struct Look<'a> {
    catalog: &'a dyn Catalog,
    place: String,
    check: Check,
}

impl Look<'_> {
    fn found(&mut self, what: impl Into<String>, message: impl Into<String>, hint: &str) {
        self.check.damaged.push(Damage::new(what, self.place.as_str(), message, hint));
    }

    /// The answer, or nothing and a damage more.
    fn sound<T>(&mut self, what: &str, hint: &str, answer: Result<T>) -> Result<Option<T>> {
        let place = self.place.as_str();
        let damage = |error: &Error| Damage::new(what, place, message_of(error), hint);
        match Damage::or(answer, damage)? {
            Ok(answer) => Ok(Some(answer)),
            Err(damage) => {
                self.check.damaged.push(damage);
                Ok(None)
            }
        }
    }

    fn users(&mut self) -> Result<Users> {
        let keys = self.check.looked_at.get("keys").copied().unwrap_or(0);
        let keys = self.check.is_sound().then_some(keys);
        let forgotten = self.catalog.forgotten(0);
        let forgotten = self.sound("who was forgotten", "restore a backup", forgotten)?;
        Ok(Users { keys, forgotten: forgotten.into_iter().flatten().collect() })
    }

    fn rules(&mut self) -> Result<()> {
        let rules = self.catalog.rules();
        let Some(rules) = self.sound("the rules", "restore a backup", rules)? else {
            return Ok(());
        };
        self.check.saw("rules", rules.rules.len());
        for row in rules.rules {
            let Err(error) = rule_of(&row.text) else { continue };
            let hint = "write it anew with `update_rule`, or delete it";
            let what = format!("rule {} ({:?})", row.id, row.text.rule_name);
            let damage = Damage::new(what, self.place.as_str(), message_of(&error), hint);
            self.check.damaged.push(Damage { code: error.code(), ..damage });
        }
        Ok(())
    }

    fn segments(&mut self, users: &Users) -> Result<()> {
        for offset in (0..).step_by(usize::try_from(PAGE).unwrap_or(1)) {
            let page = Page { search: None, offset, limit: PAGE };
            let rows = self.catalog.segments(&page);
            let Some((rows, _)) = self.sound("the list of segments", "restore a backup", rows)?
            else {
                return Ok(());
            };
            self.check.saw("segments", rows.len());
            for row in &rows {
                self.segment(row, users)?;
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn segment(&mut self, row: &SegmentRow, users: &Users) -> Result<()> {
        let versions = self.catalog.versions(row.rule_id);
        let what = format!("the versions of the segment of rule {}", row.rule_id);
        let Some(versions) = self.sound(&what, "restore a backup", versions)? else {
            return Ok(());
        };
        self.check.saw("versions", versions.len());
        let mut before: Option<(VersionRow, RoaringBitmap)> = None;
        let last = versions.len().saturating_sub(1);
        for (at, version) in versions.into_iter().enumerate() {
            let hint = if at == last { REFRESH } else { VACUUM };
            before = self.version((row.rule_id, version), before, users, hint)?;
        }
        self.row(row, before.as_ref().map(|(version, _)| version))
    }

    /// Looks at a version beside the one before, and answers its members if they can be read.
    fn version(
        &mut self,
        (rule, version): (i64, VersionRow),
        before: Option<(VersionRow, RoaringBitmap)>,
        users: &Users,
        hint: &str,
    ) -> Result<Option<(VersionRow, RoaringBitmap)>> {
        let what = format!("version {} of the segment of rule {rule}", version.version);
        // Versions with the same members share them: each is read once.
        let same = |(known, _): &&(VersionRow, RoaringBitmap)| {
            known.members_id == version.members_id && known.row_count == version.row_count
        };
        let members = match before.as_ref().filter(same) {
            Some((_, members)) => members.clone(),
            None => {
                let members = read(self.catalog, rule, &version);
                let Some(members) = self.sound(&what, hint, members)? else { return Ok(None) };
                members
            }
        };
        if let Some(message) = users.wrong(&members) {
            self.found(what.as_str(), message, hint);
        }
        let nobody = RoaringBitmap::new();
        let then = match &before {
            Some((known, then)) if known.version + 1 == version.version => Some(then),
            None if version.version == 1 => Some(&nobody),
            _ => None,
        };
        if let Some(then) = then {
            let both = members.intersection_len(then);
            let (entered, exited) = (members.len() - both, then.len() - both);
            let told = (count(version.entered), count(version.exited));
            if told != (entered, exited) {
                let (came, went) = told;
                let message = format!(
                    "it says that {came} entered and {went} left, but {entered} and {exited} did"
                );
                self.found(what, message, hint);
            }
        }
        Ok(Some((version, members)))
    }

    /// The row that other programs read, unless one of them has written it since.
    fn row(&mut self, row: &SegmentRow, current: Option<&VersionRow>) -> Result<()> {
        let what = format!("the segment of rule {}", row.rule_id);
        for (name, text) in [
            ("column_types", &row.column_types),
            ("reused", &row.reused),
            ("basis", &row.basis),
            ("cutoffs", &row.cutoffs),
        ] {
            let read = text.as_deref().map(serde_json::from_str::<serde_json::Value>);
            if let Some(Err(error)) = read {
                self.found(what.as_str(), format!("its {name} are no JSON: {error}"), REFRESH);
            }
        }
        let Some(version) = current else { return Ok(()) };
        let run = self.catalog.run(version.run_id);
        let Some(run) = self.sound(&what, REFRESH, run)?.flatten() else { return Ok(()) };
        let ours = row.last_refreshed_at == Some(run.run.finished_at);
        if ours && row.row_count != version.row_count {
            let (says, has) = (row.row_count, version.row_count);
            self.found(what, format!("its row counts {says} members, its version {has}"), REFRESH);
        }
        Ok(())
    }

    fn runs(&mut self) -> Result<()> {
        for offset in (0..).step_by(usize::try_from(PAGE).unwrap_or(1)) {
            let rows = self.catalog.runs(&Page { search: None, offset, limit: PAGE });
            let hint = "`vacuum` with a limit of runs drops what is older";
            let Some((rows, _)) = self.sound("the list of runs", hint, rows)? else {
                return Ok(());
            };
            if rows.is_empty() {
                return Ok(());
            }
            self.check.saw("runs", rows.len());
            for row in rows {
                let what = format!("run {}", row.id);
                self.sound(&what, hint, run_of(row))?;
            }
        }
        Ok(())
    }
}

/// Who can be a member.
struct Users {
    /// How many ordinals are given, if the dictionary can be read.
    keys: Option<u64>,
    forgotten: RoaringBitmap,
}

impl Users {
    /// What is wrong with members that can be read.
    fn wrong(&self, members: &RoaringBitmap) -> Option<String> {
        if let (Some(most), Some(keys)) = (members.max(), self.keys)
            && u64::from(most) >= keys
        {
            return Some(format!("it has the ordinal {most}, and there are {keys} keys"));
        }
        let forgotten = members.intersection_len(&self.forgotten);
        (forgotten > 0).then(|| format!("{forgotten} of its members were forgotten"))
    }
}

fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

fn message_of(error: &Error) -> String {
    error.problems().first().map_or_else(String::new, |problem| problem.message.clone())
}

/// So often a store is looked at again that somebody writes meanwhile.
const LOOKS: usize = 10;

/// Reads all of a store.
fn stored(store: &ProfileStore) -> Result<Check> {
    let mut looks = 1;
    loop {
        let mut check = Check::default();
        let place = store.folder().display().to_string();
        let damage = |what: &str, error: &Error| {
            Damage::new(what, place.as_str(), message_of(error), REBUILD)
        };
        let manifest = store.manifest_as_it_is();
        let manifest = match Damage::or(manifest, |error| damage("the manifest", error))? {
            Ok(manifest) => manifest.unwrap_or_default(),
            Err(damage) => {
                check.damaged.push(damage);
                return Ok(check);
            }
        };
        let mut note = |what: &str, answer: Result<()>| -> Result<()> {
            check.damaged.extend(Damage::or(answer, |error| damage(what, error))?.err());
            Ok(())
        };
        files(store, &manifest, &mut note)?;
        check.saw("store tables", manifest.tables.len());
        let parts = manifest.tables.iter().flat_map(|table| table.parts.iter().flatten());
        check.saw("store parts", parts.count());
        // What is missing may have been replaced meanwhile.
        let same = store.manifest()?.generation == manifest.generation;
        if check.is_sound() || same || looks == LOOKS {
            return Ok(check);
        }
        looks += 1;
    }
}

/// Reads every file that a manifest names, one at a time.
fn files(
    store: &ProfileStore,
    manifest: &Manifest,
    note: &mut dyn FnMut(&str, Result<()>) -> Result<()>,
) -> Result<()> {
    for table in &manifest.tables {
        let name = &table.table;
        for part in table.parts.iter().flatten() {
            note(&format!("a part of the table {name:?}"), store.verify(part))?;
        }
        for column in &table.columns {
            let Some((file, count)) = &column.words else { continue };
            let what = format!("the texts of {name:?}.{:?}", column.name);
            note(&what, store.verify_words(file, *count))?;
        }
    }
    match &manifest.runs.users {
        Some(file) => note("what users were like", store.verify_users(file)),
        None => Ok(()),
    }
}
