//! The benchmark's population and its year of events, written as Parquet and kept.

use std::f64::consts::TAU;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Result;

/// The version of the data: a change of what is made needs a new one.
const VERSION: u32 = 1;
const SEED: u64 = 40;
const BATCH: usize = 65_536;
const ROW_GROUP: usize = 1_048_576;
/// Prime, so that it has no divisor in common with a number of users that is not its multiple.
const SCATTER: u64 = 7_368_787;

/// 2025-01-01T00:00:00Z and 2026-01-01T00:00:00Z, in microseconds.
const YEAR: std::ops::Range<i64> = 1_735_689_600_000_000..1_767_225_600_000_000;

/// What the events' amounts were spent on.
pub const CATEGORIES: [&str; 10] = [
    "Groceries",
    "Dining",
    "Fuel",
    "Utilities",
    "Travel",
    "Electronics",
    "Fashion",
    "Health",
    "Education",
    "Entertainment",
];

/// The two Parquet files of a population and its events in 2025.
///
/// `users.parquet`: user_id BIGINT 1 to `users`, city_tier INT 1 to 3 (3 in 10 users are of tier
/// 1), churned BOOLEAN, country TEXT, null for 1 in 20. `events.parquet`, in the order of time:
/// user_id BIGINT, transaction_date TIMESTAMP(µs), amount DECIMAL(12,2), category TEXT. Some users
/// have many more events than others, and amounts are log-normal with a median of 600.
#[derive(Clone, Debug)]
pub struct Data {
    /// The population.
    pub users: PathBuf,
    /// Its events.
    pub events: PathBuf,
}

impl Data {
    /// The data of `SEGMENTRY_BENCH_USERS` (1,000,000) users and `SEGMENTRY_BENCH_EVENTS`
    /// (40,000,000) events, kept in `~/.cache/segmentry/bench`; made first if it is not there.
    ///
    /// # Errors
    /// A size that is no number, or what the file system says.
    pub fn standard() -> Result<Self> {
        let users = from_environment("SEGMENTRY_BENCH_USERS", 1_000_000)?;
        let events = from_environment("SEGMENTRY_BENCH_EVENTS", 40_000_000)?;
        let home = std::env::var_os("HOME").ok_or("HOME is not set")?;
        Self::at(&Path::new(&home).join(".cache/segmentry/bench"), users, events)
    }

    /// The same in a folder of the caller's, of `users` users (at least 1) and `events` events.
    ///
    /// Uses two threads: one makes rows, one writes them.
    ///
    /// # Errors
    /// What the file system says.
    pub fn at(folder: &Path, users: u64, events: u64) -> Result<Self> {
        let kept = folder.join(format!("v{VERSION}-{users}-{events}"));
        let data = Data { users: kept.join("users.parquet"), events: kept.join("events.parquet") };
        if !kept.exists() {
            eprintln!("writing {users} users and {events} events to {}", kept.display());
            fs::create_dir_all(folder)?;
            let partial = tempfile::tempdir_in(folder)?;
            write(&partial.path().join("users.parquet"), &users_schema(), |out| {
                make_users(users, &out)
            })?;
            write(&partial.path().join("events.parquet"), &events_schema(), |out| {
                make_events(users, events, &out)
            })?;
            // Whoever else makes the same data makes the same files: the first one's stay.
            if let Err(error) = fs::rename(partial.path(), &kept)
                && !kept.exists()
            {
                return Err(error.into());
            }
        }
        Ok(data)
    }
}

/// Writes a file of events as [`Data::events`] has them, of `count` events whose users and times lie
/// in the ranges, times in microseconds since 1970 and in no order.
///
/// # Errors
/// What the file system says.
pub fn write_events(
    path: &Path,
    seed: u64,
    count: usize,
    users: Range<i64>,
    times: Range<i64>,
) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    write(path, &events_schema(), move |out| {
        for first in (0..count).step_by(BATCH) {
            let rows = first..(first + BATCH).min(count);
            let cents = rows.clone().map(|_| random.random_range(1_000..400_000));
            let cents: Vec<i128> = cents.collect();
            let keys = rows.clone().map(|_| random.random_range(users.clone()));
            let keys = Int64Array::from_iter_values(keys);
            let moments = rows.clone().map(|_| random.random_range(times.clone()));
            let moments = TimestampMicrosecondArray::from_iter_values(moments);
            let categories = rows.map(|_| CATEGORIES.get(random.random_range(0..CATEGORIES.len())));
            let categories: StringArray = categories.collect();
            let cents = Decimal128Array::from(cents).with_data_type(DataType::Decimal128(12, 2));
            let columns: Vec<ArrayRef> =
                vec![Arc::new(keys), Arc::new(moments), Arc::new(cents), Arc::new(categories)];
            if out.send(columns).is_err() {
                return;
            }
        }
    })
}

