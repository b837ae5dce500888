//! Random worlds: the model document and its tables.

use super::columns::{
    self, Setting, as_of, column, decimal_type, event_instant, float_type, int_type, number_type,
    stamp_type,
};
use super::document::{object, plain};
use super::{KeyType, Options, Random, ZONES};
use crate::oracle::World;
use crate::oracle::table::{Cell, Column, ColumnType, Table, TimeUnit};
use crate::oracle::time;

/// The kinds of fields that the rules are spread over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    Bool,
    Int,
    Decimal,
    Float,
    Text,
    Date,
    Stamp,
    IntList,
    TextList,
}

/// What the rules need to know of the world.
pub struct Schema {
    pub as_of: i64,
    pub zone: String,
    pub key_type: KeyType,
    pub keys: Vec<Cell>,
    pub users: Vec<(String, Type)>,
    pub entries: Vec<String>,
    /// Columns that events have, for each set of entries that all have them.
    pub events: Vec<EventField>,
    pub traits: Vec<Trait>,
}

#[derive(Clone, Debug)]
pub struct EventField {
    pub entries: Vec<String>,
    pub column: String,
    pub ty: Type,
}

#[derive(Clone, Debug)]
pub struct Trait {
    pub name: String,
    pub ty: Type,
    pub entries: Vec<String>,
}

impl Type {
    pub fn of(ty: &ColumnType) -> Type {
        match ty {
            ColumnType::Bool => Type::Bool,
            ColumnType::Int { .. } => Type::Int,
            ColumnType::Decimal { .. } => Type::Decimal,
            ColumnType::Float32 | ColumnType::Float64 => Type::Float,
            ColumnType::Text => Type::Text,
            ColumnType::Date => Type::Date,
            ColumnType::Stamp { .. } => Type::Stamp,
            ColumnType::List(item) if **item == ColumnType::Text => Type::TextList,
            ColumnType::List(_) => Type::IntList,
        }
    }

    /// The type that holds both.
    fn unify(self, other: Type) -> Option<Type> {
        use Type::{Decimal, Float, Int};
        let number = |ty| matches!(ty, Int | Decimal | Float);
        match (self, other) {
            (one, other) if one == other => Some(one),
            (one, other) if number(one) && number(other) => Some(one.max(other)),
            _ => None,
        }
    }
}

/// An event table on its way into the model.
struct Stream {
    entry: String,
    user: String,
    time: String,
    table: Table,
}

pub fn world(random: &mut Random, options: &Options, seed: u64) -> (World, Schema) {
    let zone = ZONES[(seed % 7) as usize].to_owned();
    let tz = time::zone(&zone).unwrap();
    let setting = Setting { zone: tz, as_of: as_of(random, tz) };
    let key_type = key_type(random);
    let count = random.size(options.users);
    let keys = keys(random, key_type, count);
    let key = (*random.pick(&["user_id", "id", "Customer Key"])).to_owned();
    let users_table = *random.pick(&["users", "users", "customers"]);
    let users = users(random, options, setting, users_table, &key, key_type, &keys);

    let streams: Vec<Stream> = (0..random.size((1, 3)))
        .map(|at| stream(random, options, setting, at, &keys, key_type))
        .collect();
    let mut schema = Schema {
        as_of: setting.as_of,
        zone: zone.clone(),
        key_type,
        keys,
        users: users
            .columns
            .iter()
            .filter(|column| column.name != key && !["lat", "lon"].contains(&column.name.as_str()))
            .map(|column| (field_name(&column.name), Type::of(&column.ty)))
            .collect(),
        entries: streams.iter().map(|stream| stream.entry.clone()).collect(),
        events: event_fields(&streams),
        traits: Vec::new(),
    };

    let mut members = vec![(
        "users",
        match users_table {
            "users" => object(&[("key", plain(&key))]),
            table => object(&[("table", plain(table)), ("key", plain(&key))]),
        },
    )];
    let entries: Vec<(&str, String)> = streams.iter().map(entry).collect();
    members.push(("events", object(&entries)));
    if zone != "UTC" || random.percent(50) {
        members.push(("timezone", plain(&zone)));
    }
    let mut tables = vec![users];
    tables.extend(streams.iter().map(|stream| stream.table.clone()));

    // traits draw their values from the world without traits
    let bare = World::new(object(&members), tables.clone());
    let (traits, documents) = super::conditions::traits(random, &bare, &schema, seed);
    let mut documents: Vec<(&str, String)> =
        traits.iter().map(|made| made.name.as_str()).zip(documents).collect();
    if options.places {
        documents
            .push(("home", object(&[("latitude", plain("lat")), ("longitude", plain("lon"))])));
    }
    if !documents.is_empty() {
        members.push(("traits", object(&documents)));
    }
    let model = object(&members);
    schema.traits = traits;
    (World::new(model, tables), schema)
}

