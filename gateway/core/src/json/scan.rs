//! Strings and numbers, byte by byte.

use std::borrow::Cow;

use super::FaultKind;

/// A fault and where it is.
pub(super) type Found<T> = Result<T, (FaultKind, usize)>;

/// Reads a string whose opening quote is just before `at`: what it says, and the position after its closing quote.
///
/// The text is UTF-8 already, so that only quotes, backslashes and control characters count. What it says is only put together if
/// `wanted`, which keys are and values are not.
pub(super) fn string(text: &str, at: usize, wanted: bool) -> Found<(Cow<'_, str>, usize)> {
    let bytes = text.as_bytes();
    let (mut said, mut start, mut at) = (Cow::Borrowed(""), at, at);
    loop {
        at = plain(bytes, at);
        match bytes.get(at) {
            Some(b'"') => {
                let tail = &text[start..at];
                let whole = if said.is_empty() { Cow::Borrowed(tail) } else { said + tail };
                return Ok((whole, at + 1));
            }
            Some(b'\\') => {
                let (character, after) = escape(bytes, at)?;
                if wanted {
                    said.to_mut().push_str(&text[start..at]);
                    said.to_mut().push(character);
                }
                (start, at) = (after, after);
            }
            Some(_) => return Err((FaultKind::Control, at)),
            None => return Err((FaultKind::Ended, at)),
        }
    }
}

/// The position of the next byte that is not simply part of a string. Eight at a time: strings are most of a document.
fn plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_ne_bytes(*chunk);
        // A byte below n, as long as it is ASCII, borrows from its high bit when n is taken from it.
        let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGHS;
        let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        if below(word, 0x20) | equal(b'"') | equal(b'\\') != 0 {
            break;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// Reads an escape whose backslash is at `at`: the character it means, and the position after it.
fn escape(bytes: &[u8], at: usize) -> Found<(char, usize)> {
    let simple = match bytes.get(at + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{C}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(bytes, at),
        Some(_) => return Err((FaultKind::Escape, at)),
        None => return Err((FaultKind::Ended, at + 1)),
    };
    Ok((simple, at + 2))
}

/// Reads `\uXXXX`, or two of them that are a surrogate pair.
fn unicode(bytes: &[u8], at: usize) -> Found<(char, usize)> {
    let first = four_digits(bytes, at + 2)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, at + 6));
    }
    let lone = Err((FaultKind::Surrogate, at));
    if first >= 0xDC00 || bytes.get(at + 6..at + 8) != Some(b"\\u") {
        return lone;
    }
    let second = four_digits(bytes, at + 8)?;
    if !(0xDC00..0xE000).contains(&second) {
        return lone;
    }
    let character = char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00));
    character.map_or(lone, |character| Ok((character, at + 12)))
}

fn four_digits(bytes: &[u8], at: usize) -> Found<u32> {
    let mut value = 0;
    for at in at..at + 4 {
        let byte = *bytes.get(at).ok_or((FaultKind::Ended, at))?;
        let digit = char::from(byte).to_digit(16).ok_or((FaultKind::Escape, at))?;
        value = value << 4 | digit;
    }
    Ok(value)
}

/// Reads a number that begins at `at`, and returns the position after it.
pub(super) fn number(text: &str, at: usize) -> Found<usize> {
    let bytes = text.as_bytes();
    let digits = |at: usize| at + bytes.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
    let some_digits = |at: usize| match digits(at) {
        end if end > at => Ok(end),
        _ if at >= bytes.len() => Err((FaultKind::Ended, at)),
        _ => Err((FaultKind::Number, at)),
    };
    let start = at;
    let mut at = at + usize::from(bytes.get(at) == Some(&b'-'));
    let integer = at;
    at = some_digits(at)?;
    if at - integer > 1 && bytes[integer] == b'0' {
        return Err((FaultKind::Number, integer));
    }
    if bytes.get(at) == Some(&b'.') {
        at = some_digits(at + 1)?;
    }
    let has_exponent = matches!(bytes.get(at), Some(b'e' | b'E'));
    if has_exponent {
        let signed = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        at = some_digits(at + 1 + usize::from(signed))?;
    }
    // The largest double has 309 digits: what is shorter and has no exponent needs no closer look.
    if (has_exponent || at - start > 300) && text[start..at].parse::<f64>().is_ok_and(f64::is_infinite) {
        return Err((FaultKind::NumberRange, start));
    }
    Ok(at)
}
