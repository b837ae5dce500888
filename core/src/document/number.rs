//! Decimal numbers as they are written in a document: up to 38 significant digits, exact.

use std::cmp::Ordering;
use std::fmt;

/// The most significant digits that a number may have.
const MAX_DIGITS: usize = 38;
/// Beyond this power of ten no column type holds a value other than zero or infinity.
const MAX_EXPONENT: i64 = 10_000;

/// An exact decimal number, `digits × 10^-scale`, of up to 38 significant digits.
///
/// There is one representation of each value: trailing zeros are part of the scale, and zero has
/// scale 0 and no sign.
///
/// ```
/// use segmentry::Number;
/// let a: Number = "1.50".parse().unwrap();
/// assert_eq!(a, "15e-1".parse().unwrap());
/// assert_eq!(a.to_string(), "1.5");
/// assert!("1e99999".parse::<Number>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    digits: i128,
    scale: i32,
}

/// Why a text is no [`Number`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text is not a JSON number.
    #[error("not a number")]
    NotANumber,
    /// The number has more than 38 significant digits, or an exponent beyond ±10,000.
    #[error("a number may have at most 38 significant digits")]
    TooLong,
}

/// Where a number lies on the grid of the multiples of `10^-scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnGrid {
    /// It is this multiple.
    Exact(i128),
    /// It lies strictly between this multiple and the next.
    After(i128),
    /// It is larger than every multiple that 38 digits can count.
    Above,
    /// It is smaller than every such multiple.
    Below,
}

/// The largest whole number of 38 digits.
pub(crate) const MAX_38: i128 = 10i128.pow(38) - 1;

impl Number {
    /// Zero.
    pub const ZERO: Number = Number { digits: 0, scale: 0 };

    fn new(mut digits: i128, mut scale: i64) -> Option<Number> {
        if digits == 0 {
            return Some(Number::ZERO);
        }
        while digits % 10 == 0 {
            digits /= 10;
            scale -= 1;
        }
        let scale = i32::try_from(scale).ok()?;
        (i64::from(scale).abs() <= MAX_EXPONENT).then_some(Number { digits, scale })
    }

    /// `digits × 10^-scale`; `None` beyond 38 digits.
    #[must_use]
    pub fn from_parts(digits: i128, scale: i32) -> Option<Number> {
        if digits.unsigned_abs() > MAX_38.unsigned_abs() {
            return None;
        }
        Number::new(digits, i64::from(scale))
    }

    /// The significant digits with the sign; the last is not 0 unless the number is.
    #[must_use]
    pub fn digits(self) -> i128 {
        self.digits
    }

    /// How many of the digits stand after the point; negative for trailing zeros before it.
    #[must_use]
    pub fn scale(self) -> i32 {
        self.scale
    }

    /// The number as an integer, if it is a whole one in range.
    #[must_use]
    pub fn to_i64(self) -> Option<i64> {
        match self.on_grid(0) {
            OnGrid::Exact(value) => i64::try_from(value).ok(),
            _ => None,
        }
    }

    /// The nearest double; infinite beyond the range of doubles.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        // The standard library's reading of a decimal text rounds correctly.
        format!("{}e{}", self.digits, -i64::from(self.scale)).parse().unwrap_or(f64::NAN)
    }

    /// Whether the number is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// Where the number lies among the multiples of `10^-scale`.
    pub(crate) fn on_grid(self, scale: i32) -> OnGrid {
        let shift = i64::from(scale) - i64::from(self.scale);
        if self.digits == 0 {
            return OnGrid::Exact(0);
        }
        if shift >= 0 {
            let power = u32::try_from(shift).ok().and_then(|s| 10i128.checked_pow(s));
            return match power.and_then(|p| self.digits.checked_mul(p)) {
                Some(value) if value.abs() <= MAX_38 => OnGrid::Exact(value),
                _ if self.digits > 0 => OnGrid::Above,
                _ => OnGrid::Below,
            };
        }
        // The digits do not end in 0, so a number with more places than the grid is off it.
        let power = u32::try_from(-shift).ok().and_then(|s| 10i128.checked_pow(s));
        match power {
            Some(power) => OnGrid::After(self.digits.div_euclid(power)),
            None => OnGrid::After(if self.digits > 0 { 0 } else { -1 }),
        }
    }

    /// The power of ten of the first digit, and the digits brought to 38 places.
    fn aligned(self) -> (i64, i128) {
        let mut digits = self.digits;
        let mut exponent = -i64::from(self.scale);
        while digits != 0 && digits.abs() <= MAX_38 / 10 {
            digits *= 10;
            exponent -= 1;
        }
        (exponent, digits)
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = self.digits.signum().cmp(&other.digits.signum());
        if sign != Ordering::Equal || self.digits == 0 {
            return sign;
        }
        let ((e1, d1), (e2, d2)) = (self.aligned(), other.aligned());
        let magnitude = e1.cmp(&e2);
        if magnitude == Ordering::Equal {
            d1.cmp(&d2)
        } else if self.digits > 0 {
            magnitude
        } else {
            magnitude.reverse()
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Number::new(i128::from(value), 0).unwrap_or(Number::ZERO)
    }
}

