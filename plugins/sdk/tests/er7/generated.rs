//! Messages that nobody sent: odd separators, empty things, escapes, repetitions, line ends, other scripts.

use crate::oracle::Sample;

const WORDS: [&str; 20] = [
    "",
    "",
    "",
    "\"\"",
    "A",
    "4711",
    "RIVERA",
    "C:\\dir",
    "\\T\\",
    "\\X0D\\",
    "\\.br\\",
    "\\",
    "é",
    "日本",
    "Łódź",
    "\u{1f600}",
    "20260104223000-0600",
    " ",
    "x y",
    "\u{1c}z",
];
const LATIN: [&str; 4] = ["Zoé", "Müller", "ñ", "\u{a0}"];
const NAMES: [&str; 10] = ["PID", "PV1", "OBX", "ZPD", "Z01", "EVN", "pid", "P", "NOTE WELL", "OBX"];
const ENDS: [&str; 4] = ["\r", "\n", "\r\n", "\r\n\r\n"];
/// Field, component, repetition, escape and subcomponent separators.
const SEPARATORS: [[char; 5]; 8] = [
    ['|', '^', '~', '\\', '&'],
    ['|', '^', '~', '\\', '&'],
    ['|', '^', '~', '\\', '}'],
    ['^', '~', '|', '\\', '&'],
    ['!', '*', ':', '@', '+'],
    ['#', '|', '/', '?', '%'],
    ['\t', ',', ';', '\\', '='],
    ['$', '(', ')', '[', ']'],
];

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }
}

/// The message of this number.
pub(crate) fn sample(number: u64) -> Sample {
    let mut chance = Chance((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let separators = *chance.of(&SEPARATORS);
    let is_latin = number.is_multiple_of(7);
    let end = *chance.of(&ENDS);
    let [field, component, repetition, escape, subcomponent] = separators;
    let truncation = if number.is_multiple_of(5) { "`" } else { "" };
    let charset = if is_latin { "8859/1" } else { *chance.of(&["", "UNICODE UTF-8", "ASCII"]) };
    let mut header = ["A", "B", "C", "D", "20260104", "", "ADT", "7", "P", "2.5", "", "", "", "", "", charset].to_vec();
    header.truncate(if charset.is_empty() { 4 + chance.below(12) } else { 16 });
    let declared = format!("{component}{repetition}{escape}{subcomponent}{truncation}");
    let mut text = format!("MSH{field}{declared}{field}{}", header.join(&field.to_string()));
    for _ in 0..chance.below(8) {
        text.push_str(end);
        text.push_str(NAMES[chance.below(NAMES.len())]);
        for _ in 0..chance.below(30) {
            text.push(field);
            text.push_str(&part(&mut chance, &[repetition, component, subcomponent], is_latin));
        }
    }
    // What both strip from the end would hide what is there.
    let text = format!("{text}{end}ZZZ{field}end");
    let text = match number % 9 {
        1 if !is_latin => format!("\u{feff}{text}"),
        2 => format!("\u{b}{text}"),
        3 => format!("{text}{end}"),
        _ => text,
    };
    let body = if is_latin { text.chars().map(|it| u8::try_from(it).unwrap()).collect() } else { text.into_bytes() };
    Sample { name: format!("generated {number}"), body, is_latin }
}

/// A field, or what is in one, with parts as far as there are separators left.
fn part(chance: &mut Chance, separators: &[char], is_latin: bool) -> String {
    let Some((separator, deeper)) = separators.split_first() else {
        return match is_latin {
            true if chance.below(3) == 0 => (*chance.of(&LATIN)).to_owned(),
            true => (*chance.of(&WORDS[..12])).to_owned(),
            false => (*chance.of(&WORDS)).to_owned(),
        };
    };
    let count = if chance.below(3) == 0 { 1 + chance.below(4) } else { 1 };
    let parts: Vec<String> = (0..count).map(|_| part(chance, deeper, is_latin)).collect();
    parts.join(&separator.to_string())
}
