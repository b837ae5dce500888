//! A part: the events of one table and one block of users, in one file that is written once.
//!
//! ```text
//! "SGPART02" · length of the header (u32) · its checksum (u64) · header (JSON) · data
//! ```
//!
//! Events are ordered by user, then by time. The data holds the places of the users who have events
//! (u16 each), where the events of each end (u32) and in which generation the youngest of them came,
//! then the columns: whole numbers as distances from the least, in as few bytes as the greatest
//! needs, and the bits of those that are there if some are not. Numbers are little-endian. Every
//! page of the data has a checksum, and is checked when it is first read.

use std::fs::File;
use std::io::{Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Code, Error, Result};

const MAGIC: &[u8; 8] = b"SGPART02";

/// How many bytes of data have a checksum together.
const PAGE: usize = 1 << 16;

/// What a part says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    /// How many users have events in it.
    users: usize,
    /// For each of them the generation in which the youngest of their events came.
    written: ColumnHeader,
    columns: Vec<ColumnHeader>,
    /// Bytes of data.
    length: usize,
    /// Of each page of the data.
    sums: Vec<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ColumnHeader {
    /// The least value.
    base: i64,
    /// Bytes of a value: 0, 1, 2, 4 or 8. Of none, all values are the least.
    width: usize,
    /// Where the values begin in the data.
    start: usize,
    /// Where the bits of those that are there begin, if some are not.
    valid: Option<usize>,
}

/// A column to be written: whole numbers, and which are there if some are not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Column {
    pub(crate) values: Vec<i64>,
    pub(crate) valid: Option<Vec<bool>>,
}

/// The events of a block in the order of a part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Block {
    /// The places of the users who have events, ascending.
    pub(crate) places: Vec<u16>,
    /// Where the events of each of them end.
    pub(crate) ends: Vec<u32>,
    /// For each of them the generation in which the youngest of their events came.
    pub(crate) written: Vec<u64>,
    pub(crate) columns: Vec<Column>,
}

impl Block {
    pub(crate) fn rows(&self) -> usize {
        self.ends.last().copied().unwrap_or(0) as usize
    }
}

/// A part on disk, its file open.
#[derive(Debug)]
pub(crate) struct Part {
    file: File,
    header: Header,
    /// Where the data begins in the file.
    data: u64,
    /// The places of its users, ascending.
    places: Vec<u16>,
    /// Where the events of each of them end.
    ends: Vec<u32>,
    /// When the youngest of each came; empty if it is the same for all.
    written: Vec<i64>,
    /// The pages that were checked in this process.
    checked: Mutex<Vec<bool>>,
    name: String,
}

fn damaged(name: &str, what: impl std::fmt::Display) -> Error {
    Error::new(Code::Damaged, format!("the profile store's file {name}: {what}"))
}

fn width_of(spread: u64) -> usize {
    match spread {
        0 => 0,
        spread if spread <= u64::from(u8::MAX) => 1,
        spread if spread <= u64::from(u16::MAX) => 2,
        spread if spread <= u64::from(u32::MAX) => 4,
        _ => 8,
    }
}

/// Writes values of so many bytes.
fn put(values: &[i64], base: i64, width: usize, out: &mut Vec<u8>) {
    for value in values {
        let bytes = value.wrapping_sub(base).cast_unsigned().to_le_bytes();
        out.extend_from_slice(bytes.get(..width).unwrap_or_default());
    }
}

/// Writes a column, and says how to read it.
fn put_column(column: &Column, data: &mut Vec<u8>) -> ColumnHeader {
    let there =
        |row: usize| column.valid.as_ref().is_none_or(|valid| valid.get(row) == Some(&true));
    let known = column.values.iter().enumerate().filter(|(row, _)| there(*row));
    let (least, most) = known.fold((i64::MAX, i64::MIN), |(least, most), (_, value)| {
        (least.min(*value), most.max(*value))
    });
    let base = if least <= most { least } else { 0 };
    let width = width_of(most.max(base).wrapping_sub(base).cast_unsigned());
    let start = data.len();
    match &column.valid {
        None => put(&column.values, base, width, data),
        // What is not there might lie outside of the range.
        Some(_) => {
            let values = column.values.iter().enumerate();
            let values: Vec<i64> =
                values.map(|(row, value)| if there(row) { *value } else { base }).collect();
            put(&values, base, width, data);
        }
    }
    let valid = column.valid.as_ref().map(|valid| {
        let at = data.len();
        data.extend(
            valid
                .chunks(8)
                .map(|eight| eight.iter().rev().fold(0u8, |byte, t| byte << 1 | u8::from(*t))),
        );
        at
    });
    ColumnHeader { base, width, start, valid }
}

