//! Plain tables of cells: the data that the oracle reads and that the generator writes.

/// One cell of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// The unscaled integer; the scale is the column's.
    Decimal(i128),
    Text(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// In the column's own unit. UTC when the column has a zone, else local wall time.
    Stamp(i64),
    List(Vec<Cell>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnType {
    Bool,
    /// `bits` is 8, 16, 32 or 64.
    Int {
        bits: u8,
        signed: bool,
    },
    Float32,
    Float64,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Text,
    Date,
    Stamp {
        unit: TimeUnit,
        zone: Option<String>,
    },
    List(Box<ColumnType>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub ty: ColumnType,
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

impl Column {
    pub fn new(name: &str, ty: ColumnType, cells: Vec<Cell>) -> Column {
        Column { name: name.to_owned(), ty, cells }
    }
}

impl Table {
    pub fn new(name: &str, columns: Vec<Column>) -> Table {
        Table { name: name.to_owned(), columns }
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.cells.len())
    }
}
