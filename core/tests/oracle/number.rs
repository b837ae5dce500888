//! Exact numbers: fractions of big integers, how text and doubles become them, and the way back.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::json::is_number;
use super::{OracleError, failed};

/// A fraction that is never rounded. The denominator is above zero.
#[derive(Clone, Debug)]
pub struct Exact {
    top: BigInt,
    bottom: BigInt,
}

impl Exact {
    pub fn int(value: i128) -> Exact {
        Exact { top: value.into(), bottom: 1.into() }
    }

    pub fn fraction(top: impl Into<BigInt>, bottom: impl Into<BigInt>) -> Exact {
        let (top, bottom) = (top.into(), bottom.into());
        assert!(bottom.sign() == Sign::Plus, "a denominator above zero");
        Exact { top, bottom }
    }

    /// `unscaled × 10^-scale`; a negative scale multiplies.
    pub fn decimal(unscaled: i128, scale: i32) -> Exact {
        Exact::scaled(unscaled.into(), scale)
    }

    fn scaled(unscaled: BigInt, scale: i32) -> Exact {
        let power = BigInt::from(10).pow(scale.unsigned_abs());
        if scale >= 0 {
            Exact { top: unscaled, bottom: power }
        } else {
            Exact { top: unscaled * power, bottom: 1.into() }
        }
    }

    /// The value of a double, to the last bit. The double is finite.
    pub fn of_double(value: f64) -> Exact {
        let bits = value.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i32;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, power) = match exponent {
            0 => (fraction, -1074),
            _ => (fraction | (1 << 52), exponent - 1075),
        };
        let mut top = BigInt::from(mantissa);
        if value.is_sign_negative() {
            top = -top;
        }
        let shift = BigInt::from(1) << power.unsigned_abs();
        if power >= 0 {
            Exact { top: top * shift, bottom: 1.into() }
        } else {
            Exact { top, bottom: shift }
        }
    }

    /// The decimal nearest to the double with nine digits after the point, ties away from zero.
    pub fn nine_digits(value: f64) -> Exact {
        let exact = Exact::of_double(value);
        let negative = exact.top.sign() == Sign::Minus;
        let size = BigInt::from(exact.top.magnitude().clone()) * 1_000_000_000;
        // floor(x + 1/2) of the size rounds ties away from zero
        let rounded: BigInt = (size * 2 + &exact.bottom) / (&exact.bottom * 2);
        let top = if negative { -rounded } else { rounded };
        Exact { top, bottom: 1_000_000_000.into() }
    }

    /// The double nearest to the fraction, ties to even.
    pub fn nearest_double(&self) -> f64 {
        if self.top.sign() == Sign::NoSign {
            return 0.0;
        }
        let size = BigInt::from(self.top.magnitude().clone());
        let shift = 66 - (size.bits() as i64 - self.bottom.bits() as i64);
        let (upper, lower) = if shift >= 0 {
            (size << shift as u64, self.bottom.clone())
        } else {
            (size, self.bottom.clone() << shift.unsigned_abs())
        };
        let quotient = &upper / &lower;
        let exact = &quotient * &lower == upper;
        let mut bits = u128::try_from(quotient).expect("67 bits") << 1;
        if !exact {
            bits |= 1;
        }
        let scaled = bits as f64 * 2f64.powi(-(shift as i32) - 1);
        if self.top.sign() == Sign::Minus { -scaled } else { scaled }
    }

    pub fn plus(&self, other: &Exact) -> Exact {
        if &self.bottom % &other.bottom == BigInt::ZERO {
            let factor = &self.bottom / &other.bottom;
            return Exact { top: &self.top + &other.top * factor, bottom: self.bottom.clone() };
        }
        if &other.bottom % &self.bottom == BigInt::ZERO {
            return other.plus(self);
        }
        Exact {
            top: &self.top * &other.bottom + &other.top * &self.bottom,
            bottom: &self.bottom * &other.bottom,
        }
    }

    pub fn minus(&self, other: &Exact) -> Exact {
        self.plus(&Exact { top: -other.top.clone(), bottom: other.bottom.clone() })
    }

    pub fn times(&self, other: &Exact) -> Exact {
        Exact { top: &self.top * &other.top, bottom: &self.bottom * &other.bottom }
    }

    /// Rounded up to an integer.
    pub fn ceiling(&self) -> BigInt {
        let (quotient, rest) = (&self.top / &self.bottom, &self.top % &self.bottom);
        // division truncates, so only a positive rest is short
        if rest.sign() == Sign::Plus { quotient + 1 } else { quotient }
    }

    pub fn sign(&self) -> Ordering {
        match self.top.sign() {
            Sign::Minus => Ordering::Less,
            Sign::NoSign => Ordering::Equal,
            Sign::Plus => Ordering::Greater,
        }
    }

    /// The number as text, cut off after `places` digits.
    pub fn text(&self, places: u32) -> String {
        let size = BigInt::from(self.top.magnitude().clone());
        let scaled = size * BigInt::from(10).pow(places) / &self.bottom;
        let digits = format!("{scaled:0>width$}", width = places as usize + 1);
        let (whole, after) = digits.split_at(digits.len() - places as usize);
        let after = after.trim_end_matches('0');
        let sign = if self.sign() == Ordering::Less { "-" } else { "" };
        let point = if after.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{after}")
    }

    /// Whether the number has more than 38 digits when written with `scale` digits after the point.
    pub fn overflows(&self, scale: u32) -> bool {
        let size = BigInt::from(self.top.magnitude().clone()) * BigInt::from(10).pow(scale);
        size >= BigInt::from(10).pow(38) * &self.bottom
    }

    /// A number as JSON writes it: every digit kept.
    pub fn parse(text: &str) -> Result<Exact, OracleError> {
        if !is_number(text) {
            return failed("bad_value", format!("{text:?} is no number"));
        }
        let lower = text.to_ascii_lowercase();
        let (digits, power) = match lower.split_once('e') {
            Some((digits, power)) => (digits, power.parse::<i32>().unwrap_or(i32::MAX)),
            None => (lower.as_str(), 0),
        };
        if power.abs() > 400 {
            return failed("bad_value", format!("{text:?} is too far from one"));
        }
        let places = digits.split_once('.').map_or(0, |(_, after)| after.len() as i32);
        let unscaled: BigInt = digits.replace('.', "").parse().expect("only digits");
        Ok(Exact::scaled(unscaled, places - power))
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Exact) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Exact {}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Exact) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Exact) -> Ordering {
        if self.bottom == other.bottom {
            self.top.cmp(&other.top)
        } else {
            (&self.top * &other.bottom).cmp(&(&other.top * &self.bottom))
        }
    }
}