impl std::str::FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => {
                let (mantissa, rest) = text.split_at(at);
                let rest = rest.get(1..).unwrap_or("");
                let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(NumberError::NotANumber);
                }
                // An exponent that overflows is too long, whatever the digits.
                (mantissa, rest.parse::<i64>().unwrap_or(i64::MAX))
            }
            None => (text, 0),
        };
        let (negative, body) = match mantissa.strip_prefix('-') {
            Some(body) => (true, body),
            None => (false, mantissa),
        };
        let (whole, fraction) = body.split_once('.').unwrap_or((body, "0"));
        let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if !is_digits(whole) || !is_digits(fraction) || leading_zero {
            return Err(NumberError::NotANumber);
        }
        let all = [whole, fraction].concat();
        let significant = all.trim_start_matches('0').trim_end_matches('0');
        if significant.len() > MAX_DIGITS {
            return Err(NumberError::TooLong);
        }
        if significant.is_empty() {
            return Ok(Number::ZERO);
        }
        let trailing = all.len() - all.trim_end_matches('0').len();
        let digits: i128 = significant.parse().map_err(|_| NumberError::NotANumber)?;
        let places = fraction.len() as i64 - trailing as i64;
        let scale = places.checked_sub(exponent).ok_or(NumberError::TooLong)?;
        Number::new(if negative { -digits } else { digits }, scale).ok_or(NumberError::TooLong)
    }
}

impl fmt::Display for Number {
    /// Writes a JSON number, without an exponent as long as it is short.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = self.digits.unsigned_abs().to_string();
        match usize::try_from(self.scale) {
            Ok(0) => write!(f, "{sign}{digits}"),
            Ok(scale) if scale < digits.len() => {
                let (whole, fraction) = digits.split_at(digits.len() - scale);
                write!(f, "{sign}{whole}.{fraction}")
            }
            Ok(scale) if scale <= 40 => {
                write!(f, "{sign}0.{}{digits}", "0".repeat(scale - digits.len()))
            }
            Err(_) if self.scale >= -38 => {
                let zeros = usize::try_from(-self.scale).unwrap_or(0);
                write!(f, "{sign}{digits}{}", "0".repeat(zeros))
            }
            _ => write!(f, "{sign}{digits}e{}", -i64::from(self.scale)),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn one_value_has_one_form() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("1.50", "1.5"),
            ("100", "100"),
            ("1e2", "100"),
            ("-12.340e-1", "-1.234"),
            ("0.001", "0.001"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ] {
            assert_eq!(number(text).to_string(), expected, "{text}");
            assert_eq!(number(expected), number(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "-", "1.", ".5", "01", "1e", "+1", "1e+", "0x1", "NaN", "1_000", " 1"] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::NotANumber), "{text}");
        }
        for text in ["123456789012345678901234567890123456789", "1e20000", "1e99999999999999999999"]
        {
            assert_eq!(text.parse::<Number>(), Err(NumberError::TooLong), "{text}");
        }
    }

    #[test]
    fn order_is_by_value() {
        let sorted =
            ["-1e30", "-2", "-1.5", "-1e-9", "0", "1e-9", "0.1", "1.5", "1.51", "2", "1e9"];
        for pair in sorted.windows(2) {
            assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn the_grid_of_a_column() {
        assert_eq!(number("1.5").on_grid(2), OnGrid::Exact(150));
        assert_eq!(number("1.5").on_grid(0), OnGrid::After(1));
        assert_eq!(number("-1.5").on_grid(0), OnGrid::After(-2));
        assert_eq!(number("1e40").on_grid(0), OnGrid::Above);
        assert_eq!(number("-1e40").on_grid(0), OnGrid::Below);
        assert_eq!(number("-1e-60").on_grid(2), OnGrid::After(-1));
        assert_eq!(number("200").on_grid(-2), OnGrid::Exact(2));
    }
}
