//! The one pass over the bytes: where lines and fields end.

use super::part::class;
use super::separators::Separators;
use super::text::BYTE_ORDER_MARK;

/// How many bytes can be marked: the end of a field has three bytes.
pub(super) const BYTES_MAX: usize = (1 << 24) - 1;

/// Where a field ends, and in the lowest byte what was seen in it. There are many of these, and a plugin pays for each page
/// of memory that it touches.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldMark(u32);

impl FieldMark {
    fn new(end: usize, seen: u8) -> Option<Self> {
        let end = u32::try_from(end).ok().filter(|end| *end <= u32::MAX >> 8)?;
        Some(Self(end << 8 | u32::from(seen)))
    }

    pub(super) fn end(self) -> usize {
        (self.0 >> 8) as usize
    }

    pub(super) fn seen(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    /// Notes that nothing in the field separates.
    pub(super) fn set_literal(&mut self) {
        self.0 |= u32::from(class::LITERAL);
    }
}

/// What each byte is, under the separators in force.
pub(super) struct Classes([u8; 256]);

impl Classes {
    /// Before any header: lines alone.
    pub(super) fn none() -> Self {
        let mut classes = [0; 256];
        classes[0x80..].fill(class::HIGH);
        classes[0x1b] = class::HIGH;
        for byte in [b'\r', b'\n', 0x1c] {
            classes[usize::from(byte)] = class::LINE;
        }
        Self(classes)
    }

    pub(super) fn of(separators: &Separators) -> Self {
        let Self(mut classes) = Self::none();
        for (separator, class) in [
            (separators.subcomponent, class::SUBCOMPONENT),
            (separators.component, class::COMPONENT),
            (separators.repetition, class::REPETITION),
            (separators.escape, class::ESCAPE),
            (Some(separators.field), class::FIELD),
        ] {
            if let Some(separator) = separator {
                classes[usize::from(separator)] |= class;
            }
        }
        Self(classes)
    }

    /// Marks the fields of the line that begins here, and says where it ends. `None` if there are more fields than may be.
    pub(super) fn fields(
        &self,
        bytes: &[u8],
        start: usize,
        fields: &mut Vec<FieldMark>,
        fields_max: usize,
    ) -> Option<usize> {
        let mut seen = 0;
        for (offset, byte) in bytes[start..].iter().enumerate() {
            let class = self.0[usize::from(*byte)];
            if class & (class::FIELD | class::LINE) == 0 {
                seen |= class;
                continue;
            }
            let at = start + offset;
            if class & class::LINE != 0 && ends_line(bytes, at) {
                push(fields, at, seen, fields_max)?;
                return Some(at);
            }
            if class & class::FIELD != 0 {
                push(fields, at, seen, fields_max)?;
                seen = 0;
            } else {
                seen |= class;
            }
        }
        push(fields, bytes.len(), seen, fields_max)?;
        Some(bytes.len())
    }
}

fn push(fields: &mut Vec<FieldMark>, end: usize, seen: u8, fields_max: usize) -> Option<()> {
    if fields.len() >= fields_max {
        return None;
    }
    fields.push(FieldMark::new(end, seen)?);
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
