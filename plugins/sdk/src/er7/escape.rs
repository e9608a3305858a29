//! Escape sequences: what stands between two escape characters in a text, decoded after everything has been split.
//!
//! | sequence | becomes |
//! |---|---|
//! | `\F\ \S\ \T\ \R\ \E\` | the field, component, subcomponent, repetition separator and the escape character |
//! | `\P\` | the truncation character, if MSH-2 declares one |
//! | `\Xhh…\` | these bytes, in the character set of the message |
//! | `\.br\ \.ce\` | a line break |
//! | `\.sp\ \.sp+n\ \.spn\` | one line break, or n |
//! | `\.skn\` | n blanks |
//! | `\.in…\ \.ti…\ \.fi\ \.nf\ \H\ \N\` | nothing: indentation, filling, highlighting |
//! | `\Cxxyy\` | a change to the single-byte character set so designated, until the next |
//!
//! All others (`\Mxxyyzz\`, `\Zdd\`, unknown ones) keep their text, and so does what is no sequence: `C:\dir`. A message
//! that needs a multi-byte set by `\M…\` thus shows its raw characters and no wrong ones.

use std::borrow::Cow;

use super::charset::Charset;
use super::separators::Separators;

/// The most line breaks or blanks that one sequence makes: a page.
const SPACES_MAX: usize = 100;

/// The text of a part that is split no further. `None` if its bytes are no text in this character set.
pub(super) fn decode<'t>(raw: &'t [u8], separators: &Separators, charset: Charset) -> Option<Cow<'t, str>> {
    match separators.escape {
        Some(escape) if raw.contains(&escape) => {
            let mut decoder = Decoder { text: String::with_capacity(raw.len()), pending: Vec::new(), charset };
            decoder.run(raw, escape, separators)?;
            Some(Cow::Owned(decoder.text))
        }
        _ => charset.decode(raw),
    }
}

struct Decoder {
    text: String,
    /// Bytes of the message whose characters are not known yet: a sequence may end in the middle of one.
    pending: Vec<u8>,
    charset: Charset,
}

impl Decoder {
    /// Each escape character is looked at once: if the text after it is no sequence, its end may begin the next.
    fn run(&mut self, raw: &[u8], escape: u8, separators: &Separators) -> Option<()> {
        let mut rest = raw;
        while let Some(start) = rest.iter().position(|byte| *byte == escape) {
            self.pending.extend_from_slice(&rest[..start]);
            let after = &rest[start + 1..];
            let Some(length) = after.iter().position(|byte| *byte == escape) else {
                rest = &rest[start..];
                break;
            };
            if self.sequence(&after[..length], separators)? {
                rest = &after[length + 1..];
            } else {
                self.pending.extend_from_slice(&rest[start..=start + length]);
                rest = &after[length..];
            }
        }
        self.pending.extend_from_slice(rest);
        self.flush()
    }

    fn flush(&mut self) -> Option<()> {
        let text = self.charset.decode(&self.pending)?;
        self.text.push_str(&text);
        self.pending.clear();
        Some(())
    }

    /// Carries out one sequence; `Some(false)` if it is none.
    fn sequence(&mut self, name: &[u8], separators: &Separators) -> Option<bool> {
        let character = match name {
            b"F" => Some(separators.field),
            b"S" => separators.component,
            b"T" => separators.subcomponent,
            b"R" => separators.repetition,
            b"E" => separators.escape,
            b"P" => separators.truncation,
            b"H" | b"N" => return Some(true),
            [b'X', digits @ ..] => return Some(self.bytes(digits)),
            [b'C', code @ ..] => return self.switch(code),
            [b'.', command @ ..] => return Some(self.format(command)),
            _ => None,
        };
        self.pending.extend(character);
        Some(character.is_some())
    }

    fn bytes(&mut self, digits: &[u8]) -> bool {
        let hex = |digit: &u8| char::from(*digit).to_digit(16);
        if digits.is_empty() || digits.len() % 2 == 1 || !digits.iter().all(|digit| hex(digit).is_some()) {
            return false;
        }
        let bytes = digits.chunks_exact(2).filter_map(|pair| u8::try_from(hex(&pair[0])? * 16 + hex(&pair[1])?).ok());
        self.pending.extend(bytes);
        true
    }

    fn switch(&mut self, code: &[u8]) -> Option<bool> {
        let charset = match code {
            b"2842" => Charset::Utf8,
            b"2D41" => Charset::Iso8859(1),
            b"2D42" => Charset::Iso8859(2),
            b"2D43" => Charset::Iso8859(3),
            b"2D44" => Charset::Iso8859(4),
            b"2D4C" => Charset::Iso8859(5),
            b"2D47" => Charset::Iso8859(6),
            b"2D46" => Charset::Iso8859(7),
            b"2D48" => Charset::Iso8859(8),
            b"2D4D" => Charset::Iso8859(9),
            b"2949" | b"284A" => Charset::JisX0201,
            _ => return Some(false),
        };
        self.flush()?;
        self.charset = charset;
        Some(true)
    }

