//! The dictionary of user keys: blobs of 65,536 keys each, in the order of their ordinals.
//!
//! A block of integers is their 64 bits, little-endian. A block of strings is the length in bytes
//! of each, as 32 bits little-endian, and then all their bytes. Only the last block is ever
//! written again.

use std::collections::HashSet;

use arrow::array::{ArrayBuilder, Int64Array, LargeStringBuilder};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::table::{all, checksum, first, number};
use crate::catalog::stored;
use crate::error::Code;
use crate::model::{Key, KeyColumn, KeyType};

/// How many keys a block holds.
const BLOCK: usize = 65_536;

/// The kind of the keys, once there are any.
pub(super) fn key_type(connection: &Connection) -> Result<Option<KeyType>, Fault> {
    let sql = "SELECT value FROM segmentry_meta WHERE name = 'key_type'";
    let name: Option<String> = first(connection, sql, [], |row| Ok(row.get(0)?))?;
    name.map(|name| match name.as_str() {
        "int" => Ok(KeyType::Int),
        "text" => Ok(KeyType::Text),
        other => Err(Fault::damaged(format!("there is no key type {other:?}"))),
    })
    .transpose()
}

/// The keys from ordinal `from` on; there is none where a user was forgotten.
pub(super) fn read(connection: &Connection, from: u32) -> Result<Option<KeyColumn>, Fault> {
    let Some(keys) = written(connection, from)? else { return Ok(None) };
    let sql = "SELECT ordinal FROM segmentry_forgotten WHERE ordinal >= ?1";
    let forgotten: Vec<u32> = all(connection, sql, [from], |row| Ok(row.get(0)?))?;
    Ok(Some(stored::without(&keys, forgotten.into_iter().map(|ordinal| ordinal - from))))
}

