//! Tables of random cases that change from step to step, and how an engine comes to know of it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, UInt32Array};
use datafusion::arrow::compute::{concat_batches, take_record_batch};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::parquet::arrow::ArrowWriter;
use segmentry::{FileOptions, SegmentEngine, TableOptions};

use crate::differential::arrow::batches;
use crate::generate::Random;
use crate::oracle::table::Table;

/// The ever-growing column that tables with a cursor have beside those of the case.
const NUMBER: &str = "number_of_row";

/// How a table is registered.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Folder,
    AppendOnly,
    /// Batches with a cursor.
    Batches,
    /// A table of the host's own with a cursor.
    Hosts,
}

/// A table of events as it is at one step.
pub struct Events {
    pub name: String,
    all: RecordBatch,
    form: Form,
    /// Rows of `all` in each file, or in each batch that has come.
    files: Vec<Vec<usize>>,
    /// Rows that are in none yet.
    left: Vec<usize>,
    folder: PathBuf,
}

pub fn whole(table: &Table) -> RecordBatch {
    let parts = batches(table, 1 + table.rows());
    concat_batches(&parts[0].schema(), &parts).unwrap()
}

pub fn rows(batch: &RecordBatch, rows: &[usize]) -> RecordBatch {
    let rows: Vec<u32> = rows.iter().map(|row| u32::try_from(*row).unwrap()).collect();
    take_record_batch(batch, &UInt32Array::from(rows)).unwrap()
}

impl Events {
    pub fn new(table: &Table, folder: &Path, random: &mut Random) -> Events {
        let all = whole(table);
        let mut order: Vec<usize> = (0..all.num_rows()).collect();
        shuffle(&mut order, random);
        let kept = all.num_rows() * 2 / 3;
        let left = order.split_off(kept);
        let folder = folder.join(&table.name);
        std::fs::create_dir_all(&folder).unwrap();
        let form = *random.pick(&[
            Form::Folder,
            Form::Folder,
            Form::AppendOnly,
            Form::Batches,
            Form::Hosts,
        ]);
        let name = table.name.clone();
        let events = Events { name, all, form, files: vec![order], left, folder };
        events.write(0, 0);
        events
    }

    fn in_files(&self) -> bool {
        matches!(self.form, Form::Folder | Form::AppendOnly)
    }

    /// Writes a file. The state of a young one is not trusted unless files are only added, so that
    /// others look as if they had been there for a while.
    #[allow(clippy::disallowed_methods)]
    fn write(&self, file: usize, step: u64) {
        if !self.in_files() {
            return;
        }
        let path = self.folder.join(format!("{file}.parquet"));
        let batch = rows(&self.all, &self.files[file]);
        let mut writer =
            ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        if self.form == Form::Folder {
            let then = SystemTime::now() - Duration::from_secs(3_600 - step);
            File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
        }
    }

    /// Adds a few rows if some are left.
    pub fn grow(&mut self, step: u64, random: &mut Random) {
        if self.left.is_empty() {
            return;
        }
        let count = usize::try_from(random.range(1, 4)).unwrap().min(self.left.len());
        let added = self.left.split_off(self.left.len() - count);
        self.files.push(added);
        self.write(self.files.len() - 1, step);
    }

    pub fn change(&mut self, step: u64, random: &mut Random) {
        match random.range(0, 9) {
            0..=5 => self.grow(step, random),
            // Whatever was promised: a file is rewritten without one of its events, and of a table
            // with a cursor the first or the last goes, which shows.
            6 => {
                let file = match self.in_files() {
                    true => usize::try_from(random.range(0, self.files.len() as i64 - 1)).unwrap(),
                    false if random.percent(50) => 0,
                    false => self.files.len() - 1,
                };
                match file == 0 && !self.in_files() {
                    true => drop((!self.files[0].is_empty()).then(|| self.files[0].remove(0))),
                    false => drop(self.files[file].pop()),
                }
                self.write(file, step);
            }
            _ => {}
        }
    }

    pub fn now(&self) -> RecordBatch {
        let parts: Vec<RecordBatch> = self.files.iter().map(|file| rows(&self.all, file)).collect();
        concat_batches(&self.all.schema(), &parts).unwrap()
    }

    /// The same with the ever-growing column: a row keeps its number while others come and go.
    fn numbered(&self) -> RecordBatch {
        let mut numbers = Vec::new();
        for (file, rows) in (0i64..).zip(&self.files) {
            // The first file loses its first rows, others their last.
            let first = match file {
                0 => 1_000 - rows.len() as i64,
                file => file * 1_000,
            };
            numbers.extend((first..).take(rows.len()));
        }
        let now = self.now();
        let mut fields = now.schema().fields().to_vec();
        let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
        fields.push(Arc::new(Field::new(NUMBER, numbers.data_type().clone(), true)));
        let columns = [now.columns(), &[numbers]].concat();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    /// Tells an engine of the table as it is; of folders, once is enough.
    pub async fn register(&self, engine: &SegmentEngine, first: bool) {
        let cursor = TableOptions::default().cursor(NUMBER);
        match self.form {
            Form::Folder | Form::AppendOnly if first => {
                let options = FileOptions::default().append_only(self.form == Form::AppendOnly);
                engine.add_parquet_with(&self.name, &self.folder, options).await.unwrap();
            }
            Form::Folder | Form::AppendOnly => {}
            Form::Batches => {
                engine.add_arrow_with(&self.name, vec![self.numbered()], cursor).unwrap();
            }
            Form::Hosts => {
                let all = self.numbered();
                let half = all.num_rows() / 2;
                let parts = [all.slice(0, half), all.slice(half, all.num_rows() - half)];
                let parts = parts.into_iter().map(|part| vec![part]).collect();
                let table = MemTable::try_new(all.schema(), parts).unwrap();
                engine.add_table_with(&self.name, Arc::new(table), cursor).unwrap();
            }
        }
    }
}

fn shuffle(order: &mut [usize], random: &mut Random) {
    for at in (1..order.len()).rev() {
        order.swap(at, usize::try_from(random.range(0, at as i64)).unwrap());
    }
}