/// Such a population and its events as batches of 65,536 rows: `users` users (at least 1) and
/// `events` events.
///
/// # Errors
/// None that the caller could cause.
pub fn in_memory(users: u64, events: u64) -> Result<[Vec<RecordBatch>; 2]> {
    let population = collect(&users_schema(), |out| make_users(users, &out))?;
    Ok([population, collect(&events_schema(), |out| make_events(users, events, &out))?])
}

/// A number above 0 from the environment.
///
/// # Errors
/// What is there and no such number.
pub fn from_environment(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => match text.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{name} must be a number above 0, not {text:?}").into()),
        },
        Err(_) => Ok(default),
    }
}

fn users_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("user_id", DataType::Int64, false),
        Field::new("city_tier", DataType::Int32, false),
        Field::new("churned", DataType::Boolean, false),
        Field::new("country", DataType::Utf8, true),
    ]))
}

fn events_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("user_id", DataType::Int64, false),
        Field::new("transaction_date", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("amount", DataType::Decimal128(12, 2), false),
        Field::new("category", DataType::Utf8, false),
    ]))
}

/// Writes the columns that `make` sends from a thread of its own.
fn write(
    path: &Path,
    schema: &SchemaRef,
    make: impl FnOnce(SyncSender<Vec<ArrayRef>>) + Send,
) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .build();
    let file = File::create(path)?;
    let mut writer = ArrowWriter::try_new(&file, Arc::clone(schema), Some(properties))?;
    let (sender, batches): (_, Receiver<Vec<ArrayRef>>) = sync_channel(4);
    std::thread::scope(|scope| -> Result<()> {
        scope.spawn(move || make(sender));
        // Should writing fail, the channel closes with `batches`, and the maker stops.
        for columns in batches {
            writer.write(&RecordBatch::try_new(Arc::clone(schema), columns)?)?;
        }
        Ok(())
    })?;
    writer.close()?;
    file.sync_all()?;
    Ok(())
}

/// Keeps the columns that `make` sends from a thread of its own.
fn collect(
    schema: &SchemaRef,
    make: impl FnOnce(SyncSender<Vec<ArrayRef>>) + Send,
) -> Result<Vec<RecordBatch>> {
    let (sender, batches): (_, Receiver<Vec<ArrayRef>>) = sync_channel(4);
    std::thread::scope(|scope| {
        scope.spawn(move || make(sender));
        let batch = |columns| Ok(RecordBatch::try_new(Arc::clone(schema), columns)?);
        batches.into_iter().map(batch).collect()
    })
}

