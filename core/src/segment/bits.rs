//! A set of ordinals as one bit each: what is quick to fill in any order. A Roaring bitmap, which
//! is quick to combine and small to keep, is made of it block by block.

use roaring::RoaringBitmap;

/// How many bits there are to a word.
const WORD: u32 = u64::BITS;

/// So many words have the bits of one container of a Roaring bitmap.
const BLOCK: usize = 1024;

/// A set of ordinals below a number that is known beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// An empty set of ordinals below `count`.
    pub(crate) fn new(count: usize) -> Self {
        Bits(vec![0; count.div_ceil(WORD as usize)])
    }

    /// Takes an ordinal in; `false` if it is there already, or not below the count.
    #[inline]
    pub(crate) fn insert(&mut self, ordinal: u32) -> bool {
        let Some(word) = self.0.get_mut((ordinal / WORD) as usize) else { return false };
        let bit = 1 << (ordinal % WORD);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Takes in what the other has; both are for as many ordinals.
    pub(crate) fn union(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        let mut bytes = Vec::with_capacity(BLOCK * 8);
        for (first, words) in (0u32..).step_by(1 << 16).zip(self.0.chunks(BLOCK)) {
            bytes.clear();
            bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            found |= RoaringBitmap::from_lsb0_bytes(first, &bytes);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_what_was_taken_in() {
        let ordinals = [0, 1, 63, 64, 65_535, 65_536, 200_000, 64];
        let mut bits = Bits::new(200_001);
        let new: Vec<bool> = ordinals.iter().map(|ordinal| bits.insert(*ordinal)).collect();
        assert_eq!(new, [true, true, true, true, true, true, true, false]);
        assert!(!bits.insert(200_064), "it lies beyond all places");
        let mut other = Bits::new(200_001);
        other.insert(7);
        bits.union(&other);
        let expected: RoaringBitmap = ordinals.into_iter().chain([7]).collect();
        assert_eq!(bits.to_bitmap(), expected);
        assert!(Bits::new(0).to_bitmap().is_empty());
    }
}
