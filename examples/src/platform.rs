//! A payments platform's database: users, card payments and UPI payments, the same at every run.

use std::f64::consts::TAU;
use std::path::Path;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, Transaction, params};

use crate::names::{CATEGORIES, CITIES, Category, FIRST, LAST};

const SCHEMA: &str = "
CREATE TABLE users (
    user_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    date_of_birth DATE,
    age INTEGER,
    city TEXT,
    city_tier INTEGER,
    state TEXT,
    country TEXT NOT NULL,
    income DECIMAL(12,2),
    kyc_status TEXT NOT NULL,
    is_churned BOOLEAN NOT NULL,
    signup_date DATE NOT NULL
);
CREATE TABLE credit_card_transactions (
    transaction_id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (user_id),
    amount DECIMAL(12,2) NOT NULL,
    category TEXT NOT NULL,
    merchant TEXT NOT NULL,
    transaction_date DATETIME NOT NULL
);
CREATE TABLE upi_transactions (
    transaction_id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (user_id),
    amount DECIMAL(12,2) NOT NULL,
    category TEXT NOT NULL,
    merchant TEXT NOT NULL,
    transaction_date DATETIME NOT NULL
);
";

/// How much of the platform's data to make: a year of payments, 2025-01-01 to 2025-12-31.
///
/// ```
/// # fn main() -> rusqlite::Result<()> {
/// use segmentry_examples::Platform;
/// let mut database = rusqlite::Connection::open_in_memory()?;
/// Platform { users: 100, transactions: 500, seed: 1 }.fill(&mut database)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Platform {
    /// How many users.
    pub users: usize,
    /// How many payments, of both kinds together.
    pub transactions: usize,
    /// The same seed makes the same data.
    pub seed: u64,
}

impl Default for Platform {
    /// 2,000 users with 60,000 payments.
    fn default() -> Self {
        Platform { users: 2_000, transactions: 60_000, seed: 2025 }
    }
}

/// What the payments need to know of their user.
struct User {
    weight: f64,
    level: f64,
    first: NaiveDate,
    last: NaiveDate,
}

struct Payment {
    at: NaiveDateTime,
    user_id: i64,
    paise: i64,
    category: &'static str,
    merchant: &'static str,
    upi: bool,
}

impl Platform {
    /// Makes the database at `path`, unless it has been made there before.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn create(&self, path: &Path) -> rusqlite::Result<()> {
        let mut database = Connection::open(path)?;
        if database.table_exists(None, "users")? { Ok(()) } else { self.fill(&mut database) }
    }

    /// Makes the tables in an open database, in one transaction.
    ///
    /// # Errors
    /// What SQLite says, also if the tables exist already.
    pub fn fill(&self, database: &mut Connection) -> rusqlite::Result<()> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let transaction = database.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        let users = write_users(&transaction, self.users, &mut random)?;
        let mut payments = payments(&users, self.transactions, &mut random);
        payments.sort_by_key(|payment| payment.at);
        write_payments(
            &transaction,
            "credit_card_transactions",
            payments.iter().filter(|p| !p.upi),
        )?;
        write_payments(&transaction, "upi_transactions", payments.iter().filter(|p| p.upi))?;
        transaction.commit()
    }
}

fn day(year: i32, ordinal: u32) -> NaiveDate {
    NaiveDate::from_yo_opt(year, ordinal).unwrap_or_default()
}

/// A number of the standard normal distribution.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (TAU * v).cos()
}

/// A number of the log-normal distribution with this median.
fn log_normal(random: &mut ChaCha8Rng, median: f64, sigma: f64) -> f64 {
    median * (sigma * normal(random)).exp()
}

/// One of `items`, each with its share of 1,000.
fn by_share<'a, T>(random: &mut ChaCha8Rng, items: &'a [T], share: fn(&T) -> u32) -> Option<&'a T> {
    let mut left = random.random_range(0..1_000);
    items.iter().find(|item| {
        let found = left < share(item);
        left = left.saturating_sub(share(item));
        found
    })
}

