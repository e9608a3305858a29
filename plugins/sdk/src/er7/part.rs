//! Parts of a segment: a field, its repetitions, their components, and their subcomponents.

use std::borrow::Cow;

use super::charset::Charset;
use super::escape;
use super::scan::find;
use super::separators::Separators;

/// How deep a part lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A field with all its repetitions.
    Field,
    /// One repetition of a field.
    Repetition,
    /// One component of a repetition.
    Component,
    /// One subcomponent, which is divided no further.
    Subcomponent,
}

/// What the text of a message depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its separators.
    pub separators: Separators,
    /// Its character set.
    pub charset: Charset,
}

/// The bytes of a part are no text in the message's character set, or that one is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoText;

/// A part of a segment, with the bytes as they came.
#[derive(Clone, Copy, Debug)]
pub struct Part<'i> {
    raw: &'i [u8],
    level: Level,
    /// It declares the separators: nothing in it separates.
    is_literal: bool,
    context: &'i Context,
}

impl<'i> Part<'i> {
    pub(super) fn field(raw: &'i [u8], is_literal: bool, context: &'i Context) -> Self {
        Self { raw, level: Level::Field, is_literal, context }
    }

    /// The bytes as they came, escape sequences and all.
    pub fn raw(self) -> &'i [u8] {
        self.raw
    }

    /// How deep it lies.
    pub fn level(self) -> Level {
        self.level
    }

    /// Nothing is there: the sender says nothing.
    pub fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// `""` is there: the sender says that there is no value, and that an earlier one is to be deleted.
    pub fn is_null(self) -> bool {
        self.raw == b"\"\""
    }

    /// The parts of the next level, in order; there is at least one. A subcomponent is its own only part.
    pub fn parts(self) -> Parts<'i> {
        let separators = &self.context.separators;
        let (level, separator) = match self.level {
            Level::Field => (Level::Repetition, separators.repetition),
            Level::Repetition => (Level::Component, separators.component),
            Level::Component => (Level::Subcomponent, separators.subcomponent),
            Level::Subcomponent => (Level::Subcomponent, None),
        };
        let separator = separator.filter(|_| !self.is_literal);
        Parts { rest: Some(self.raw), separator, part: Self { level, ..self } }
    }

    /// The nth part of a level, from 1, going through the first parts of the levels between.
    fn nth_at(self, level: Level, number: usize) -> Option<Self> {
        let mut part = self;
        while part.level < level {
            let first = if part.level as u8 + 1 == level as u8 { number } else { 1 };
            part = part.parts().nth(first.checked_sub(1)?)?;
        }
        (part.level == level && (self.level < level || number == 1)).then_some(part)
    }

    /// The nth repetition of a field, from 1.
    pub fn repetition(self, number: usize) -> Option<Self> {
        self.nth_at(Level::Repetition, number)
    }

    /// The nth component, from 1; of a field, in its first repetition.
    pub fn component(self, number: usize) -> Option<Self> {
        self.nth_at(Level::Component, number)
    }

    /// The nth subcomponent, from 1; of larger parts, in the first component of the first repetition.
    pub fn subcomponent(self, number: usize) -> Option<Self> {
        self.nth_at(Level::Subcomponent, number)
    }

    /// The text, with escape sequences decoded; of what has parts, that of the first, which is what it was before later
    /// versions divided it. `None` if it is empty or the explicit null.
    pub fn text(self) -> Result<Option<Cow<'i, str>>, NoText> {
        let Some(leaf) = self.nth_at(Level::Subcomponent, 1) else { return Ok(None) };
        if leaf.is_empty() || leaf.is_null() {
            return Ok(None);
        }
        let text = if leaf.is_literal {
            std::str::from_utf8(leaf.raw).ok().map(Cow::Borrowed)
        } else {
            escape::decode(leaf.raw, &self.context.separators, self.context.charset)
        };
        text.map(Some).ok_or(NoText)
    }
}

/// The parts of a part.
#[derive(Clone, Debug)]
pub struct Parts<'i> {
    rest: Option<&'i [u8]>,
    separator: Option<u8>,
    part: Part<'i>,
}

impl<'i> Iterator for Parts<'i> {
    type Item = Part<'i>;

    fn next(&mut self) -> Option<Part<'i>> {
        let rest = self.rest?;
        let end = self.separator.and_then(|separator| find(rest, separator));
        let raw = &rest[..end.unwrap_or(rest.len())];
        self.rest = end.map(|end| &rest[end + 1..]);
        Some(Part { raw, ..self.part })
    }
}
