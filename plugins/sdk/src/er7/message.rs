//! A message and its segments.

use super::charset::Charset;
use super::interchange::{Line, Name};
use super::part::{Context, Part};
use super::place::Place;
use super::separators::Separators;

/// The lines of a message, or of another group.
#[derive(Clone, Copy, Debug)]
pub struct Message<'i> {
    bytes: &'i [u8],
    lines: &'i [Line],
    names: &'i [Name],
    fields: &'i [u32],
    context: &'i Context,
}

impl<'i> Message<'i> {
    pub(super) fn new(
        bytes: &'i [u8],
        lines: &'i [Line],
        names: &'i [Name],
        fields: &'i [u32],
        context: &'i Context,
    ) -> Self {
        Self { bytes, lines, names, fields, context }
    }

    /// All segments in order: known, unknown, and lines that are none.
    pub fn segments(self) -> impl DoubleEndedIterator<Item = Segment<'i>> + ExactSizeIterator {
        let lines = self.lines.iter().zip(self.names);
        lines.map(move |(line, name)| Segment::new(self.bytes, line, *name, self.fields, self.context))
    }

    /// The segments of this name, in order.
    pub fn named(self, name: &[u8; 3]) -> impl Iterator<Item = Segment<'i>> {
        let name = Name::of(name);
        let mut at = 0;
        std::iter::from_fn(move || {
            let found = at + position(&self.names[at..], name)?;
            at = found + 1;
            Some(Segment::new(self.bytes, &self.lines[found], self.names[found], self.fields, self.context))
        })
    }

    /// What stands at a place: the field, or the part of it. `None` if the message does not reach so far. Which message
    /// of the request the place names is not looked at.
    pub fn at(self, place: &Place) -> Option<Part<'i>> {
        let [occurrence, field, ..] = place.numbers();
        self.named(place.segment()).nth(occurrence as usize - 1)?.field(field as usize)?.at(place)
    }

    /// The separators that its header declares.
    pub fn separators(self) -> Separators {
        self.context.separators
    }

    /// The character set of its text.
    pub fn charset(self) -> Charset {
        self.context.charset
    }

    /// Its bytes, from the first line to the last, without what comes before and after.
    pub fn raw(self) -> &'i [u8] {
        match (self.lines.first(), self.lines.last()) {
            (Some(first), Some(last)) => &self.bytes[first.bytes.start..last.bytes.end],
            _ => &[],
        }
    }
}

/// One line of a message.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'i> {
    bytes: &'i [u8],
    line: &'i Line,
    name: Name,
    fields: &'i [u32],
    context: &'i Context,
    /// The first field of a header is the separator itself, so that the others are counted one higher.
    is_header: bool,
}

impl<'i> Segment<'i> {
    pub(super) fn new(bytes: &'i [u8], line: &'i Line, name: Name, fields: &'i [u32], context: &'i Context) -> Self {
        let fields = &fields[line.fields.clone()];
        let is_header = is_header(&bytes[line.bytes.clone()]);
        Self { bytes, line, name, fields, context, is_header }
    }

    /// Its name, blanks around it aside, as from files that are indented; `None` if the line does not begin with one.
    pub fn name(self) -> Option<&'i [u8; 3]> {
        if self.name.is_none() {
            return None;
        }
        self.naive(0)?.raw().trim_ascii().try_into().ok()
    }

    /// A field, from 1; 0 is the name. The first field of MSH, FHS and BHS is the separator.
    pub fn field(self, number: usize) -> Option<Part<'i>> {
        match number {
            1 if self.is_header => {
                let at = self.line.bytes.start + 3;
                Some(Part::field(&self.bytes[at..=at], true, self.context))
            }
            _ if self.is_header && number > 1 => self.naive(number - 1),
            _ => self.naive(number),
        }
    }

    /// All fields in order, the name first.
    pub fn fields(self) -> impl Iterator<Item = Part<'i>> {
        (0..self.fields.len() + usize::from(self.is_header)).filter_map(move |number| self.field(number))
    }

    /// Its bytes, without the line's end.
    pub fn raw(self) -> &'i [u8] {
        &self.bytes[self.line.bytes.clone()]
    }

    /// Where it begins in the request's text.
    pub fn offset(self) -> usize {
        self.line.bytes.start
    }

    /// What stands between separators, counted from 0.
    fn naive(self, number: usize) -> Option<Part<'i>> {
        let end = *self.fields.get(number)? as usize;
        let start = match number.checked_sub(1) {
            Some(before) => self.fields[before] as usize + 1,
            None => self.line.bytes.start,
        };
        Some(Part::field(&self.bytes[start..end], self.is_header && number == 1, self.context))
    }
}

impl Part<'_> {
    /// The part of this field that a place names.
    pub fn at(self, place: &Place) -> Option<Self> {
        let [_, _, repetition, component, subcomponent] = place.numbers().map(|number| number as usize);
        let part = if repetition > 0 { self.repetition(repetition)? } else { self };
        match (component, subcomponent) {
            (0, 0) => Some(part),
            (component, 0) => part.component(component),
            (component, subcomponent) => part.component(component.max(1))?.subcomponent(subcomponent),
        }
    }
}

/// Whether a line is a header: one of three names, and what can be a separator after it. A word that only begins so, as in
/// a comment, is none.
pub(super) fn is_header(line: &[u8]) -> bool {
    let is_named = matches!(line.get(..3), Some(b"MSH" | b"FHS" | b"BHS"));
    is_named && line.get(3).is_some_and(|byte| !byte.is_ascii_alphanumeric() && *byte != b' ')
}

/// Where the name stands first, eight looked at in one step.
fn position(names: &[Name], wanted: Name) -> Option<usize> {
    let (chunks, rest) = names.as_chunks::<8>();
    for (number, chunk) in chunks.iter().enumerate() {
        // Counting goes to the end, which takes less than to ask after each.
        if chunk.iter().filter(|name| **name == wanted).count() > 0 {
            return chunk.iter().position(|name| *name == wanted).map(|at| number * 8 + at);
        }
    }
    rest.iter().position(|name| *name == wanted).map(|at| chunks.len() * 8 + at)
}
