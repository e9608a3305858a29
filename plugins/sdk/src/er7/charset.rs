//! Which characters the bytes of a message are.
//!
//! The first of these decides, and no other is asked: a byte order mark; the `charset` of the content type; the first
//! repetition of MSH-18; UTF-8. Text that is not legal in the character set so found is refused where it is read, and
//! never patched with replacement characters, since it may be an identifier. Four things are settled here besides:
//!
//! * ASCII is read as UTF-8, which holds it: a sender that declares ASCII and sends more is understood if it sends UTF-8.
//! * ISO 8859-1 is read as Windows-1252, as browsers do: the bytes on which the two differ are control characters.
//! * A character set in which `MSH` is not the bytes of ASCII (UTF-16, say) cannot be that of a message that begins with
//!   them; such a declaration is passed over.
//! * A character set that is not known here (Big5, GB 18030, ISO 2022) does no harm to a text of ASCII bytes alone.

mod tables;

use std::borrow::Cow;

/// A character set that this module reads; all of them have ASCII in the lower half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, and ASCII.
    Utf8,
    /// ISO 8859 by its part, from 1 to 16; part 1 with the additions of Windows-1252.
    Iso8859(u8),
    /// Windows code page 1250 to 1258, by its last digit.
    Windows125(u8),
    /// KOI8-R.
    Koi8R,
    /// JIS X 0201: ASCII and the Katakana of half width (ISO-IR 14 and 13).
    JisX0201,
    /// Declared, and none of the above.
    Unknown,
}

/// What a name of a character set says about a message in bytes.
pub(super) enum Named {
    Known(Charset),
    /// Sixteen or more bits a character.
    Wide,
}

/// By its name in HL7's table 0211, in the registry of IANA or in everyday use.
pub(super) fn named(name: &str) -> Named {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_uppercase()).collect();
    let known = match name.as_str() {
        "UTF8" | "UNICODE" | "UNICODEUTF8" | "ASCII" | "USASCII" | "ISOIR6" | "ISO646" | "ANSIX341968" | "CP65001" => {
            Charset::Utf8
        }
        "UTF16" | "UTF16LE" | "UTF16BE" | "UNICODEUTF16" | "UTF32" | "UNICODEUTF32" | "UCS2" => return Named::Wide,
        "LATIN1" | "L1" | "ISOIR100" => Charset::Iso8859(1),
        "LATIN2" | "ISOIR101" => Charset::Iso8859(2),
        "LATIN9" | "ISOIR203" => Charset::Iso8859(15),
        "ISOIR109" => Charset::Iso8859(3),
        "ISOIR110" => Charset::Iso8859(4),
        "ISOIR144" => Charset::Iso8859(5),
        "ISOIR127" => Charset::Iso8859(6),
        "ISOIR126" => Charset::Iso8859(7),
        "ISOIR138" => Charset::Iso8859(8),
        "ISOIR148" => Charset::Iso8859(9),
        "ISOIR166" | "TIS620" => Charset::Iso8859(11),
        "KOI8R" => Charset::Koi8R,
        "ISOIR13" | "ISOIR14" | "JISX0201" => Charset::JisX0201,
        other => numbered(other),
    };
    Named::Known(known)
}

/// `88591`, `ISO885915`, `WINDOWS1252`, `CP1252`.
fn numbered(name: &str) -> Charset {
    let part = name.trim_start_matches("ISO").strip_prefix("8859").and_then(|part| part.parse().ok());
    let page = name.trim_start_matches("WINDOWS").trim_start_matches("CP").strip_prefix("125");
    match (part, page.and_then(|page| page.parse().ok())) {
        (Some(part @ (1..=11 | 13..=16)), _) => Charset::Iso8859(part),
        (_, Some(page @ 0..=8)) => Charset::Windows125(page),
        _ => Charset::Unknown,
    }
}

/// The `charset` parameter of a content type.
pub(super) fn of_content_type(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"').trim();
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
    })
}

impl Charset {
    /// The text of these bytes, unless they are none in this character set.
    pub fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        // An escape character begins what only ISO 2022 knows.
        if self == Self::Unknown && bytes.contains(&0x1b) {
            return None;
        }
        if bytes.is_ascii() || self == Self::Utf8 {
            return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
        }
        let text: Option<String> = bytes.iter().map(|byte| self.character(*byte)).collect();
        text.map(Cow::Owned)
    }

    fn character(self, byte: u8) -> Option<char> {
        let Some(place) = byte.checked_sub(0x80).map(usize::from) else { return Some(char::from(byte)) };
        let code = match self {
            Self::Iso8859(part) => match place.checked_sub(0x20) {
                Some(place) => u32::from(iso_8859(part)?[place]),
                None if part == 1 => u32::from(tables::WINDOWS_1252[place]),
                None => u32::from(byte),
            },
            Self::Windows125(page) => u32::from(windows(page)?[place]),
            Self::Koi8R => u32::from(tables::KOI8_R[place]),
            // The half-width forms stand in the same order in both.
            Self::JisX0201 if (0xa1..=0xdf).contains(&byte) => 0xff61 + u32::from(byte - 0xa1),
            Self::JisX0201 | Self::Utf8 | Self::Unknown => 0,
        };
        char::from_u32(code).filter(|character| *character != '\0')
    }

    /// The name that a content type gives it; what is not known is named as UTF-8.
    pub fn mime_name(self) -> Cow<'static, str> {
        match self {
            Self::Utf8 | Self::Unknown => "utf-8".into(),
            Self::Iso8859(part) => format!("iso-8859-{part}").into(),
            Self::Windows125(page) => format!("windows-125{page}").into(),
            Self::Koi8R => "koi8-r".into(),
            Self::JisX0201 => "jis_x0201".into(),
        }
    }
}