/// The bytes of a part.
pub(super) fn encode(block: &Block) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    data.extend(block.places.iter().flat_map(|place| place.to_le_bytes()));
    data.extend(block.ends.iter().flat_map(|end| end.to_le_bytes()));
    let written = block.written.iter().map(|generation| generation.cast_signed()).collect();
    let written = put_column(&Column { values: written, valid: None }, &mut data);
    let columns = block.columns.iter().map(|column| put_column(column, &mut data)).collect();
    let sums = data.chunks(PAGE).map(xxh3_64).collect();
    let users = block.places.len();
    let header = Header { users, written, columns, length: data.len(), sums };
    let header = serde_json::to_vec(&header)
        .map_err(|error| Error::new(Code::Internal, "a part has no header").caused_by(error))?;
    let mut bytes = Vec::with_capacity(header.len() + data.len() + 16);
    bytes.extend_from_slice(MAGIC);
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(&header).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&data);
    Ok(bytes)
}

/// Writes a file so that it is there whole or not at all while this machine runs, whatever becomes
/// of the process. That it survives a loss of power is not waited for, which would make a run wait
/// for the disk once for each block: every file has checksums and a name that none had before it,
/// so that what was lost is noticed and made anew.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    File::create(&partial)?.write_all(bytes)?;
    std::fs::rename(&partial, path)
}

impl Part {
    pub(super) fn open(path: &Path) -> Result<Part> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unreadable = |error: std::io::Error| damaged(&name, error);
        let mut file = File::open(path).map_err(unreadable)?;
        let mut start = [0; 20];
        file.read_exact(&mut start).map_err(unreadable)?;
        let [m0, m1, m2, m3, m4, m5, m6, m7, l0, l1, l2, l3, s @ ..] = start;
        if [m0, m1, m2, m3, m4, m5, m6, m7] != *MAGIC {
            return Err(damaged(&name, "it does not begin as a part does"));
        }
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let size = file.metadata().map_err(unreadable)?.len();
        if u64::from(length) + 20 > size {
            return Err(damaged(&name, "it is cut off"));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(unreadable)?;
        if xxh3_64(&header) != u64::from_le_bytes(s) {
            return Err(damaged(&name, "its header does not have the checksum that it had"));
        }
        let header: Header =
            serde_json::from_slice(&header).map_err(|error| damaged(&name, error))?;
        let data = u64::from(length) + 20;
        if data + header.length as u64 != size {
            return Err(damaged(&name, "it has another length than it had"));
        }
        let checked = Mutex::new(vec![false; header.sums.len()]);
        let users = header.users;
        let (places, ends, written) = (Vec::new(), Vec::new(), Vec::new());
        let mut part = Part { file, header, data, places, ends, written, checked, name };
        let mut bytes = Vec::new();
        let index = part.bytes(0..users * 6, &mut bytes)?;
        let (places, ends) = index.split_at_checked(users * 2).unwrap_or_default();
        part.places = places.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        part.ends = ends.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
        if part.header.written.width > 0 {
            let mut written = Vec::with_capacity(users);
            let all = 0..users;
            let all = std::slice::from_ref(&all);
            part.numbers(&part.header.written, all, &mut bytes, &mut written)?;
            part.written = written;
        }
        Ok(part)
    }

    pub(crate) fn rows(&self) -> usize {
        self.ends.last().copied().unwrap_or(0) as usize
    }

    /// The generation in which the youngest event of a user came, by the user's number among its
    /// users.
    pub(crate) fn written(&self, user: usize) -> u64 {
        self.written.get(user).copied().unwrap_or(self.header.written.base).cast_unsigned()
    }

    /// Whether every user has events that came after a generation.
    pub(crate) fn is_all_since(&self, generation: u64) -> bool {
        self.header.written.base.cast_unsigned() > generation
    }