    fn format(&mut self, command: &[u8]) -> bool {
        let Some((name, argument)) = command.split_at_checked(2) else { return false };
        let count = match argument.strip_prefix(b"+").unwrap_or(argument) {
            b"" => Some(1),
            digits if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => {
                Some(digits.iter().fold(0, |value, digit| value * 10 + usize::from(digit - b'0')))
            }
            _ => None,
        };
        match (name.to_ascii_lowercase().as_slice(), count) {
            (b"br" | b"ce", Some(1)) if argument.is_empty() => self.pending.push(b'\n'),
            (b"sp", Some(count @ 0..=SPACES_MAX)) => self.pending.resize(self.pending.len() + count, b'\n'),
            (b"sk", Some(count @ 0..=SPACES_MAX)) => self.pending.resize(self.pending.len() + count, b' '),
            (b"fi" | b"nf", Some(1)) if argument.is_empty() => {}
            (b"in" | b"ti", _) if count.is_some() || is_negative(argument) => {}
            _ => return false,
        }
        true
    }
}

fn is_negative(argument: &[u8]) -> bool {
    argument.strip_prefix(b"-").is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> String {
        decode(raw.as_bytes(), &Separators::USUAL, Charset::Utf8).unwrap().into_owned()
    }

    #[test]
    fn sequences_become_what_they_stand_for() {
        for (raw, expected) in [
            (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
            (r"\T\", "&"),
            (r"Marks \T\ Spencer\T\Co", "Marks & Spencer&Co"),
            (r"\X41\", "A"),
            (r"\X4142C3a9\", "ABé"),
            (r"\XC3\\XA9\", "é"),
            (r"one\.br\two\.BR\", "one\ntwo\n"),
            (r"\.sp\\.sp+2\\.sp3\", "\n\n\n\n\n\n"),
            (r"a\.sk3\b\.ce\c", "a   b\nc"),
            (r"\.in+4\\.ti-2\\.in\\.fi\\.nf\x", "x"),
            (r"\H\loud\N\", "loud"),
            (r"日本\F\x", "日本|x"),
            (r"é\T\B", "é&B"),
        ] {
            assert_eq!(text(raw), expected, "{raw}");
        }
    }

    #[test]
    fn what_is_no_sequence_keeps_its_text() {
        for raw in [
            r"C:\dir",
            r"C:\dir\sub\file",
            r"\",
            r"\\",
            r"\\\",
            r"\Q\",
            r"\X4\",
            r"\XZZ\",
            r"\X\",
            r"\.xx\",
            r"\.sp101\",
            r"\.br2\",
            r"\.\",
            r"\M2442\",
            r"\Z01\",
            r"\C9999\",
            r"\P\",
            r"\f\",
            r"\.spé\",
            r"\Xé\",
        ] {
            assert_eq!(text(raw), raw);
        }
        // The end of what is none begins the next.
        assert_eq!(text(r"C:\dir\F\x"), r"C:\dir|x");
        assert_eq!(text(r"\E\\"), r"\\");
        assert_eq!(text(r"\T"), r"\T");
    }

    #[test]
    fn separators_are_the_message_s_own() {
        let separators = Separators { truncation: Some(b'#'), ..Separators::declared(b'!', b"*:@+").unwrap() };
        let text = decode(b"@F@@S@@R@@T@@E@@P@ \\F\\", &separators, Charset::Utf8).unwrap();
        assert_eq!(text, "!*:+@# \\F\\");
        let none = Separators { escape: None, ..Separators::USUAL };
        assert_eq!(decode(br"\F\", &none, Charset::Utf8).unwrap(), r"\F\");
    }

    #[test]
    fn bytes_are_read_in_the_character_set_in_force() {
        let latin = |raw: &[u8]| decode(raw, &Separators::USUAL, Charset::Iso8859(1)).map(Cow::into_owned);
        assert_eq!(latin(br"Stra\XDF\e").as_deref(), Some("Straße"));
        assert_eq!(latin(b"\xdf\\C2D42\\\xa3\\C2842\\o").as_deref(), Some("ßŁo"));
        assert_eq!(decode(br"\XFF\", &Separators::USUAL, Charset::Utf8), None);
    }

    #[test]
    fn decoding_takes_linear_time() {
        // Ten megabytes of escape characters would take minutes if each looked for its partner from the start.
        let raw = vec![b'\\'; 10 << 20];
        assert_eq!(decode(&raw, &Separators::USUAL, Charset::Utf8).unwrap().len(), raw.len());
    }
}
