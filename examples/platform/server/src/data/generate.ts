// Makes the database of a payments platform, the same for the same size, last day and seed:
// `node generate.js <file> <users> <transactions> <last day> [seed]`.
//
// A process of its own: it has another copy of SQLite than the engine, and the two must not have one file open in one process.

import { existsSync, renameSync, rmSync } from "node:fs";
import sqlite, { type Database, type Statement } from "node-sqlite3-wasm";
import { CATEGORIES, CITIES, FIRST, LAST } from "./names.js";
import { Random } from "./random.js";

const PAYMENTS = `(
  transaction_id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (user_id),
  amount DECIMAL(12,2) NOT NULL,
  category TEXT NOT NULL,
  merchant TEXT NOT NULL,
  transaction_date DATETIME NOT NULL
);`;

const SCHEMA = `
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
  lat REAL,
  lon REAL,
  income DECIMAL(12,2),
  kyc_status TEXT NOT NULL,
  is_churned BOOLEAN NOT NULL,
  signup_date DATE NOT NULL
);
CREATE TABLE credit_card_transactions ${PAYMENTS}
CREATE TABLE upi_transactions ${PAYMENTS}`;

const DAY = 86_400_000;
/** How many days of payments there are, and for how many people have signed up. */
const DAYS = 365;
const SIGNUPS = 6 * 365;

interface User {
  /** How much of all payments is this user's. */
  weight: number;
  /** How much is spent at once, 1 being usual. */
  level: number;
  /** The days of the first and the last payment, counted from the first day of all. */
  first: number;
  last: number;
}

const day = (at: number) => new Date(at).toISOString().slice(0, 10);

function writeUsers(insert: Statement, count: number, firstDay: number, random: Random): User[] {
  const users: User[] = [];
  const lastYear = new Date(firstDay + (DAYS - 1) * DAY).getUTCFullYear();
  for (let id = 1; id <= count; id++) {
    const [first, last] = [random.of(FIRST), random.of(LAST)];
    // 3 % did not say where they live, 4 % not how old they are, 8 % not what they earn.
    const city = random.byShare(CITIES);
    const told = random.chance(0.97);
    // Most live near the middle of their city; 0.1 degrees are some 11 km.
    const [lat, lon] = [city.lat + 0.08 * random.normal(), city.lon + 0.08 * random.normal()];
    const born = Date.UTC(lastYear - 65 + random.between(0, 47), 0, random.between(1, 366));
    const toldAge = random.chance(0.96);
    const metro = told && city.tier === 1 ? 1.25 : 0.9;
    const income = random.logNormal(700_000 * metro, 0.7);
    const level = (income / 700_000) ** 0.35 * random.logNormal(1, 0.35);
    const toldIncome = random.chance(0.92);
    const kyc = random.between(0, 100);
    const signup = firstDay + (DAYS - 10 - random.between(0, SIGNUPS)) * DAY;
    const begins = Math.max(0, Math.round((signup - firstDay) / DAY));
    const churned = random.chance(0.12);
    // Some stop without having been counted as churned yet.
    const stops = churned || random.chance(0.1);
    const ends = Math.min(DAYS - 1, stops ? begins + random.between(20, 300) : DAYS - 1);
    insert.run([
      id,
      `${first} ${last}`,
      `${first}.${last}${id}@example.com`.toLowerCase(),
      toldAge ? day(born) : null,
      toldAge ? lastYear - new Date(born).getUTCFullYear() : null,
      told ? city.name : null,
      told ? city.tier : null,
      told ? city.state : null,
      told ? city.country : "IN",
      told ? Math.round(lat * 1e5) / 1e5 : null,
      told ? Math.round(lon * 1e5) / 1e5 : null,
      toldIncome ? Math.round(income / 100) * 100 : null,
      kyc < 82 ? "Verified" : kyc < 95 ? "Pending" : "Rejected",
      churned ? 1 : 0,
      day(signup),
    ]);
    users.push({ weight: random.logNormal((ends - begins + 1) / DAYS, 0.9), level, first: begins, last: ends });
  }
  return users;
}

/** All payments, as columns: a day's payments come one after another, so that ids grow with time. */
class Payments {
  readonly at: Float64Array;
  readonly user: Int32Array;
  readonly paise: Float64Array;
  readonly category: Uint8Array;
  readonly merchant: Uint8Array;
  readonly upi: Uint8Array;
  length = 0;