/// `segment` is a word of the language, so the column is reached through its table only.
fn field_name(column: &str) -> String {
    match column {
        "segment" => "users.segment".to_owned(),
        column => column.to_owned(),
    }
}

fn entry(stream: &Stream) -> (&str, String) {
    let mut members = Vec::new();
    if stream.entry != stream.table.name {
        members.push(("table", plain(&stream.table.name)));
    }
    members.push(("user", plain(&stream.user)));
    members.push(("time", plain(&stream.time)));
    (&stream.entry, object(&members))
}

fn key_type(random: &mut Random) -> KeyType {
    match random.range(0, 9) {
        0 | 1 => KeyType::Text,
        2 => KeyType::Int { bits: 32, signed: true },
        3 => KeyType::Int { bits: 16, signed: false },
        _ => KeyType::Int { bits: 64, signed: true },
    }
}

fn keys(random: &mut Random, key_type: KeyType, count: usize) -> Vec<Cell> {
    let first = match key_type {
        KeyType::Int { signed: true, .. } if random.percent(30) => -40,
        _ => 1,
    };
    let mut keys: Vec<Cell> = (0..count as i128)
        .map(|at| match key_type {
            KeyType::Text => Cell::Text(format!("u-{at:03}")),
            KeyType::Int { .. } => Cell::Int(first + at * 3),
        })
        .collect();
    match key_type {
        KeyType::Text => keys[0] = Cell::Text("Ünï'q".to_owned()),
        // past what a double holds to the last digit
        KeyType::Int { bits: 64, .. } if random.percent(40) => {
            keys[0] = Cell::Int((1 << 53) + 1);
            keys[1] = Cell::Int(1 << 53);
            keys[2] = Cell::Int(i64::MAX.into());
        }
        KeyType::Int { .. } => {}
    }
    keys
}

fn users(
    random: &mut Random,
    options: &Options,
    setting: Setting,
    table: &str,
    key: &str,
    key_type: KeyType,
    keys: &[Cell],
) -> Table {
    let ty = match key_type {
        KeyType::Int { bits, signed } => ColumnType::Int { bits, signed },
        KeyType::Text => ColumnType::Text,
    };
    let mut columns = vec![Column::new(key, ty, keys.to_vec())];
    let int_list = ColumnType::List(Box::new(ColumnType::Int { bits: 64, signed: true }));
    let mut plan = vec![
        ("active", ColumnType::Bool),
        ("Opted In", ColumnType::Bool),
        ("city_tier", int_type(random)),
        ("points", ColumnType::Int { bits: 64, signed: true }),
        ("score", ColumnType::Float64),
        ("ratio", float_type(random)),
        ("balance", decimal_type(random)),
        ("limit", decimal_type(random)),
        ("country", ColumnType::Text),
        ("größe", ColumnType::Text),
        ("born", ColumnType::Date),
        ("renewed", ColumnType::Date),
        ("created_at", stamp_type(random)),
        ("seen_at", stamp_type(random)),
        ("tags", ColumnType::List(Box::new(ColumnType::Text))),
        ("codes", int_list),
    ];
    if random.percent(30) {
        plan.push(("segment", ColumnType::Text));
    }
    for (name, ty) in plan {
        let nullable = random.percent(85);
        columns.push(column(random, setting, name, ty, keys.len(), nullable));
    }
    if options.places {
        columns.extend(places(random, keys.len()));
    }
    Table::new(table, columns)
}

/// Positions in quarters of a degree, so that some lie exactly on the sides of polygons.
fn places(random: &mut Random, rows: usize) -> [Column; 2] {
    let mut degrees = |name: &str, limit: i64| {
        let cells = (0..rows)
            .map(|_| match random.range(0, 19) {
                0 | 1 => Cell::Null,
                2 => Cell::Float(limit as f64 + 1.0),
                3 => Cell::Float(f64::NAN),
                4..=12 => Cell::Float(random.range(-40, 40) as f64 / 4.0),
                _ => Cell::Float(random.range(-limit * 4, limit * 4) as f64 / 4.0),
            })
            .collect();
        Column::new(name, ColumnType::Float64, cells)
    };
    [degrees("lat", 90), degrees("lon", 180)]
}