/// An amount of paise in rupees.
#[allow(clippy::cast_precision_loss)]
fn rupees(paise: i64) -> f64 {
    paise as f64 / 100.0
}

fn write_users(
    transaction: &Transaction<'_>,
    count: usize,
    random: &mut ChaCha8Rng,
) -> rusqlite::Result<Vec<User>> {
    let mut insert = transaction.prepare(
        "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let mut users = Vec::with_capacity(count);
    for user_id in (1_i64..).take(count) {
        let first_name = FIRST.choose(random).copied().unwrap_or_default();
        let last_name = LAST.choose(random).copied().unwrap_or_default();
        let email = format!("{first_name}.{last_name}{user_id}@example.com").to_lowercase();

        // 3 % did not say where they live, 4 % not how old they are, 8 % not what they earn.
        let city = by_share(random, &CITIES, |city| city.4).filter(|_| random.random_bool(0.97));
        let (city, state, country, tier) = match city {
            Some(&(name, state, country, tier, _)) => (Some(name), state, country, tier),
            None => (None, None, "IN", None),
        };
        let birth = day(1960 + random.random_range(0..48), random.random_range(1..=365));
        let birth = Some(birth).filter(|_| random.random_bool(0.96));
        let age = birth.map(|birth| 2025 - birth.year());
        let metro = if tier == Some(1) { 1.25 } else { 0.9 };
        let income = log_normal(random, 700_000.0 * metro, 0.7);
        let level = (income / 700_000.0).powf(0.35) * log_normal(random, 1.0, 0.35);
        let income = Some((income / 100.0).round() * 100.0).filter(|_| random.random_bool(0.92));
        let kyc = match random.random_range(0..100) {
            0..82 => "Verified",
            82..95 => "Pending",
            _ => "Rejected",
        };

        let signup = day(2019 + random.random_range(0..7), random.random_range(1..=300));
        let first = signup.max(day(2025, 1));
        let churned = random.random_bool(0.12);
        // Some stop without having been counted as churned yet.
        let stops = churned || random.random_bool(0.10);
        let last = match stops {
            true => first + TimeDelta::days(random.random_range(20..240)),
            false => day(2025, 365),
        };
        insert.execute(params![
            user_id,
            format!("{first_name} {last_name}"),
            email,
            birth.map(|birth| birth.to_string()),
            age,
            city,
            tier,
            state,
            country,
            income,
            kyc,
            churned,
            signup.to_string(),
        ])?;
        let last = last.min(day(2025, 365));
        let present = f64::from(last.ordinal() - first.ordinal() + 1) / 365.0;
        users.push(User { weight: log_normal(random, present, 0.9), level, first, last });
    }
    Ok(users)
}

fn payments(users: &[User], count: usize, random: &mut ChaCha8Rng) -> Vec<Payment> {
    let total: f64 = users.iter().map(|user| user.weight).sum();
    let mut payments = Vec::with_capacity(count + users.len());
    let mut carried = 0.0;
    for (user_id, user) in (1_i64..).zip(users) {
        // Each user's part of `count`; what rounding leaves goes to the next.
        #[allow(clippy::cast_precision_loss)]
        let exact = user.weight / total * count as f64 + carried;
        carried = exact - exact.round();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let own = exact.round() as usize;
        payments.extend((0..own).filter_map(|_| payment(user_id, user, random)));
    }
    payments.shuffle(random);
    payments
}

fn payment(user_id: i64, user: &User, random: &mut ChaCha8Rng) -> Option<Payment> {
    let Category { name, median, upi, merchants, .. } =
        by_share(random, &CATEGORIES, |category| category.share)?;
    let upi = random.random_range(0..1_000) < *upi;
    let days = (user.last - user.first).num_days();
    let mut date = user.first + TimeDelta::days(random.random_range(0..=days));
    // The festive season: every third date before it is drawn once more.
    if !(10..=11).contains(&date.month()) && random.random_ratio(1, 3) {
        date = user.first + TimeDelta::days(random.random_range(0..=days));
    }
    let hour = (14.0 + 4.0 * normal(random)).rem_euclid(24.0);
    #[allow(clippy::cast_possible_truncation)]
    let second = (hour * 60.0) as i64 * 60 + random.random_range(0..60);
    let size = if upi { 0.8 } else { 1.4 };
    let amount = log_normal(random, median * size * user.level, 0.75).max(1.0);
    // People send round sums; shops charge crooked ones.
    let amount = if upi && random.random_bool(0.6) { amount.round() } else { amount };
    #[allow(clippy::cast_possible_truncation)]
    let paise = (amount * 100.0).round() as i64;
    let at = date.and_time(chrono::NaiveTime::MIN) + TimeDelta::seconds(second);
    let merchant = merchants.choose(random)?;
    Some(Payment { at, user_id, paise, category: name, merchant, upi })
}

fn write_payments<'a>(
    transaction: &Transaction<'_>,
    table: &str,
    payments: impl Iterator<Item = &'a Payment>,
) -> rusqlite::Result<()> {
    let mut insert =
        transaction.prepare(&format!("INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5, ?6)"))?;
    for (transaction_id, payment) in (1_i64..).zip(payments) {
        insert.execute(params![
            transaction_id,
            payment.user_id,
            rupees(payment.paise),
            payment.category,
            payment.merchant,
            payment.at.format("%Y-%m-%d %H:%M:%S").to_string(),
        ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Platform = Platform { users: 200, transactions: 5_000, seed: 7 };
    const PAYMENTS: &str = "(SELECT * FROM credit_card_transactions
        UNION ALL SELECT * FROM upi_transactions)";

    fn database(platform: Platform) -> Connection {
        let mut database = Connection::open_in_memory().unwrap();
        platform.fill(&mut database).unwrap();
        database
    }

    fn number(database: &Connection, sql: &str) -> i64 {
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_same_seed_makes_the_same_data() {
        let sum = format!("SELECT CAST(sum(amount * 100 * user_id) AS INTEGER) FROM {PAYMENTS}");
        let [one, two, other] =
            [SMALL, SMALL, Platform { seed: 8, ..SMALL }].map(|p| number(&database(p), &sum));
        assert_eq!(one, two);
        assert_ne!(one, other);
    }

    #[test]
    fn it_is_a_year_of_skewed_spend_in_ten_categories() {
        let database = database(SMALL);
        assert_eq!(number(&database, "SELECT count(*) FROM users"), 200);
        let count = number(&database, &format!("SELECT count(*) FROM {PAYMENTS}"));
        assert!((4_990..=5_010).contains(&count), "{count}");
        let categories = format!("SELECT count(DISTINCT category) FROM {PAYMENTS}");
        assert_eq!(number(&database, &categories), 10);
        let outside = format!(
            "SELECT count(*) FROM {PAYMENTS} JOIN users USING (user_id)
             WHERE transaction_date < '2025-01-01' OR transaction_date >= '2026-01-01'
             OR transaction_date < signup_date OR amount < 1"
        );
        assert_eq!(number(&database, &outside), 0);
        // The tenth of the users who spend most: more than a quarter of the money, not all of it.
        let top = format!(
            "SELECT CAST(100 * (SELECT sum(s) FROM (SELECT sum(amount) s FROM {PAYMENTS}
             GROUP BY user_id ORDER BY s DESC LIMIT 20)) / sum(amount) AS INTEGER) FROM {PAYMENTS}"
        );
        let top = number(&database, &top);
        assert!((25..80).contains(&top), "{top} %");
    }

    #[test]
    fn shares_add_up() {
        assert_eq!(CATEGORIES.iter().map(|category| category.share).sum::<u32>(), 1_000);
        assert_eq!(CITIES.iter().map(|city| city.4).sum::<u32>(), 1_000);
    }
}
