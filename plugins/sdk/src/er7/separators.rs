//! The characters that divide a message: they are declared by each header segment for itself.

/// The separators that a header (MSH, FHS, BHS) declares. Every one is a single ASCII byte.
///
/// What a sender leaves out it does not use: where MSH-2 has three characters and the third is the usual escape
/// character, there are no subcomponents; where the third is another, the escape character is the one left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separators {
    /// Between fields; the usual one is `|`.
    pub field: u8,
    /// Between components; usually `^`.
    pub component: Option<u8>,
    /// Between repetitions of a field; usually `~`.
    pub repetition: Option<u8>,
    /// Around escape sequences; usually `\`.
    pub escape: Option<u8>,
    /// Between subcomponents; usually `&`.
    pub subcomponent: Option<u8>,
    /// Marks text that was cut off, since version 2.7; usually `#`.
    pub truncation: Option<u8>,
}

impl Separators {
    /// The standard's own: `|^~\&`.
    pub const USUAL: Self = Self {
        field: b'|',
        component: Some(b'^'),
        repetition: Some(b'~'),
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// Whether a byte can separate fields: ASCII, and neither a letter, a digit, a blank nor what ends lines and frames.
    pub(super) fn can_separate(byte: u8) -> bool {
        byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b' ' | b'\r' | b'\n' | 0x0b | 0x1c)
    }

    /// Reads the second field of a header. `None` if it cannot be what it should be: then a field separator is missing.
    ///
    /// If it is empty, the usual characters are meant. A doubled escape character (`^~\\&`, by software that escapes for
    /// its own source code) counts once. A character that already has a part to play gets no second one.
    pub(super) fn declared(field: u8, encoding: &[u8]) -> Option<Self> {
        let mut characters: Vec<u8> = Vec::with_capacity(5);
        for &byte in encoding.iter().filter(|byte| **byte != b' ') {
            if !Self::can_separate(byte) {
                return None;
            }
            let doubled = characters.len() == 3 && characters.last() == Some(&byte);
            if !doubled && characters.len() < 5 {
                characters.push(byte);
            }
        }
        let at = |place: usize| characters.get(place).copied();
        let [component, repetition, escape, subcomponent, truncation] = match characters[..] {
            [] => [Some(b'^'), Some(b'~'), Some(b'\\'), Some(b'&'), None],
            [component, repetition, third] if third != b'\\' => {
                [Some(component), Some(repetition), None, Some(third), None]
            }
            _ => [at(0), at(1), at(2), at(3), at(4)],
        };
        let mut taken = vec![field];
        let mut once = |character: Option<u8>| {
            let character = character.filter(|byte| !taken.contains(byte))?;
            taken.push(character);
            Some(character)
        };
        Some(Self {
            field,
            component: once(component),
            repetition: once(repetition),
            escape: once(escape),
            subcomponent: once(subcomponent),
            truncation: once(truncation),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Component, repetition, escape, subcomponent and truncation; a dot for what is missing.
    fn declared(field: u8, encoding: &str) -> Option<String> {
        let it = Separators::declared(field, encoding.as_bytes())?;
        let all = [it.component, it.repetition, it.escape, it.subcomponent, it.truncation];
        Some(all.map(|byte| char::from(byte.unwrap_or(b'.'))).iter().collect())
    }

    #[test]
    fn every_character_has_its_place() {
        for (encoding, expected) in [
            ("^~\\&", "^~\\&."),
            ("^~\\&#", "^~\\&#"),
            ("^~\\}", "^~\\}."),
            ("", "^~\\&."),
            ("^", "^...."),
            ("^~", "^~..."),
            ("^~\\", "^~\\.."),
            ("^~&", "^~.&."),
            ("^~}", "^~.}."),
            ("^~\\\\&", "^~\\&."),
            ("^~\\\\&#", "^~\\&#"),
            ("^~\\& ", "^~\\&."),
            ("^~\\&#!*", "^~\\&#"),
            ("^^\\&", "^.\\&."),
            ("^~\\|", "^~\\.."),
        ] {
            assert_eq!(declared(b'|', encoding).as_deref(), Some(expected), "{encoding}");
        }
        assert_eq!(declared(b'^', "~|\\&").as_deref(), Some("~|\\&."));
        assert_eq!(declared(b'^', "").as_deref(), Some(".~\\&."));
    }

    #[test]
    fn what_looks_like_data_is_no_declaration() {
        for bad in ["HIS", "^~\\A", "^é", "^\r", "^~\\\u{b}", "\u{1c}"] {
            assert_eq!(declared(b'|', bad), None, "{bad:?}");
        }
    }
}