fn iso_8859(part: u8) -> Option<&'static [u16; 96]> {
    Some(match part {
        1 => &tables::ISO8859_1,
        2 => &tables::ISO8859_2,
        3 => &tables::ISO8859_3,
        4 => &tables::ISO8859_4,
        5 => &tables::ISO8859_5,
        6 => &tables::ISO8859_6,
        7 => &tables::ISO8859_7,
        8 => &tables::ISO8859_8,
        9 => &tables::ISO8859_9,
        10 => &tables::ISO8859_10,
        11 => &tables::ISO8859_11,
        13 => &tables::ISO8859_13,
        14 => &tables::ISO8859_14,
        15 => &tables::ISO8859_15,
        16 => &tables::ISO8859_16,
        _ => return None,
    })
}

fn windows(page: u8) -> Option<&'static [u16; 128]> {
    Some(match page {
        0 => &tables::WINDOWS_1250,
        1 => &tables::WINDOWS_1251,
        2 => &tables::WINDOWS_1252,
        3 => &tables::WINDOWS_1253,
        4 => &tables::WINDOWS_1254,
        5 => &tables::WINDOWS_1255,
        6 => &tables::WINDOWS_1256,
        7 => &tables::WINDOWS_1257,
        8 => &tables::WINDOWS_1258,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charset(name: &str) -> Option<Charset> {
        match named(name) {
            Named::Known(charset) => Some(charset),
            Named::Wide => None,
        }
    }

    #[test]
    fn names_are_known_in_every_spelling() {
        for (name, expected) in [
            ("UNICODE UTF-8", Charset::Utf8),
            ("UNICODE", Charset::Utf8),
            ("utf8", Charset::Utf8),
            ("ASCII", Charset::Utf8),
            ("us-ascii", Charset::Utf8),
            ("ISO IR6", Charset::Utf8),
            ("8859/1", Charset::Iso8859(1)),
            ("8859/15", Charset::Iso8859(15)),
            ("ISO-8859-2", Charset::Iso8859(2)),
            ("ISO8859-16", Charset::Iso8859(16)),
            ("ISO IR 100", Charset::Iso8859(1)),
            ("latin1", Charset::Iso8859(1)),
            ("windows-1252", Charset::Windows125(2)),
            ("CP1251", Charset::Windows125(1)),
            ("ISO IR14", Charset::JisX0201),
            ("8859/12", Charset::Unknown),
            ("8859/300", Charset::Unknown),
            ("windows-1259", Charset::Unknown),
            ("GB 18030-2000", Charset::Unknown),
            ("ISO IR87", Charset::Unknown),
            ("\u{fc}", Charset::Unknown),
        ] {
            assert_eq!(charset(name), Some(expected), "{name}");
        }
        assert_eq!((charset("UTF-16"), charset("UNICODE UTF-32")), (None, None));
    }

    #[test]
    fn content_types_name_their_charset() {
        for (content_type, expected) in [
            ("text/plain", None),
            ("x-application/hl7-v2+er7; charset=utf-8", Some("utf-8")),
            ("text/plain;format=flowed; Charset=\"ISO-8859-1\" ;x=y", Some("ISO-8859-1")),
            ("text/plain; charset=", None),
            ("text/plain; charset", None),
        ] {
            assert_eq!(of_content_type(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn bytes_are_the_characters_of_their_set() {
        for (charset, bytes, expected) in [
            (Charset::Utf8, &b"Stra\xc3\x9fe"[..], Some("Straße")),
            (Charset::Utf8, b"Stra\xdfe", None),
            (Charset::Iso8859(1), b"Stra\xdfe \x80", Some("Straße €")),
            (Charset::Iso8859(2), b"\xa3\xf3d\xbc", Some("Łódź")),
            (Charset::Iso8859(5), b"\xb8\xb2\xb0\xbd", Some("ИВАН")),
            (Charset::Iso8859(15), b"\xa4", Some("€")),
            (Charset::Iso8859(3), b"\xa5", None),
            (Charset::Windows125(2), b"\x93x\x94", Some("“x”")),
            (Charset::Koi8R, b"\xe9", Some("И")),
            (Charset::JisX0201, b"\xd4\xcf\xc0\xde", Some("ﾔﾏﾀﾞ")),
            (Charset::JisX0201, b"\x80", None),
            (Charset::Unknown, b"ADT", Some("ADT")),
            (Charset::Unknown, b"\xa4\xa4", None),
            (Charset::Unknown, b"\x1b$B;3\x1b(B", None),
        ] {
            assert_eq!(charset.decode(bytes).as_deref(), expected, "{charset:?} {bytes:?}");
        }
    }
}
