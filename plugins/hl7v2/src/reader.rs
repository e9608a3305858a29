//! Reading one message: texts and times at places, with refusals that name them.

use std::borrow::Cow;

use hookwright_plugin_sdk::er7::{Exactness, Message, Part, Place, Stamp};
use hookwright_plugin_sdk::inbound::{Attribute, Precision, Refusal, Timestamp};

use crate::settings::{Condition, Settings};

/// The contract's bound on texts.
const TEXT_BYTES_MAX: usize = 512;
/// Short enough that a message id made of ids keeps within the contract's 256 bytes.
const ID_BYTES_MAX: usize = 128;

/// One message, and what the operator wants of it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'m> {
    pub message: Message<'m>,
    pub settings: &'m Settings,
    /// Which message of the request; 0 if it is the only one.
    pub number: u32,
}

/// A time, and how exact it was before the contract's precisions were applied.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub place: Place,
    pub timestamp: Timestamp,
    pub exactness: Exactness,
}

impl<'m> Reader<'m> {
    /// The same place, as it is told to others.
    pub fn told(&self, place: &Place) -> Place {
        place.in_message(self.number)
    }

    /// A refusal for what stands at a place.
    pub fn malformed(&self, place: &Place, expected: &'static str) -> Refusal {
        Refusal { location: Some(self.told(place).to_string()), expected: Some(expected), ..Refusal::new("malformed") }
    }

    /// The text of a part that stands at this place, blanks around it aside; `None` if it is empty or the explicit null.
    pub fn text_of(&self, part: Part<'m>, place: &Place) -> Result<Option<Cow<'m, str>>, Refusal> {
        let text = part.text().map_err(|_| self.malformed(place, "text in the character set of the message"))?;
        let text = text.map(|text| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        });
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// The text at a place.
    pub fn text(&self, place: &Place) -> Result<Option<Cow<'m, str>>, Refusal> {
        self.message.at(place).map_or(Ok(None), |part| self.text_of(part, place))
    }

    /// A text short enough for the contract. Breaks of lines, as in an address that a sender keeps in one piece, are blanks.
    pub fn short(&self, part: Option<Part<'m>>, place: &Place) -> Result<Option<String>, Refusal> {
        let Some(text) = part.map_or(Ok(None), |part| self.text_of(part, place))? else { return Ok(None) };
        let text = if text.contains(['\n', '\r', '\t']) { text.replace(['\n', '\r', '\t'], " ").into() } else { text };
        self.bounded(text, place, TEXT_BYTES_MAX, "text of at most 512 printable bytes").map(Some)
    }

    /// An id. Where a whole field or repetition is meant, it is the first component.
    pub fn id(&self, part: Option<Part<'m>>, place: &Place) -> Result<Option<String>, Refusal> {
        let place = if place.numbers()[3] == 0 { &place.component(1) } else { place };
        let Some(text) = part.map_or(Ok(None), |part| self.text_of(part, place))? else { return Ok(None) };
        self.bounded(text, place, ID_BYTES_MAX, "an id of at most 128 printable bytes").map(Some)
    }

    fn bounded(
        &self,
        text: Cow<'_, str>,
        place: &Place,
        bytes_max: usize,
        expected: &'static str,
    ) -> Result<String, Refusal> {
        if text.len() > bytes_max || text.chars().any(char::is_control) {
            return Err(self.malformed(place, expected));
        }
        Ok(text.into_owned())
    }

    /// Whether what stands at a place is one of the values, or anything if there are none.
    pub fn meets(&self, condition: &Condition) -> Result<bool, Refusal> {
        let Some(text) = self.text(&condition.place)? else { return Ok(false) };
        Ok(condition.values.is_empty() || condition.values.iter().any(|value| value.eq_ignore_ascii_case(&text)))
    }

    /// The time at a place; `None` if none is told. A second component may say that it is less exact than it looks.
    pub fn moment(&self, place: Place) -> Result<Option<Moment>, Refusal> {
        self.message.at(&place).map_or(Ok(None), |part| self.moment_of(part, place))
    }

