//! The arithmetic of the shared pass: 64 users at a time, one in each lane.
//!
//! A measure of a stream is a table of rows, one per stretch of time between two edges that the
//! stream's metrics use, and one more at the end: `rows[r][lane]`. Events are scattered into it,
//! then totals are added up from the last row to the first, so that what lies between two edges is
//! `rows[start] - rows[end]`. Loops run over whole rows without branches, which is what compilers
//! turn into vector instructions; comparisons leave one byte per lane, and eight multiplications
//! gather these into the 64 bits of a mask.

use std::ops::Bound;

use crate::document::Number;

/// How many users are worked on at once.
pub(super) const LANES: usize = 64;

/// A value for each user.
pub(super) type Row = [i64; LANES];

/// A truth for each user, as bytes of 0 and 1.
type Truths = [u8; LANES];

/// What stands where there is no least value.
pub(super) const NO_LEAST: i64 = i64::MAX;
/// What stands where there is no greatest value.
pub(super) const NO_GREATEST: i64 = i64::MIN;

/// Gathers truths into a mask, the first user in the lowest bit.
#[inline(always)]
fn mask(truths: &Truths) -> u64 {
    // Multiplying moves the lowest bit of each of eight bytes into the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (eights, _) = truths.as_chunks::<8>();
    eights.iter().rev().fold(0, |mask, eight| {
        (mask << 8) | (u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56)
    })
}

/// Adds up from the last row to the first; the last is there and stays zero.
#[inline(always)]
pub(super) fn add_up(rows: &mut [Row]) {
    let mut below: Row = [0; LANES];
    for row in rows.iter_mut().rev() {
        for (sum, value) in below.iter_mut().zip(row.iter_mut()) {
            *sum = sum.wrapping_add(*value);
            *value = *sum;
        }
    }
}

/// The same for the least or greatest of each lane.
#[inline(always)]
pub(super) fn reach_up(rows: &mut [Row], least: bool) {
    let none = if least { NO_LEAST } else { NO_GREATEST };
    let mut below: Row = [none; LANES];
    for row in rows.iter_mut().rev() {
        below = further(&below, row, least);
        *row = below;
    }
}

/// The lesser or the greater of each lane.
///
/// Lanes are counted, and which of the two is meant is asked outside of the loops: of iterators
/// with `min` or `max` the compiler makes no vector instructions, which takes seven times as long.
#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "rows have LANES lanes, which the compiler sees")]
fn further(one: &Row, other: &Row, least: bool) -> Row {
    let mut out = [0; LANES];
    if least {
        for lane in 0..LANES {
            out[lane] = if one[lane] < other[lane] { one[lane] } else { other[lane] };
        }
    } else {
        for lane in 0..LANES {
            out[lane] = if one[lane] > other[lane] { one[lane] } else { other[lane] };
        }
    }
    out
}

/// What lies between two rows that were added up.
#[inline(always)]
pub(super) fn between(start: &Row, end: &Row) -> Row {
    let mut out = [0; LANES];
    for ((out, start), end) in out.iter_mut().zip(start).zip(end) {
        *out = start.wrapping_sub(*end);
    }
    out
}

/// The least or greatest of each lane over rows.
#[inline(always)]
pub(super) fn extreme(rows: &[Row], least: bool) -> Row {
    let none: Row = [if least { NO_LEAST } else { NO_GREATEST }; LANES];
    rows.iter().fold(none, |out, row| further(&out, row, least))
}

/// The lanes whose value is not `missing`.
#[inline(always)]
pub(super) fn present(values: &Row, missing: i64) -> u64 {
    let mut truths: Truths = [0; LANES];
    for (truth, value) in truths.iter_mut().zip(values) {
        *truth = u8::from(*value != missing);
    }
    mask(&truths)
}

/// The lanes in which two values stand to one another as they should.
#[inline(always)]
pub(super) fn lanes_where(left: &Row, right: &Row, holds: impl Fn(i64, i64) -> bool) -> u64 {
    let mut truths: Truths = [0; LANES];
    for ((truth, left), right) in truths.iter_mut().zip(left).zip(right) {
        *truth = u8::from(holds(*left, *right));
    }
    mask(&truths)
}

/// The lanes whose value lies within one of the inclusive ranges.
#[inline(always)]
pub(super) fn within(values: &Row, ranges: &[(i64, i64)]) -> u64 {
    let mut truths: Truths = [0; LANES];
    for (low, high) in ranges {
        // Both ends at once: below the low end, the distance wraps and is large.
        let width = high.wrapping_sub(*low).cast_unsigned();
        for (truth, value) in truths.iter_mut().zip(values) {
            *truth |= u8::from(value.wrapping_sub(*low).cast_unsigned() <= width);
        }
    }
    mask(&truths)
}

/// An end of a range of averages, such that `sum × of_sum` compares with `count × of_count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RatioEnd {
    of_sum: i64,
    of_count: i64,
    inclusive: bool,
}

/// A range of averages whose comparison fits 64 bits for sums and counts below known sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RatioRange {
    low: Option<RatioEnd>,
    high: Option<RatioEnd>,
}

impl RatioEnd {
    fn of(number: Number, inclusive: bool, scale: i8) -> Option<Self> {
        // sum / 10^scale / count against digits / 10^number.scale
        let shift = number.scale() - i32::from(scale);
        let power = |shift: i32| 10i128.checked_pow(u32::try_from(shift.max(0)).ok()?);
        let of_sum = i64::try_from(power(shift)?).ok()?;
        let of_count = i64::try_from(number.digits().checked_mul(power(-shift)?)?).ok()?;
        Some(RatioEnd { of_sum, of_count, inclusive })
    }