fn stream(
    random: &mut Random,
    options: &Options,
    setting: Setting,
    at: usize,
    keys: &[Cell],
    key_type: KeyType,
) -> Stream {
    let entry = ["credit_card_transactions", "upi_transactions", "Visits"][at].to_owned();
    let table = if random.percent(40) { format!("raw_{}", at + 1) } else { entry.clone() };
    let user = (*random.pick(&["user_id", "uid"])).to_owned();
    let time = (*random.pick(&["transaction_date", "at"])).to_owned();
    let rows = if random.percent(5) { 0 } else { random.size((0, options.max_events / (at + 1))) };

    let time_type = match random.range(0, 5) {
        0 => ColumnType::Date,
        _ => stamp_type(random),
    };
    let mut instants: Vec<Cell> = Vec::with_capacity(rows);
    for _ in 0..rows {
        instants.push(match random.range(0, 99) {
            0..4 => Cell::Null,
            // at one instant with others, of the same user for some of them
            4..22 if !instants.is_empty() => random.pick(&instants).clone(),
            _ => {
                let instant = event_instant(random, setting);
                columns::stamp(random, setting, &time_type, instant)
            }
        });
    }
    let mut all = vec![
        user_column(random, &user, keys, key_type, rows),
        Column::new(&time, time_type, instants),
    ];
    let whole = ColumnType::Stamp { unit: TimeUnit::Microsecond, zone: None };
    // the first table has every type, the others what chance gives them
    let plan = [
        ("amount", number_type(random), 0),
        ("category", ColumnType::Text, 0),
        ("success", ColumnType::Bool, 30),
        ("quantity", int_type(random), 20),
        ("fee", decimal_type(random), 30),
        ("price", if at == 0 { float_type(random) } else { number_type(random) }, 20),
        ("merchant", ColumnType::Text, 40),
        ("due", ColumnType::Date, 30),
        ("settled_at", if random.percent(30) { whole } else { stamp_type(random) }, 30),
    ];
    for (name, ty, left_out) in plan {
        if at == 0 || !random.percent(left_out) {
            let nullable = random.percent(90);
            all.push(column(random, setting, name, ty, rows, nullable));
        }
    }
    Stream { entry, user, time, table: Table::new(&table, all) }
}

/// Whom the events are of: some of nobody, some of users that do not exist.
fn user_column(
    random: &mut Random,
    name: &str,
    keys: &[Cell],
    key_type: KeyType,
    rows: usize,
) -> Column {
    let largest =
        keys.iter().map(|key| if let Cell::Int(key) = key { *key } else { 0 }).max().unwrap_or(0);
    let smallest = keys.iter().map(|key| if let Cell::Int(key) = key { *key } else { 0 }).min();
    let negative = smallest.unwrap_or(0) < 0;
    let mut types = vec![ColumnType::Int { bits: 64, signed: true }];
    if largest < 1 << 31 {
        types.push(ColumnType::Int { bits: 32, signed: true });
        types.push(ColumnType::Float64);
        types.push(ColumnType::Float32);
    }
    if !negative {
        types.push(ColumnType::Int { bits: 64, signed: false });
        if largest < 1 << 16 {
            types.push(ColumnType::Int { bits: 16, signed: false });
        }
    }
    let ty = match key_type {
        KeyType::Text => ColumnType::Text,
        KeyType::Int { .. } => random.pick(&types).clone(),
    };
    // a third of the users have no events at all
    let known: Vec<&Cell> = keys.iter().filter(|_| random.percent(66)).collect();
    let known = if known.is_empty() { keys.iter().collect() } else { known };
    let cells = (0..rows)
        .map(|_| {
            if random.percent(5) {
                return Cell::Null;
            }
            let orphan = random.percent(4);
            match (*random.pick(&known), &ty) {
                (Cell::Text(_), _) if orphan => Cell::Text("nobody".to_owned()),
                (Cell::Int(key), ColumnType::Float32 | ColumnType::Float64) => {
                    match (orphan, random.range(0, 2)) {
                        (false, _) => Cell::Float(*key as f64),
                        (true, 0) => Cell::Float(*key as f64 + 0.5),
                        (true, 1) => Cell::Float(f64::NAN),
                        (true, _) => Cell::Float(60_000.0),
                    }
                }
                (Cell::Int(_), _) if orphan => Cell::Int(32_000),
                (key, _) => key.clone(),
            }
        })
        .collect();
    Column::new(name, ty, cells)
}

/// For each set of entries, the columns that all of them have with types that fit.
fn event_fields(streams: &[Stream]) -> Vec<EventField> {
    let mut fields = Vec::new();
    for set in 1..1usize << streams.len() {
        let chosen: Vec<&Stream> =
            (0..streams.len()).filter(|at| set >> at & 1 == 1).map(|at| &streams[at]).collect();
        let entries: Vec<String> = chosen.iter().map(|stream| stream.entry.clone()).collect();
        for column in &chosen[0].table.columns {
            let types: Option<Vec<Type>> = chosen
                .iter()
                .map(|stream| stream.table.column(&column.name).map(|column| Type::of(&column.ty)))
                .collect();
            let mut types = types.into_iter().flatten();
            let Some(first) = types.next() else { continue };
            if column.name == chosen[0].user {
                continue;
            }
            if let Some(ty) = types.try_fold(first, Type::unify) {
                let (entries, column) = (entries.clone(), column.name.clone());
                fields.push(EventField { entries, column, ty });
            }
        }
    }
    fields
}
