//! Times sorted into the buckets between the edges of all windows.

use super::whole::Whole;

/// The bucket of events that no window holds.
pub(in crate::engine) const OUTSIDE: u16 = u16::MAX;

/// How many cells the time between the first and the last edge is parted into.
const CELLS: u32 = 4096;

/// Finds buckets: of the cell that a time falls in it knows the bucket that begins it, from which
/// the time's own is a few steps away, mostly none.
pub(in crate::engine) struct Buckets {
    bounds: Vec<i64>,
    open: bool,
    first: i64,
    shift: u32,
    cells: Vec<u16>,
}

impl Buckets {
    pub(in crate::engine) fn new(bounds: &[i64], open: bool) -> Self {
        let (first, last) = match (bounds.first(), bounds.last()) {
            (Some(first), Some(last)) => (*first, *last),
            _ => (0, 0),
        };
        let width = last.wrapping_sub(first).cast_unsigned();
        let shift = (u64::BITS - width.leading_zeros()).saturating_sub(CELLS.ilog2());
        let cell = |cell: u64| {
            let begins = first.wrapping_add((cell << shift).cast_signed());
            let before = bounds.partition_point(|bound| *bound <= begins);
            u16::try_from(before).unwrap_or(OUTSIDE)
        };
        let cells = (0..=width >> shift).map(cell).collect();
        Buckets { bounds: bounds.to_vec(), open, first, shift, cells }
    }

    /// Adds the bucket of each time to `out`.
    pub(in crate::engine) fn of(&self, times: &Whole, out: &mut Vec<u16>) {
        let end = self.bounds.last().copied().unwrap_or(i64::MIN);
        let before = if self.open && !self.bounds.is_empty() { 0 } else { OUTSIDE };
        let found = times.values.iter().map(|time| {
            if *time < self.first {
                return before;
            }
            if *time >= end {
                return OUTSIDE;
            }
            let cell = time.wrapping_sub(self.first).cast_unsigned() >> self.shift;
            let mut bucket = self.cells.get(cell as usize).copied().unwrap_or(0);
            while self.bounds.get(usize::from(bucket)).is_some_and(|bound| bound <= time) {
                bucket += 1;
            }
            bucket
        });
        match &times.valid {
            None => out.extend(found),
            Some(valid) => {
                out.extend(found.zip(valid).map(|(b, there)| if there { b } else { OUTSIDE }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bounds: &[i64], open: bool, times: &[i64]) {
        let mut out = Vec::new();
        let whole = Whole { values: times.to_vec().into(), valid: None, unfit: false };
        Buckets::new(bounds, open).of(&whole, &mut out);
        for (time, found) in times.iter().zip(out) {
            let bucket = bounds.iter().filter(|bound| *bound <= time).count();
            let inside = bucket < bounds.len() && (bucket > 0 || open);
            let expected = if inside { u16::try_from(bucket).unwrap() } else { OUTSIDE };
            assert_eq!(found, expected, "{time} among {bounds:?}, open {open}");
        }
    }

    #[test]
    fn every_time_has_its_bucket() {
        let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
        for bounds in [
            vec![],
            vec![5],
            vec![5, 5, 5],
            vec![-3, 0, 1, 2, 1_000_000_007],
            (0..5_000).map(|n| n * n).collect(),
            vec![i64::MIN, 0, i64::MAX],
            vec![i64::MIN + 1, i64::MIN + 2, i64::MAX - 1],
        ] {
            let near =
                bounds.iter().flat_map(|b: &i64| [b.saturating_sub(1), *b, b.saturating_add(1)]);
            let times: Vec<i64> = near.chain(ends).chain((0..300).map(|n| n * 83_333)).collect();
            check(&bounds, false, &times);
            check(&bounds, true, &times);
        }
    }
}