  constructor(most: number) {
    this.at = new Float64Array(most);
    this.user = new Int32Array(most);
    this.paise = new Float64Array(most);
    this.category = new Uint8Array(most);
    this.merchant = new Uint8Array(most);
    this.upi = new Uint8Array(most);
  }

  add(id: number, user: User, firstDay: number, random: Random): void {
    const category = random.byShare(CATEGORIES);
    const upi = random.chance(category.upi / 1_000);
    const spread = user.last - user.first + 1;
    let on = user.first + random.between(0, spread);
    const month = new Date(firstDay + on * DAY).getUTCMonth();
    // The festive season: every third day outside of it is drawn once more.
    if (month !== 9 && month !== 10 && random.chance(1 / 3)) on = user.first + random.between(0, spread);
    const hour = (((14 + 4 * random.normal()) % 24) + 24) % 24;
    const seconds = Math.floor(hour * 60) * 60 + random.between(0, 60);
    let amount = Math.max(1, random.logNormal(category.median * (upi ? 0.8 : 1.4) * user.level, 0.75));
    // People send round sums; shops charge crooked ones.
    if (upi && random.chance(0.6)) amount = Math.round(amount);
    const at = this.length++;
    this.at[at] = firstDay + on * DAY + seconds * 1_000;
    this.user[at] = id;
    this.paise[at] = Math.round(amount * 100);
    this.category[at] = CATEGORIES.indexOf(category);
    this.merchant[at] = random.between(0, category.merchants.length);
    this.upi[at] = upi ? 1 : 0;
  }
}

function payments(users: User[], count: number, firstDay: number, random: Random): Payments {
  const total = users.reduce((sum, user) => sum + user.weight, 0);
  const made = new Payments(count + users.length);
  let carried = 0;
  users.forEach((user, index) => {
    // Each user's part of `count`; what rounding leaves goes to the next.
    const exact = (user.weight / total) * count + carried;
    const own = Math.max(0, Math.round(exact));
    carried = exact - own;
    for (let one = 0; one < own; one++) made.add(index + 1, user, firstDay, random);
  });
  return made;
}

function writePayments(database: Database, made: Payments): void {
  const order = new Uint32Array(made.length).map((_, index) => index);
  order.sort((a, b) => made.at[a]! - made.at[b]! || a - b);
  const into = (table: string) => database.prepare(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?)`);
  const inserts = [into("credit_card_transactions"), into("upi_transactions")] as const;
  const ids = [0, 0];
  for (const at of order) {
    const upi = made.upi[at] as 0 | 1;
    const category = CATEGORIES[made.category[at]!]!;
    const when = new Date(made.at[at]!).toISOString();
    inserts[upi].run([
      (ids[upi] = ids[upi]! + 1),
      made.user[at]!,
      made.paise[at]! / 100,
      category.name,
      category.merchants[made.merchant[at]!]!,
      `${when.slice(0, 10)} ${when.slice(11, 19)}`,
    ]);
  }
  for (const insert of inserts) insert.finalize();
}

/** Makes the file, whole or not at all. */
export function generate(file: string, users: number, transactions: number, lastDay: string, seed = 2025): void {
  const unfinished = `${file}.new`;
  rmSync(unfinished, { force: true });
  const database = new sqlite.Database(unfinished);
  const firstDay = Date.parse(`${lastDay}T00:00:00Z`) - (DAYS - 1) * DAY;
  const random = new Random(seed);
  // Nobody reads the file before it has its name.
  database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE");
  database.exec(SCHEMA);
  database.exec("BEGIN");
  const insert = database.prepare(`INSERT INTO users VALUES (${Array(15).fill("?").join(", ")})`);
  const made = writeUsers(insert, users, firstDay, random);
  insert.finalize();
  writePayments(database, payments(made, transactions, firstDay, random));
  database.exec("COMMIT");
  database.close();
  rmSync(`${unfinished}.lock`, { force: true, recursive: true });
  renameSync(unfinished, file);
}

const [, script, file, users, transactions, lastDay, seed] = process.argv;
if (script && import.meta.url.endsWith("/generate.js") && script.endsWith("generate.js")) {
  if (!file || !users || !transactions || !lastDay) throw new Error("usage: generate.js <file> <users> <transactions> <last day> [seed]");
  if (existsSync(file)) throw new Error(`${file} exists`);
  generate(file, Number(users), Number(transactions), lastDay, seed === undefined ? undefined : Number(seed));
}