    /// The places of the users who have events that came after a generation.
    pub(crate) fn places_since(&self, generation: u64) -> impl Iterator<Item = u16> {
        let users = self.places.iter().enumerate();
        users.filter(move |(user, _)| self.written(*user) > generation).map(|(_, place)| *place)
    }

    /// Reads all of it, so that damage is noticed.
    pub(super) fn verify(&self) -> Result<()> {
        let mut buffer = Vec::new();
        for page in 0..self.header.sums.len() {
            self.bytes(page * PAGE..((page + 1) * PAGE).min(self.header.length), &mut buffer)?;
        }
        Ok(())
    }

    /// The places of its users, ascending, and where the events of each end.
    pub(crate) fn users(&self) -> (&[u16], &[u32]) {
        (&self.places, &self.ends)
    }

    /// Bytes of the data, from pages that have their checksums.
    fn bytes<'a>(&self, range: Range<usize>, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        let pages = range.start / PAGE..range.end.div_ceil(PAGE);
        let known = {
            let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            checked.get(pages.clone()).is_some_and(|pages| pages.iter().all(|known| *known))
        };
        let read = match known {
            true => range.clone(),
            false => pages.start * PAGE..(pages.end * PAGE).min(self.header.length),
        };
        if read.end > self.header.length || range.start > range.end {
            return Err(damaged(&self.name, "its columns lie outside of it"));
        }
        buffer.resize(read.len(), 0);
        let at = self.data + read.start as u64;
        self.file.read_exact_at(buffer, at).map_err(|error| damaged(&self.name, error))?;
        if !known {
            self.check(&pages, buffer)?;
        }
        let skipped = range.start - read.start;
        Ok(buffer.get(skipped..skipped + range.len()).unwrap_or_default())
    }

    fn check(&self, pages: &Range<usize>, bytes: &[u8]) -> Result<()> {
        for (page, bytes) in pages.clone().zip(bytes.chunks(PAGE)) {
            if self.header.sums.get(page) != Some(&xxh3_64(bytes)) {
                let what = format!("page {page} does not have the checksum that it had");
                return Err(damaged(&self.name, what));
            }
        }
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pages) = checked.get_mut(pages.clone()) {
            pages.fill(true);
        }
        Ok(())
    }

    /// Adds the values of some rows of a column to `out`.
    pub(crate) fn values(
        &self,
        column: usize,
        rows: Range<usize>,
        buffer: &mut Vec<u8>,
        out: &mut Vec<i64>,
    ) -> Result<()> {
        self.picked(column, std::slice::from_ref(&rows), buffer, out)
    }

    /// The same for ascending ranges of rows, which are read in one with what lies between them.
    pub(crate) fn picked(
        &self,
        column: usize,
        ranges: &[Range<usize>],
        buffer: &mut Vec<u8>,
        out: &mut Vec<i64>,
    ) -> Result<()> {
        let Some(header) = self.header.columns.get(column) else {
            return Err(damaged(&self.name, format!("it has no column {column}")));
        };
        self.numbers(header, ranges, buffer, out)
    }

    fn numbers(
        &self,
        header: &ColumnHeader,
        ranges: &[Range<usize>],
        buffer: &mut Vec<u8>,
        out: &mut Vec<i64>,
    ) -> Result<()> {
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return Ok(()) };
        let (base, width) = (header.base, header.width);
        if width == 0 {
            out.extend(std::iter::repeat_n(base, ranges.iter().map(Range::len).sum()));
            return Ok(());
        }
        let read = header.start + first.start * width..header.start + last.end * width;
        let bytes = self.bytes(read, buffer)?;
        let add = |distance: u64| base.wrapping_add(distance.cast_signed());
        for rows in ranges {
            let here = (rows.start - first.start) * width..(rows.end - first.start) * width;
            let bytes = bytes.get(here).unwrap_or_default();
            match width {
                1 => out.extend(bytes.iter().map(|byte| add(u64::from(*byte)))),
                2 => {
                    let twos = bytes.as_chunks().0.iter();
                    out.extend(twos.map(|b| add(u64::from(u16::from_le_bytes(*b)))));
                }
                4 => {
                    let fours = bytes.as_chunks().0.iter();
                    out.extend(fours.map(|b| add(u64::from(u32::from_le_bytes(*b)))));
                }
                _ => {
                    let eights = bytes.as_chunks().0.iter();
                    out.extend(eights.map(|b| add(u64::from_le_bytes(*b))));
                }
            }
        }
        Ok(())
    }

    /// Which of some rows of a column are there, added to `out`; all if nothing is answered.
    pub(crate) fn valid(
        &self,
        column: usize,
        rows: Range<usize>,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Vec<bool>>> {
        let Some(start) = self.header.columns.get(column).and_then(|header| header.valid) else {
            return Ok(None);
        };
        let first = rows.start / 8;
        let bytes = self.bytes(start + first..start + rows.end.div_ceil(8), buffer)?;
        let bit =
            |row: usize| bytes.get(row / 8 - first).is_some_and(|byte| byte >> (row % 8) & 1 == 1);
        Ok(Some(rows.map(bit).collect()))
    }
}

