//! The masks of all atoms for some groups of a block, and the batch that they become.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, UInt32Array};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Result, resources_err};

use super::chunks::BLOCK;
use super::lanes::LANES;

/// One bit for each user of consecutive groups, for each atom.
pub(super) struct Masks {
    words: Vec<u64>,
    groups: Range<usize>,
}

/// `atom`, the ordinal of the `first` user, and `members`: bits, the lowest first.
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("atom", DataType::UInt32, false),
        Field::new("first", DataType::UInt32, false),
        Field::new("members", DataType::Binary, false),
    ]))
}

/// The groups between the first and the last of some places, both included.
pub(super) fn span(places: &[u16]) -> Range<usize> {
    match (places.first(), places.last()) {
        (Some(first), Some(last)) => usize::from(*first) / LANES..usize::from(*last) / LANES + 1,
        _ => 0..0,
    }
}

impl Masks {
    /// Nobody's, for so many atoms.
    pub(super) fn new(atoms: usize, groups: Range<usize>) -> Self {
        Masks { words: vec![0; atoms * groups.len()], groups }
    }

    #[inline(always)]
    pub(super) fn put(&mut self, atom: usize, group: usize, mask: u64) {
        let place = atom * self.groups.len() + group.wrapping_sub(self.groups.start);
        if let Some(word) = self.words.get_mut(place) {
            *word = mask;
        }
    }

    /// The masks as a batch. Where only some users of the block were asked about, `places` are
    /// theirs: the bits of the first group are those of the first 64 places.
    pub(super) fn into_batch(self, block: usize, places: Option<&[u16]>) -> Result<RecordBatch> {
        let width = self.groups.len();
        let atoms = self.words.len() / width.max(1);
        let (first, bytes, each) = match places {
            None => {
                let words = self.words.into_iter().map(u64::to_le).collect::<Vec<_>>();
                (self.groups.start, Buffer::from_vec(words), width * size_of::<u64>())
            }
            Some(places) => {
                let asked = self.groups.start * LANES..(self.groups.end * LANES).min(places.len());
                let places = places.get(asked).unwrap_or_default();
                let span = span(places);
                let each = span.len() * size_of::<u64>();
                let mut bytes = vec![0; each * atoms];
                let masks = self.words.chunks_exact(width.max(1));
                for (mask, bytes) in masks.zip(bytes.chunks_exact_mut(each.max(1))) {
                    spread(mask, places, span.start * LANES, bytes);
                }
                (span.start, Buffer::from_vec(bytes), each)
            }
        };
        if i32::try_from(each.saturating_mul(atoms)).is_err() {
            return resources_err!("the masks of {atoms} atoms do not fit one batch");
        }
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let first = number(block).saturating_mul(BLOCK).saturating_add(number(first * LANES));
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(each, atoms));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from_iter_values((0..atoms).map(number))),
            Arc::new(UInt32Array::from(vec![first; atoms])),
            Arc::new(BinaryArray::try_new(offsets, bytes, None)?),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}

/// Puts the bits of some users in their places; `bytes` begin with that of `first`.
fn spread(mask: &[u64], places: &[u16], first: usize, bytes: &mut [u8]) {
    for (word, places) in mask.iter().zip(places.chunks(LANES)) {
        let mut word = *word;
        while word != 0 {
            let place = places.get(word.trailing_zeros() as usize);
            let place = place.and_then(|place| usize::from(*place).checked_sub(first));
            if let Some(place) = place
                && let Some(byte) = bytes.get_mut(place / 8)
            {
                *byte |= 1 << (place % 8);
            }
            word &= word - 1;
        }
    }
}
