//! HL7 version 2: the segments and what says how to read them stay, every value is replaced.

use super::{Redactor, moment};

/// Fields of the message's header that say what it is: its type, whether it is a test, and the version.
const KEPT_OF_HEADER: [usize; 3] = [8, 10, 11];

/// What separates the parts of a message; the message itself says it, in MSH-1 and MSH-2.
#[derive(Clone, Copy)]
struct Separators<'a> {
    field: char,
    encoding: &'a str,
}

impl Separators<'_> {
    fn separates(self, c: char) -> bool {
        c != self.escape() && self.encoding.contains(c)
    }

    fn escape(self) -> char {
        self.encoding.chars().nth(2).unwrap_or('\\')
    }
}

/// A message of HL7 version 2; `None` if the text is none.
pub(super) fn redacted(redactor: &mut Redactor, text: &str) -> Option<String> {
    let header = text.trim_start_matches('\u{b}').strip_prefix("MSH")?;
    let field = header.chars().next().filter(|c| !c.is_alphanumeric() && !c.is_whitespace())?;
    let encoding = header[field.len_utf8()..].split([field, '\r', '\n']).next()?;
    if !(2..=8).contains(&encoding.len()) || encoding.contains(char::is_alphanumeric) {
        return None;
    }
    let separators = Separators { field, encoding };
    Some(text.split_inclusive(['\r', '\n']).map(|line| segment(redactor, separators, line)).collect())
}

fn segment(redactor: &mut Redactor, separators: Separators<'_>, line: &str) -> String {
    let framing = |c: char| matches!(c, '\r' | '\n' | '\u{b}' | '\u{1c}');
    let inner = line.trim_matches(framing);
    let start = line.len() - line.trim_start_matches(framing).len();
    let (before, after) = (&line[..start], &line[start + inner.len()..]);
    let mut fields = inner.split(separators.field);
    let name = fields.next().unwrap_or_default();
    let is_name = name.len() == 3 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let mut redacted = if is_name { name.to_owned() } else { leaves(redactor, separators, name) };
    for (at, field) in fields.enumerate() {
        redacted.push(separators.field);
        let kept = name == "MSH" && (at == 0 || KEPT_OF_HEADER.contains(&(at + 1)));
        redacted += &if kept { field.to_owned() } else { leaves(redactor, separators, field) };
    }
    format!("{before}{redacted}{after}")
}

/// A field: its components, repetitions and subcomponents, each by itself.
fn leaves(redactor: &mut Redactor, separators: Separators<'_>, field: &str) -> String {
    let part = |part: &str| part.trim_end_matches(|c| separators.separates(c)).len();
    field
        .split_inclusive(|c| separators.separates(c))
        .map(|found| leaf(redactor, separators.escape(), &found[..part(found)]) + &found[part(found)..])
        .collect()
}

fn leaf(redactor: &mut Redactor, escape: char, text: &str) -> String {
    if let Some(other) = moment::compact(text, &mut redactor.dice(text.as_bytes(), 0)) {
        return other;
    }
    // `\T\` and its like stand for a separator.
    let pieces = text.split(escape).enumerate().map(|(at, piece)| {
        let stands_for_separator = at % 2 == 1 && matches!(piece, "F" | "S" | "T" | "R" | "E" | ".br");
        if stands_for_separator { piece.to_owned() } else { redactor.text(piece) }
    });
    pieces.collect::<Vec<_>>().join(&escape.to_string())
}
