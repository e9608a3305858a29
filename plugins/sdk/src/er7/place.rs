//! Where something stands in a message, written as people in the field write it: `PID-3[2].4`.

use std::fmt;
use std::str::FromStr;

/// A place in a message: segment, field, repetition, component, subcomponent, all counted from 1.
///
/// Written `PID-3[2].4.1`: the fourth component's first subcomponent in the second repetition of the third field of PID.
/// A later segment of the same name is `OBX[2]-5`; a place in a batch is `message 3 PID-3`. What is left out means the
/// whole: `PID-3` is the field with all its repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    segment: [u8; 3],
    /// Each is 0 where it is left out.
    message: u32,
    occurrence: u32,
    field: u32,
    repetition: u32,
    component: u32,
    subcomponent: u32,
}

impl Place {
    /// A field of the first segment of this name. Of a name that is none, its first three bytes count.
    pub const fn field(segment: &str, field: u32) -> Self {
        let mut name = [b'?'; 3];
        let mut at = 0;
        while at < 3 && at < segment.len() {
            name[at] = segment.as_bytes()[at];
            at += 1;
        }
        Self { segment: name, message: 0, occurrence: 0, field, repetition: 0, component: 0, subcomponent: 0 }
    }

    /// The same in the nth message of a request that has several.
    #[must_use]
    pub const fn in_message(self, message: u32) -> Self {
        Self { message, ..self }
    }

    /// The same in the nth segment of that name.
    #[must_use]
    pub const fn occurrence(self, occurrence: u32) -> Self {
        Self { occurrence: if occurrence == 1 { 0 } else { occurrence }, ..self }
    }

    /// The nth repetition.
    #[must_use]
    pub const fn repetition(self, repetition: u32) -> Self {
        Self { repetition, ..self }
    }

    /// The nth component.
    #[must_use]
    pub const fn component(self, component: u32) -> Self {
        Self { component, ..self }
    }

    /// The nth subcomponent.
    #[must_use]
    pub const fn subcomponent(self, subcomponent: u32) -> Self {
        Self { subcomponent, ..self }
    }

    /// The name of the segment.
    pub fn segment(&self) -> &[u8; 3] {
        &self.segment
    }

    /// Which message of the request, from 1; 0 if it has only one.
    pub fn message(&self) -> u32 {
        self.message
    }

    /// Occurrence of the segment (1 if it is left out), then field, repetition, component and subcomponent: 0 for what is
    /// left out.
    pub fn numbers(&self) -> [u32; 5] {
        [self.occurrence.max(1), self.field, self.repetition, self.component, self.subcomponent]
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written())
    }
}

impl Place {
    /// The text. Each number would be a call into the formatting machinery, which takes a guest as long as reading a field.
    fn written(&self) -> String {
        let mut text = String::with_capacity(32);
        if self.message > 0 {
            text.push_str("message ");
            push_number(&mut text, self.message);
            text.push(' ');
        }
        text.push_str(std::str::from_utf8(&self.segment).unwrap_or("???"));
        if self.occurrence > 0 {
            push_index(&mut text, self.occurrence);
        }
        if self.field == 0 {
            return text;
        }
        text.push('-');
        push_number(&mut text, self.field);
        if self.repetition > 0 {
            push_index(&mut text, self.repetition);
        }
        if self.component > 0 || self.subcomponent > 0 {
            text.push('.');
            push_number(&mut text, self.component.max(1));
        }
        if self.subcomponent > 0 {
            text.push('.');
            push_number(&mut text, self.subcomponent);
        }
        text
    }
}

fn push_index(text: &mut String, index: u32) {
    text.push('[');
    push_number(text, index);
    text.push(']');
}

fn push_number(text: &mut String, number: u32) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// A text is no place in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPlace;

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let (message, text) = match text.strip_prefix("message ") {
            Some(rest) => {
                let (message, text) = rest.split_once(' ').ok_or(NotAPlace)?;
                (number(message)?, text)
            }
            None => (0, text),
        };
        let (segment, rest) = text.split_at_checked(3).ok_or(NotAPlace)?;
        if !is_name(segment.as_bytes()) {
            return Err(NotAPlace);
        }
        let (segment_and_index, field) = match rest.split_once('-') {
            Some((index, field)) => (index, Some(field)),
            None => (rest, None),
        };
        let (nothing, occurrence) = indexed(segment_and_index)?;
        if !nothing.is_empty() {
            return Err(NotAPlace);
        }
        let place = Self::field(segment, 0).in_message(message).occurrence(occurrence);
        let Some(field) = field else { return Ok(place) };
        let mut parts = field.split('.');
        let (field, repetition) = indexed(parts.next().ok_or(NotAPlace)?)?;
        let component = parts.next().map_or(Ok(0), number)?;
        let subcomponent = parts.next().map_or(Ok(0), number)?;
        if parts.next().is_some() {
            return Err(NotAPlace);
        }
        Ok(Self { field: number(field)?, repetition, component, subcomponent, ..place })
    }
}

/// Whether these are the three characters of a segment's name.
pub(super) fn is_name(name: &[u8]) -> bool {
    matches!(name, [first, rest @ ..] if rest.len() == 2 && first.is_ascii_uppercase()
        && rest.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
}

fn number(text: &str) -> Result<u32, NotAPlace> {
    let legal = !text.is_empty() && text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if legal { text.parse().map_err(|_| NotAPlace)? } else { 0 };
    if number > 0 { Ok(number) } else { Err(NotAPlace) }
}

/// Takes `[n]` off the end.
fn indexed(text: &str) -> Result<(&str, u32), NotAPlace> {
    match text.strip_suffix(']') {
        Some(rest) => {
            let (before, index) = rest.split_once('[').ok_or(NotAPlace)?;
            Ok((before, number(index)?))
        }
        None => Ok((text, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_they_are_read() {
        for text in
            ["PID", "PID-3", "PID-3[2]", "PID-3[2].4", "PID-3.4.1", "OBX[2]-5[1].3.1", "ZPD[7]", "message 3 PID-3[2].4"]
        {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        let place = Place::field("PID", 3).repetition(2).component(4);
        let large = Place::field("OBX", 100).occurrence(u32::MAX).in_message(10).subcomponent(90);
        assert_eq!(large.to_string(), "message 10 OBX[4294967295]-100.1.90");
        assert_eq!("PID-3[2].4".parse(), Ok(place));
        assert_eq!((place.segment(), place.numbers()), (b"PID", [1, 3, 2, 4, 0]));
        assert_eq!("OBX[1]-5".parse(), Ok(Place::field("OBX", 5)));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            "PI",
            "pid-3",
            "PID-",
            "PID-0",
            "PID-x",
            "PID-3[0]",
            "PID-3[2",
            "PID-3.",
            "PID-3.1.2.3",
            "PID3",
            "PID-3[2]4",
            "PID-9999999",
            "message PID-3",
            "message 0 PID-3",
            "3ID-1",
            "PÏD-1",
            "PID-+3",
        ] {
            assert_eq!(text.parse::<Place>(), Err(NotAPlace), "{text}");
        }
    }
}