    /// The time that a part tells, which stands at this place.
    pub fn moment_of(&self, part: Part<'m>, place: Place) -> Result<Option<Moment>, Refusal> {
        let Some(text) = self.text_of(part, &place)? else { return Ok(None) };
        let wrong = || self.malformed(&place, "a time that the calendar has: YYYYMMDD[HH[MM[SS[.S]]]][+/-ZZZZ]");
        let mut stamp = Stamp::parse(&text).ok_or_else(wrong)?;
        let second = if place.numbers()[3] == 0 { part.component(2) } else { None };
        let second = second.map_or(Ok(None), |part| self.text_of(part, &place.component(2)))?;
        if let Some(exactness) = second.and_then(|name| Stamp::exactness_named(&name)) {
            stamp = stamp.at_most(exactness);
        }
        let told = stamp.unix_ms();
        let unix_ms = told.or_else(|| self.assumed(stamp.clock_ms)).ok_or_else(wrong)?;
        let precision = match stamp.exactness {
            Exactness::Year | Exactness::Month | Exactness::Day => Precision::Day,
            Exactness::Hour => Precision::Hour,
            Exactness::Minute => Precision::Minute,
            Exactness::Second => Precision::Second,
            Exactness::Millisecond => Precision::Millisecond,
        };
        let timestamp = Timestamp { unix_ms, precision, zone_assumed: told.is_none() };
        Ok(Some(Moment { place, timestamp, exactness: stamp.exactness }))
    }

    /// The moment of a clock's reading without an offset: in the zone of the settings, else at the offset of MSH-7, which
    /// by the standard holds throughout the message, else in UTC.
    fn assumed(&self, clock_ms: i64) -> Option<i64> {
        match &self.settings.zone {
            Some((_, zone)) => zone.unix_ms(clock_ms),
            None => Some(clock_ms - i64::from(self.offset_minutes().unwrap_or(0)) * 60_000),
        }
    }

    fn offset_minutes(&self) -> Option<i32> {
        let text = self.message.at(&Place::field("MSH", 7))?.text().ok()??;
        Stamp::parse(&text)?.offset_minutes
    }

    /// The first of these places that tells a time.
    pub fn first_moment(&self, places: &[Place]) -> Result<Option<Moment>, Refusal> {
        for place in places {
            if let Some(moment) = self.moment(*place)? {
                return Ok(Some(moment));
            }
        }
        Ok(None)
    }

    /// When the message was made: when the event was recorded, else when the message was.
    pub fn made_at(&self) -> Result<Option<Moment>, Refusal> {
        self.first_moment(&[Place::field("EVN", 2), Place::field("MSH", 7)])
    }

    /// Whether the sender marked it as a test.
    pub fn is_test(&self) -> Result<bool, Refusal> {
        let id = self.text(&Place::field("MSH", 11))?;
        let ids = &self.settings.test_processing_ids;
        Ok(id.is_some_and(|id| ids.iter().any(|test| test.eq_ignore_ascii_case(&id))))
    }

    /// Notes where a time comes from, and what of it is not the sender's.
    pub fn note(&self, name: &str, moment: &Moment, attributes: &mut Vec<Attribute>) {
        attributes.push((format!("{name}-source"), moment.place.to_string()));
        let exactness = match moment.exactness {
            Exactness::Year => Some("year"),
            Exactness::Month => Some("month"),
            _ => None,
        };
        attributes.extend(exactness.map(|exactness| (format!("{name}-precision"), exactness.to_owned())));
        if moment.timestamp.zone_assumed && !attributes.iter().any(|(name, _)| name == "zone") {
            let of_message = if self.offset_minutes().is_some() { "MSH-7" } else { "UTC" };
            let zone = self.settings.zone.as_ref().map_or(of_message, |(name, _)| name);
            attributes.push(("zone".to_owned(), zone.to_owned()));
        }
    }
}