/// The same with what is written where a user was forgotten.
fn written(connection: &Connection, from: u32) -> Result<Option<KeyColumn>, Fault> {
    let Some(key_type) = key_type(connection)? else { return Ok(None) };
    let from = from as usize;
    // Who only asks whether there are more need not take a block apart.
    let sql = "SELECT 1 FROM segmentry_key_block WHERE block > ?1 OR block = ?1 AND count > ?2";
    let place = [ordinal(from / BLOCK), ordinal(from % BLOCK)];
    if first(connection, sql, place, |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    let mut expected = from / BLOCK;
    // Not from what the blocks say of themselves, which may be anything in a damaged file.
    let sql = "SELECT COUNT(*) FROM segmentry_key_block WHERE block >= ?1";
    let blocks = size(number(connection, sql, [ordinal(expected)])?)?;
    let mut keys = Growing::new(key_type, blocks.saturating_mul(BLOCK));
    let sql = "SELECT block, count, checksum, data FROM segmentry_key_block
               WHERE block >= ?1 ORDER BY block";
    all(connection, sql, [ordinal(expected)], |row| {
        let block = Block::read(row)?;
        // A gap, or a block after one that is not full, would shift all later ordinals.
        if block.number != expected || !keys.len().is_multiple_of(BLOCK) {
            return Err(damaged(expected));
        }
        expected += 1;
        keys.decode(&block)
    })?;
    Ok(keys.from(from % BLOCK))
}

/// Looks at every block by itself, and tells of each how many keys it holds or what is wrong.
pub(super) fn verify(
    connection: &Connection,
    mut tell: impl FnMut(usize, Result<usize, String>),
) -> Result<(), Fault> {
    let Some(key_type) = key_type(connection)? else { return Ok(()) };
    let sql = "SELECT block FROM segmentry_key_block ORDER BY block";
    let numbers: Vec<i64> = all(connection, sql, [], |row| Ok(row.get(0)?))?;
    let last = numbers.len().saturating_sub(1);
    let sql = "SELECT block, count, checksum, data FROM segmentry_key_block WHERE block = ?1";
    for (expected, number) in numbers.into_iter().enumerate() {
        let mut keys = Growing::new(key_type, BLOCK);
        let looked = first(connection, sql, [number], |row| {
            let block = Block::read(row)?;
            keys.decode(&block)?;
            Ok(block.number)
        });
        match looked {
            Ok(Some(number)) if number != expected => {
                tell(expected, Err(format!("it is missing, the next is {number}")));
                return Ok(());
            }
            Ok(Some(_)) if expected < last && keys.len() < BLOCK => {
                tell(expected, Err(format!("it holds {} keys and is not the last", keys.len())));
            }
            Ok(_) => tell(expected, Ok(keys.len())),
            Err(fault) if fault.code() == Code::Damaged => tell(expected, Err(fault.to_string())),
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// Adds keys after the first `count`, if there are exactly so many.
pub(super) fn append(connection: &Connection, count: u32, new: &KeyColumn) -> Result<bool, Fault> {
    let known = key_type(connection)?;
    stored::check_key_type(known.unwrap_or(new.key_type()), new.key_type())?;
    let count = count as usize;
    let there =
        size(number(connection, "SELECT COALESCE(SUM(count), 0) FROM segmentry_key_block", [])?)?;
    if there > count {
        return Ok(false);
    }
    if there < count {
        let message = format!("{count} keys were expected, {there} are there");
        return Err(Fault::internal(message));
    }
    stored::check_key_count(there, new.len())?;
    if new.is_empty() {
        return Ok(true);
    }
    let sql = "INSERT OR REPLACE INTO segmentry_meta (name, value) VALUES ('key_type', ?1)";
    connection.prepare_cached(sql)?.execute([new.key_type().as_str()])?;
    write(connection, there, new)?;
    Ok(true)
}

/// Writes nothing over a key, and says which ordinal it had.
pub(super) fn blank(connection: &Connection, key: &Key) -> Result<Option<u32>, Fault> {
    let Some(key_type) = key_type(connection)? else { return Ok(None) };
    let sql = "SELECT ordinal FROM segmentry_forgotten";
    let forgotten: HashSet<usize> =
        all(connection, sql, [], |row| size(row.get(0)?))?.into_iter().collect();
    let blocks = number(connection, "SELECT COUNT(*) FROM segmentry_key_block", [])?;
    let sql = "SELECT block, count, checksum, data FROM segmentry_key_block WHERE block = ?1";
    for block in 0..size(blocks)? {
        let mut keys = Growing::new(key_type, BLOCK);
        first(connection, sql, [ordinal(block)], |row| keys.decode(&Block::read(row)?))?
            .ok_or_else(|| damaged(block))?;
        let Some(keys) = keys.from(0) else { continue };
        let is_it = |place: &usize| !forgotten.contains(&(block * BLOCK + place));
        let Some(place) = stored::places(&keys, key).find(is_it) else { continue };
        write_block(connection, block, &stored::blanked(&keys, place))?;
        return Ok(Some(u32_of(block * BLOCK + place)?));
    }
    Ok(None)
}

fn write(connection: &Connection, there: usize, new: &KeyColumn) -> Result<(), Fault> {
    let mut done = 0;
    let mut block = there / BLOCK;
    let begun = there % BLOCK;
    if begun > 0 {
        let last = written(connection, u32_of(block * BLOCK)?)?.ok_or_else(|| damaged(block))?;
        done = new.len().min(BLOCK - begun);
        let joined = stored::join(&last, &stored::slice(new, 0..done))?;
        write_block(connection, block, &joined)?;
        block += 1;
    }
    while done < new.len() {
        let end = new.len().min(done + BLOCK);
        write_block(connection, block, &stored::slice(new, done..end))?;
        done = end;
        block += 1;
    }
    Ok(())
}

fn write_block(connection: &Connection, block: usize, keys: &KeyColumn) -> Result<(), Fault> {
    let data = encode(keys)?;
    let sql = "INSERT OR REPLACE INTO segmentry_key_block (block, count, checksum, data)
               VALUES (?1, ?2, ?3, ?4)";
    let row = params![ordinal(block), ordinal(keys.len()), checksum(&data), data];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn encode(keys: &KeyColumn) -> Result<Vec<u8>, Fault> {
    match keys {
        KeyColumn::Int(keys) => {
            Ok(keys.values().iter().flat_map(|key| key.to_le_bytes()).collect())
        }
        KeyColumn::Text(keys) => {
            let mut data = Vec::new();
            for key in keys.iter().flatten() {
                data.extend(u32_of(key.len())?.to_le_bytes());
            }
            keys.iter().flatten().for_each(|key| data.extend(key.as_bytes()));
            Ok(data)
        }
    }
}

/// A block as it is stored, its checksum right.
struct Block<'a> {
    number: usize,
    count: usize,
    data: &'a [u8],
}

impl<'a> Block<'a> {
    fn read(row: &'a Row<'_>) -> Result<Self, Fault> {
        let number = size(row.get(0)?)?;
        let count = size(row.get(1)?)?;
        let sum: i64 = row.get(2)?;
        match row.get_ref(3)? {
            ValueRef::Blob(data) if checksum(data) == sum && (1..=BLOCK).contains(&count) => {
                Ok(Block { number, count, data })
            }
            _ => Err(damaged(number)),
        }
    }

    fn texts(&self) -> Option<Vec<&'a str>> {
        let (lengths, mut bytes) = self.data.split_at_checked(self.count * 4)?;
        let mut texts = Vec::with_capacity(self.count);
        for length in lengths.as_chunks::<4>().0 {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (text, rest) = bytes.split_at_checked(length)?;
            texts.push(std::str::from_utf8(text).ok()?);
            bytes = rest;
        }
        bytes.is_empty().then_some(texts)
    }
}

/// Keys as they come out of their blocks.
enum Growing {
    Int(Vec<i64>),
    Text(LargeStringBuilder),
}

impl Growing {
    /// With room for so many: a vector that grows has up to three times what it holds.
    fn new(key_type: KeyType, room: usize) -> Self {
        match key_type {
            KeyType::Int => Growing::Int(Vec::with_capacity(room)),
            KeyType::Text => Growing::Text(LargeStringBuilder::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Growing::Int(keys) => keys.len(),
            Growing::Text(keys) => keys.len(),
        }
    }

    fn decode(&mut self, block: &Block<'_>) -> Result<(), Fault> {
        match self {
            Growing::Int(keys) => {
                let (chunks, rest) = block.data.as_chunks::<8>();
                if chunks.len() != block.count || !rest.is_empty() {
                    return Err(damaged(block.number));
                }
                keys.extend(chunks.iter().map(|bytes| i64::from_le_bytes(*bytes)));
            }
            Growing::Text(keys) => {
                let texts = block.texts().ok_or_else(|| damaged(block.number))?;
                texts.into_iter().for_each(|text| keys.append_value(text));
            }
        }
        Ok(())
    }

    /// The keys but the first `skip`, or `None` if no more are there.
    fn from(self, skip: usize) -> Option<KeyColumn> {
        let keys = match self {
            Growing::Int(keys) => KeyColumn::Int(Int64Array::from(keys)),
            Growing::Text(mut keys) => KeyColumn::Text(keys.finish()),
        };
        (skip < keys.len()).then(|| stored::slice(&keys, skip..keys.len()))
    }
}

fn damaged(block: usize) -> Fault {
    Fault::damaged(format!("block {block} of the user keys is not what was written"))
}

fn size(number: i64) -> Result<usize, Fault> {
    usize::try_from(number)
        .map_err(|_| Fault::damaged(format!("the user keys hold the count {number}")))
}

fn ordinal(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn u32_of(number: usize) -> Result<u32, Fault> {
    u32::try_from(number)
        .map_err(|_| Fault::Known(Code::LimitExceeded, "a user key is too long".to_owned()))
}
