//! The texts of a column, each with a number from 0 that it keeps: a file of its own, written anew
//! when texts were added.

use std::collections::HashMap;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Code, Error, Result};

const MAGIC: &[u8; 8] = b"SGWORD01";

/// Texts and their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    texts: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(Code::Damaged, format!("the profile store's texts: {what}"))
}

impl Words {
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The number of a text, which is given one if it has none.
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }

    pub(crate) fn text(&self, number: i64) -> Option<&str> {
        self.texts.get(usize::try_from(number).ok()?).map(AsRef::as_ref)
    }

    /// The bytes of a file: a checksum, and each text with its length before it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for text in &self.texts {
            body.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            body.extend(text.as_bytes());
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(xxh3_64(&body).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    pub(super) fn open(path: &Path) -> Result<Words> {
        let bytes = std::fs::read(path).map_err(damaged)?;
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| damaged("cut off"))?;
        let (sum, mut body) = rest.split_first_chunk::<8>().ok_or_else(|| damaged("cut off"))?;
        if magic != MAGIC || u64::from_le_bytes(*sum) != xxh3_64(body) {
            return Err(damaged("they do not have the checksum that they had"));
        }
        let mut words = Words::default();
        while let Some((length, rest)) = body.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let (text, rest) = rest.split_at_checked(length).ok_or_else(|| damaged("cut off"))?;
            words.number(std::str::from_utf8(text).map_err(damaged)?);
            body = rest;
        }
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_numbers() {
        let mut words = Words::default();
        let texts = ["", "Reise", "旅行", "", "Reise", "a\0b"];
        let numbers = texts.map(|text| words.number(text));
        assert_eq!(numbers, [0, 1, 2, 0, 1, 3]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words");
        std::fs::write(&path, words.encode()).unwrap();
        let read = Words::open(&path).unwrap();
        assert_eq!((read.len(), read.text(2), read.text(4)), (4, Some("旅行"), None));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Words::open(&path).unwrap_err().code(), Code::Damaged);
    }
}
