//! The one pass over the bytes: where lines and fields end.
//!
//! Eight bytes are looked at in one step. In a guest each access to memory is checked, and each step asks besides whether
//! the call's time is over, so that a step for each byte would cost a plugin four times what it costs the gateway.

use super::text::BYTE_ORDER_MARK;

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const TOPS: u64 = ONES << 7;

/// The highest bit of each of eight bytes that is the wanted one, and no other bit.
#[inline]
fn equal(word: u64, wanted: u8) -> u64 {
    // A byte is zero where it is the wanted one; what is added carries into its highest bit unless it is, and no further.
    let zeroed = word ^ (ONES * u64::from(wanted));
    !(((zeroed & !TOPS) + !TOPS) | zeroed) & TOPS
}

/// Where the byte stands first.
#[inline]
pub(super) fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (number, chunk) in chunks.iter().enumerate() {
        let found = equal(u64::from_le_bytes(*chunk), wanted);
        if found != 0 {
            return Some(number * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|byte| *byte == wanted).map(|at| chunks.len() * 8 + at)
}

/// Marks where the fields of the line end that begins here, and says where the line ends. Before any header there is no
/// separator, and a line is one field. `None` if there are more fields than may be.
pub(super) fn fields(
    bytes: &[u8],
    start: usize,
    separator: Option<u8>,
    ends: &mut Vec<u32>,
    fields_max: usize,
) -> Option<usize> {
    let looked_for = separator.unwrap_or(b'\r');
    let (chunks, rest) = bytes[start..].as_chunks::<8>();
    let mut at = start;
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        let mut found = equal(word, looked_for) | equal(word, b'\r') | equal(word, b'\n') | equal(word, 0x1c);
        while found != 0 {
            let here = at + found.trailing_zeros() as usize / 8;
            found &= found - 1;
            if separator == Some(bytes[here]) {
                push(ends, here, fields_max)?;
            } else if ends_line(bytes, here) {
                push(ends, here, fields_max)?;
                return Some(here);
            }
        }
        at += 8;
    }
    for (offset, byte) in rest.iter().enumerate() {
        if separator == Some(*byte) {
            push(ends, at + offset, fields_max)?;
        } else if matches!(byte, b'\r' | b'\n' | 0x1c) && ends_line(bytes, at + offset) {
            push(ends, at + offset, fields_max)?;
            return Some(at + offset);
        }
    }
    push(ends, bytes.len(), fields_max)?;
    Some(bytes.len())
}

fn push(ends: &mut Vec<u32>, end: usize, fields_max: usize) -> Option<()> {
    if ends.len() >= fields_max {
        return None;
    }
    ends.push(u32::try_from(end).ok()?);
    Some(())
}

/// CR and LF end a line. So does MLLP's end of a block, if it is one: if a line ends after it, or all does.
fn ends_line(bytes: &[u8], at: usize) -> bool {
    bytes[at] != 0x1c || matches!(bytes.get(at + 1), None | Some(b'\r' | b'\n' | 0x0b | 0x1c))
}

/// Where the next line begins, if there is one: after line ends, blank lines and the bytes of MLLP's frames.
pub(super) fn next_line(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(byte) = bytes.get(at) {
        let frames = matches!(byte, b'\r' | b'\n' | 0x0b) || (*byte == 0x1c && ends_line(bytes, at));
        // A byte order mark with nothing after it on its line.
        let mark = bytes[at..].strip_prefix(BYTE_ORDER_MARK);
        match mark {
            _ if frames => at += 1,
            Some(rest) if matches!(rest.first(), None | Some(b'\r' | b'\n' | 0x0b)) => at += BYTE_ORDER_MARK.len(),
            _ => return Some(at),
        }
    }
    None
}

/// The second field of a header, from the bytes after the first separator.
pub(super) fn declaration(rest: &[u8], field: u8) -> &[u8] {
    let end = (0..rest.len())
        .find(|at| rest[*at] == field || (matches!(rest[*at], b'\r' | b'\n' | 0x1c) && ends_line(rest, *at)));
    &rest[..end.unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::find;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_are_found_where_they_stand(
            bytes in proptest::collection::vec(0_u8..4, 0..40),
            wanted in 0_u8..4,
            high in any::<bool>(),
        ) {
            let lift = |byte: u8| if high { byte | 0x80 } else { byte };
            let bytes: Vec<u8> = bytes.into_iter().map(lift).collect();
            prop_assert_eq!(find(&bytes, lift(wanted)), bytes.iter().position(|byte| *byte == lift(wanted)));
        }
    }
}