    /// Whether products with sums and counts up to these stay clear of the ends of 64 bits.
    fn fits(&self, sum: u128, count: u128) -> bool {
        let limit = 1u128 << 62;
        u128::from(self.of_sum.unsigned_abs()).saturating_mul(sum) < limit
            && u128::from(self.of_count.unsigned_abs()).saturating_mul(count) < limit
    }
}

impl RatioRange {
    pub(super) fn of(range: &(Bound<Number>, Bound<Number>), scale: i8) -> Option<Self> {
        let end = |bound: &Bound<Number>| match bound {
            Bound::Unbounded => Some(None),
            Bound::Included(number) => RatioEnd::of(*number, true, scale).map(Some),
            Bound::Excluded(number) => RatioEnd::of(*number, false, scale).map(Some),
        };
        Some(RatioRange { low: end(&range.0)?, high: end(&range.1)? })
    }

    pub(super) fn fits(&self, sum: u128, count: u128) -> bool {
        self.low.iter().chain(&self.high).all(|end| end.fits(sum, count))
    }
}

/// The lanes with a count whose average lies within one of the ranges, as far as 64 bits reach.
#[inline(always)]
pub(super) fn ratio_within(sums: &Row, counts: &Row, ranges: &[RatioRange]) -> u64 {
    let mut truths: Truths = [0; LANES];
    for range in ranges {
        let mut inside: Truths = [1; LANES];
        let ends = [(range.low, 1i64), (range.high, -1)];
        for (end, sign) in ends {
            let Some(end) = end else { continue };
            let least = i64::from(!end.inclusive);
            for ((inside, sum), count) in inside.iter_mut().zip(sums).zip(counts) {
                let distance = sum
                    .wrapping_mul(end.of_sum)
                    .wrapping_sub(count.wrapping_mul(end.of_count))
                    .wrapping_mul(sign);
                *inside &= u8::from(distance >= least);
            }
        }
        for (truth, inside) in truths.iter_mut().zip(&inside) {
            *truth |= inside;
        }
    }
    mask(&truths) & present(counts, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: impl Fn(usize) -> i64) -> Row {
        std::array::from_fn(value)
    }

    fn lanes(truth: impl Fn(usize) -> bool) -> u64 {
        (0..LANES).filter(|lane| truth(*lane)).fold(0, |mask, lane| mask | 1 << lane)
    }

    #[test]
    fn masks_have_a_bit_for_each_lane() {
        let values = row(|lane| lane as i64 * 7 % 13 - 6);
        for (low, high) in [(-3, 3), (i64::MIN, -1), (0, i64::MAX), (i64::MIN, i64::MAX), (2, 2)] {
            let expected = lanes(|lane| (low..=high).contains(&values[lane]));
            assert_eq!(within(&values, &[(low, high)]), expected, "{low}..={high}");
        }
        let two = within(&values, &[(-6, -6), (6, 6)]);
        assert_eq!(two, lanes(|lane| values[lane].abs() == 6));
        assert_eq!(within(&values, &[]), 0);
        assert_eq!(present(&values, 0), lanes(|lane| values[lane] != 0));
    }

    #[test]
    fn windows_are_differences_of_sums() {
        let mut rows = [row(|_| 1), row(|lane| lane as i64), row(|_| -5), [0; LANES]];
        add_up(&mut rows);
        assert_eq!(between(&rows[0], &rows[2]), row(|lane| 1 + lane as i64));
        assert_eq!(between(&rows[2], &rows[3]), row(|_| -5));
        let mut reached = [row(|lane| lane as i64), row(|_| 40), row(|lane| 90 - lane as i64)];
        let expected = |row: usize| extreme(&reached[row..], false);
        let expected = [expected(0), expected(1), expected(2)];
        reach_up(&mut reached, false);
        assert_eq!(reached, expected);
        assert_eq!((reached[1][3], reached[1][60]), (87, 40));
        assert_eq!(extreme(&rows[..0], true), row(|_| NO_LEAST));
        assert_eq!(extreme(&[row(|_| 3), row(|lane| lane as i64)], false)[2], 3);
    }

    #[test]
    fn averages_are_compared_exactly() {
        let sums = row(|lane| lane as i64 - 32);
        let counts = row(|lane| (lane % 3) as i64);
        let number = |text: &str| text.parse::<Number>().unwrap();
        for (low, high) in [
            (Bound::Included(number("-1.5")), Bound::Excluded(number("4"))),
            (Bound::Excluded(number("0.005")), Bound::Unbounded),
            (Bound::Unbounded, Bound::Included(number("-0.16"))),
        ] {
            let range = RatioRange::of(&(low, high), 2).unwrap();
            assert!(range.fits(100, 3));
            let expected = lanes(|lane| {
                let average = sums[lane] as f64 / 100.0 / counts[lane] as f64;
                let above = match low {
                    Bound::Included(low) => average >= low.to_f64(),
                    Bound::Excluded(low) => average > low.to_f64(),
                    Bound::Unbounded => true,
                };
                counts[lane] > 0
                    && above
                    && match high {
                        Bound::Included(high) => average <= high.to_f64(),
                        Bound::Excluded(high) => average < high.to_f64(),
                        Bound::Unbounded => true,
                    }
            });
            assert_eq!(ratio_within(&sums, &counts, &[range]), expected, "{low:?} {high:?}");
        }
    }
}