#[cfg(test)]
impl Part {
    /// A part of a block, made for a test.
    pub(crate) fn made(path: &Path, block: &Block) -> std::sync::Arc<Part> {
        write_file(path, &encode(block).unwrap()).unwrap();
        std::sync::Arc::new(Part::open(path).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(folder: &Path) -> (std::path::PathBuf, Vec<Column>) {
        let rows = 200_000usize;
        let columns = vec![
            Column { values: (0..rows as i64).map(|row| row * 7 - 1_000).collect(), valid: None },
            Column { values: vec![5; rows], valid: None },
            Column {
                values: (0..rows as i64).map(|row| row % 200).collect(),
                valid: Some((0..rows).map(|row| row % 3 != 0).collect()),
            },
            Column {
                values: (0..rows).map(|row| [i64::MIN, i64::MAX][row % 2]).collect(),
                valid: None,
            },
        ];
        let path = folder.join("one.part");
        let (places, ends, written) = (vec![3, 9], vec![5, 200_000], vec![7, 4]);
        let block = Block { places, ends, written, columns };
        write_file(&path, &encode(&block).unwrap()).unwrap();
        (path, block.columns)
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (path, columns) = part(folder.path());
        let part = Part::open(&path).unwrap();
        assert_eq!(part.users(), ([3, 9].as_slice(), [5, 200_000].as_slice()));
        let since = |generation| part.places_since(generation).collect::<Vec<_>>();
        assert_eq!([3, 4, 6, 7].map(since), [vec![3, 9], vec![3], vec![3], vec![]]);
        assert_eq!([3, 4].map(|generation| part.is_all_since(generation)), [true, false]);
        let mut buffer = Vec::new();
        for (number, column) in columns.iter().enumerate() {
            for rows in [0..200_000, 17..18, 131_071..131_080, 199_999..200_000, 4..4] {
                let mut values = Vec::new();
                part.values(number, rows.clone(), &mut buffer, &mut values).unwrap();
                let valid = part.valid(number, rows.clone(), &mut buffer).unwrap();
                assert_eq!(valid.is_some(), column.valid.is_some());
                for (at, row) in rows.enumerate() {
                    let there = column.valid.as_ref().is_none_or(|valid| valid[row]);
                    assert_eq!(valid.as_ref().is_none_or(|valid| valid[at]), there);
                    assert!(!there || values[at] == column.values[row], "{number} {row}");
                }
            }
        }
    }

    #[test]
    fn damage_is_noticed_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = part(folder.path());
        let good = std::fs::read(&path).unwrap();
        let read_all = || -> Result<()> {
            let part = Part::open(&path)?;
            let mut buffer = Vec::new();
            for column in 0..4 {
                part.values(column, 0..200_000, &mut buffer, &mut Vec::new())?;
                part.valid(column, 0..200_000, &mut buffer)?;
            }
            Ok(())
        };
        read_all().unwrap();
        for at in (0..good.len()).step_by(good.len() / 97) {
            let mut bad = good.clone();
            bad[at] ^= 4;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(read_all().unwrap_err().code(), Code::Damaged, "byte {at}");
        }
        for length in [0, 7, 19, 30, good.len() / 2, good.len() - 1] {
            std::fs::write(&path, &good[..length]).unwrap();
            assert_eq!(read_all().unwrap_err().code(), Code::Damaged, "{length} bytes");
        }
    }
}
