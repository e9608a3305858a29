//! Free text reduced to what is compared: lower-case letters and digits without accents, blanks and punctuation.

/// Longer than the longest name of a country, and bounded before anything is done with it.
const BYTES_MAX: usize = 200;

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    /// Nothing, or a word for nothing.
    Absent,
    /// Something, reduced; empty if nothing comparable is left of it.
    Present(String),
}

/// Words that systems write where they know nothing.
const PLACEHOLDERS: [&str; 10] =
    ["na", "none", "null", "nil", "unknown", "unk", "undefined", "notapplicable", "notprovided", "xx"];

/// Reads a field.
pub(super) fn read(value: Option<&str>) -> Field {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else { return Field::Absent };
    let key = if value.len() > BYTES_MAX { String::new() } else { key(value) };
    let dashes = key.is_empty() && value.chars().all(|c| matches!(c, '-' | '.' | '–' | '—' | '?' | '*'));
    if dashes || PLACEHOLDERS.contains(&key.as_str()) { Field::Absent } else { Field::Present(key) }
}

/// Lower-case letters and digits only. A letter that is not Latin becomes `?`, so that what is left over cannot pass for something else.
pub(super) fn key(text: &str) -> String {
    text.chars().filter_map(fold).collect()
}

fn fold(c: char) -> Option<char> {
    let c = match c {
        // The full-width forms of East Asian input methods are ASCII, shifted.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0)?,
        _ => c,
    };
    match c.to_lowercase().next()? {
        c if c.is_ascii_alphanumeric() => Some(c),
        'à'..='å' | 'ā' | 'ă' | 'ą' => Some('a'),
        'ç' | 'ć' | 'č' => Some('c'),
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => Some('e'),
        'ì'..='ï' | 'ī' | 'į' | 'ı' => Some('i'),
        'ñ' | 'ń' | 'ň' => Some('n'),
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => Some('o'),
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => Some('u'),
        'ý' | 'ÿ' => Some('y'),
        // Combining accents, and the letters of Hawaiian and Chamorro that are written like an apostrophe.
        '\u{300}'..='\u{36F}' | 'ʻ' | 'ʼ' => None,
        c if c.is_alphanumeric() => Some('?'),
        _ => None,
    }
}
