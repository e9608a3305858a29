//! Another number of as many digits.

use super::Redactor;
use serde_json::Number;

/// A number with as many digits before and after its point; 0 and 1 stay.
pub(super) fn redacted(redactor: &mut Redactor, number: &Number) -> Number {
    let text = number.to_string();
    if matches!(text.as_str(), "0" | "1" | "0.0" | "1.0" | "-0.0") {
        return number.clone();
    }
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let at = rest.find(['e', 'E']).unwrap_or(rest.len());
    let (mantissa, exponent) = rest.split_at(at);
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    // A text of the same digits, an id for instance, gets the same replacement.
    let other_whole = if whole == "0" { whole.to_owned() } else { redactor.replaced(whole) };
    let other_fraction = fraction.map(|digits| format!(".{}", decimals(redactor, digits)));
    let other = format!("{sign}{other_whole}{}{exponent}", other_fraction.unwrap_or_default());
    let fits = fitting(number, &other).or_else(|| fitting(number, &smaller(&other, sign)));
    // Beyond the largest that there is: nothing of as many digits can be written.
    fits.or_else(|| Number::from_f64(0.5)).unwrap_or_else(|| Number::from(0))
}

/// As many decimals: the last must not be a 0, or it would not be written.
fn decimals(redactor: &mut Redactor, digits: &str) -> String {
    if digits == "0" {
        return digits.to_owned();
    }
    let mut other = redactor.replaced(digits);
    if other.ends_with('0') {
        other.pop();
        other.push(if digits.ends_with('5') { '4' } else { '5' });
    }
    other
}

/// The number, if it is another of the same kind: what was whole stays whole, and the smallest fractions are rounded to one another.
fn fitting(original: &Number, text: &str) -> Option<Number> {
    let number: Number = text.parse().ok()?;
    (number.is_f64() == original.is_f64() && number != *original).then_some(number)
}

/// As many digits, at the lower end, where the largest whole numbers end in the middle of those with as many digits.
fn smaller(text: &str, sign: &str) -> String {
    let digits = text.strip_prefix(sign).unwrap_or(text);
    let rest: String = digits.chars().skip(2).collect();
    format!("{sign}10{rest}")
}
