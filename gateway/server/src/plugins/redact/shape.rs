//! Another text of the same shape.

use super::dice::Dice;

const LOWER_BEYOND: &str = "àáâãäåæçèéêëìíîïðñòóôõöøùúûüý";
const UPPER_BEYOND: &str = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝ";
const NO_CASE: &str = "あいうえおかきくけこさしすせそたちつてと";

/// Letters by other letters of the same case, digits by other digits; everything else stays. Where only digits are, one that is not 0 stays so at the beginning.
pub(super) fn redacted(text: &str, dice: &mut Dice) -> String {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.chars().enumerate().map(|(at, c)| other(c, is_number && at == 0 && c != '0', dice)).collect()
}

fn other(c: char, leads: bool, dice: &mut Dice) -> char {
    match c {
        'a'..='z' => within(b'a', 26, c, dice),
        'A'..='Z' => within(b'A', 26, c, dice),
        '0'..='9' if leads => within(b'1', 9, c, dice),
        '0'..='9' => within(b'0', 10, c, dice),
        c if c.is_ascii() => c,
        c if c.is_lowercase() => among(LOWER_BEYOND, c, dice),
        c if c.is_uppercase() => among(UPPER_BEYOND, c, dice),
        c if c.is_alphabetic() => among(NO_CASE, c, dice),
        c if c.is_numeric() => within(b'0', 10, '0', dice),
        c => c,
    }
}

/// Another one of so many characters of ASCII from `first` on.
fn within(first: u8, count: u16, c: char, dice: &mut Dice) -> char {
    let at = u16::try_from(u32::from(c)).unwrap_or(0).saturating_sub(u16::from(first));
    let other = (at + 1 + dice.below(count - 1)) % count;
    char::from(first.saturating_add(u8::try_from(other).unwrap_or(0)))
}

fn among(choices: &str, c: char, dice: &mut Dice) -> char {
    let others: Vec<char> = choices.chars().filter(|other| *other != c).collect();
    let at = dice.below(u16::try_from(others.len()).unwrap_or(u16::MAX));
    others.get(usize::from(at)).copied().unwrap_or('x')
}