fn make_users(users: u64, out: &SyncSender<Vec<ArrayRef>>) {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for first in (1..=users).step_by(BATCH) {
        let keys = first..(first + BATCH as u64).min(users + 1);
        let rows: Vec<(i32, bool, Option<&str>)> = keys
            .clone()
            .map(|_| {
                let tier = match random.random_range(0..10) {
                    0..3 => 1,
                    3..7 => 2,
                    _ => 3,
                };
                let country = match random.random_range(0..20) {
                    0 => None,
                    1 => Some("AE"),
                    2 => Some("SG"),
                    _ => Some("IN"),
                };
                (tier, random.random_bool(0.15), country)
            })
            .collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(keys.map(u64::cast_signed).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int32Array>()),
            Arc::new(rows.iter().map(|row| Some(row.1)).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|row| row.2).collect::<StringArray>()),
        ];
        if out.send(columns).is_err() {
            return;
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
fn make_events(users: u64, events: u64, out: &SyncSender<Vec<ArrayRef>>) {
    let mut random = ChaCha8Rng::seed_from_u64(SEED + 1);
    let step = (YEAR.end - YEAR.start) / (events as i64).max(1);
    let mut spare: Option<f64> = None;
    for first in (0..events).step_by(BATCH) {
        let numbers = first..(first + BATCH as u64).min(events);
        let count = (numbers.end - numbers.start) as usize;
        let mut keys = Vec::with_capacity(count);
        let mut times = Vec::with_capacity(count);
        let mut amounts = Vec::with_capacity(count);
        let mut categories = Vec::with_capacity(count);
        for number in numbers {
            // The busiest tenth of the users has a third of the events.
            let rank = (random.random::<f64>().powi(2) * users as f64) as u64;
            keys.push((rank.wrapping_mul(SCATTER) % users + 1).cast_signed());
            times.push(YEAR.start + number as i64 * step + random.random_range(0..step.max(1)));
            let normal = spare.take().unwrap_or_else(|| {
                let (u, v): (f64, f64) = (random.random(), random.random());
                let length = (-2.0 * (1.0 - u).ln()).sqrt();
                spare = Some(length * (TAU * v).sin());
                length * (TAU * v).cos()
            });
            amounts.push((60_000.0 * (0.9 * normal).exp()).round() as i128);
            categories.push(random.random_range(0..CATEGORIES.len()));
        }
        let amounts = Decimal128Array::from(amounts).with_data_type(DataType::Decimal128(12, 2));
        let categories: StringArray =
            categories.into_iter().map(|number| CATEGORIES.get(number)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(keys)),
            Arc::new(TimestampMicrosecondArray::from(times)),
            Arc::new(amounts),
            Arc::new(categories),
        ];
        if out.send(columns).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{ParquetReadOptions, SessionContext};

    #[test]
    fn the_data_in_memory_are_as_many_and_always_the_same() {
        let rows = |table: &[RecordBatch]| table.iter().map(RecordBatch::num_rows).sum::<usize>();
        let [users, events] = in_memory(70_000, 1_000).unwrap();
        assert_eq!((users.len(), rows(&users), rows(&events)), (2, 70_000, 1_000));
        assert_eq!(in_memory(70_000, 1_000).unwrap(), [users, events]);
    }

    #[tokio::test]
    async fn the_data_is_as_described() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::at(folder.path(), 500, 10_000).unwrap();
        let again = Data::at(folder.path(), 500, 10_000).unwrap();
        assert_eq!(data.events, again.events);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");

        let context = SessionContext::new();
        for (name, path) in [("users", &data.users), ("events", &data.events)] {
            let path = path.to_str().unwrap();
            context.register_parquet(name, path, ParquetReadOptions::default()).await.unwrap();
        }
        let sql = "SELECT
            (SELECT count(DISTINCT user_id) FROM users WHERE city_tier BETWEEN 1 AND 3) = 500
            AND (SELECT min(user_id) = 1 AND max(user_id) = 500 FROM users)
            AND (SELECT count(*) FROM events e JOIN users u ON e.user_id = u.user_id) = 10000
            AND (SELECT min(transaction_date) >= TIMESTAMP '2025-01-01'
                AND max(transaction_date) < TIMESTAMP '2026-01-01'
                AND min(transaction_date) < TIMESTAMP '2025-01-02'
                AND max(transaction_date) > TIMESTAMP '2025-12-31'
                AND count(DISTINCT category) = 10
                AND median(amount) BETWEEN 550 AND 650 AND min(amount) > 0 FROM events)
            AS good";
        let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
        let good = rows[0].column(0).as_any().downcast_ref::<BooleanArray>().unwrap();
        assert!(good.value(0));

        let times = "SELECT transaction_date FROM events";
        let rows = context.sql(times).await.unwrap().collect().await.unwrap();
        let times: Vec<i64> = rows
            .iter()
            .flat_map(|batch| {
                let column = batch.column(0).as_any();
                column.downcast_ref::<TimestampMicrosecondArray>().unwrap().values().to_vec()
            })
            .collect();
        assert!(times.is_sorted());
    }
}
