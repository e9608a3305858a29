//! Answers: the acknowledgment messages that a sender of HL7 waits for.

mod error;

use super::charset::{self, Charset, Named};
use super::fault::Fault;
use super::interchange::{Interchange, Kind, Limits};
use super::message::{Message, Segment};
use super::place::Place;
use super::separators::Separators;
use super::text::Text;
use crate::calendar::{DAY_MS, civil_from_days};

/// What is copied from a sender's field, at most, in bytes: an answer is not to be made large by what it answers.
const ECHO_MAX: usize = 1 << 10;

/// So many messages are answered one by one, and no more where they are not taken: their reason is one and the same.
const ANSWERS_MAX: usize = 10_000;

/// The media type that HL7 over HTTP has for ER7.
const MEDIA_TYPE: &str = "x-application/hl7-v2+er7";

/// How far the handling of a message has come when it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is kept safely, and not worked on yet.
    Kept,
    /// What it says has taken effect, or failed to.
    Processed,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'r> {
    /// All is well.
    Accepted,
    /// It cannot be taken as it is: AE or CE.
    Failed(Reason<'r>),
    /// It is none of ours, or nothing that can be read: AR or CR.
    Rejected(Reason<'r>),
}

/// Why a message is not taken. None of this may repeat a value of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reason<'r> {
    /// As in a plugin's refusal: `malformed`, `unsupported`, `internal` and so on.
    pub code: &'r str,
    /// Where, as in a plugin's refusal. What is written like a [`Place`] becomes the location of the ERR segment.
    pub location: Option<&'r str>,
    /// What was expected there, or any other text for people.
    pub text: Option<&'r str>,
}

/// When a sender wants an acknowledgment, by HL7's table 0155.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `AL`, and all that the table does not know.
    Always,
    /// `NE`, or nothing while the other of the two fields says something.
    Never,
    /// `ER`: when the message is not taken.
    OnError,
    /// `SU`: when it is.
    OnSuccess,
}

impl Condition {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        match field.unwrap_or_default() {
            b"" | b"\"\"" => None,
            b"NE" => Some(Self::Never),
            b"ER" => Some(Self::OnError),
            b"SU" => Some(Self::OnSuccess),
            _ => Some(Self::Always),
        }
    }

    fn is_met(self, verdict: &Verdict<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::OnError => *verdict != Verdict::Accepted,
            Self::OnSuccess => *verdict == Verdict::Accepted,
        }
    }
}

/// Which acknowledgments a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// MSH-15 and MSH-16 are empty: one answer, by the application.
    Original,
    /// One answer when the message is kept (MSH-15), and one when it has been processed (MSH-16).
    Enhanced {
        /// MSH-15.
        accept: Condition,
        /// MSH-16.
        application: Condition,
    },
}

/// Which acknowledgments a message asks for.
pub fn mode(message: Message<'_>) -> Mode {
    let condition = |field| Condition::read(header_field(message, field).map(<[u8]>::trim_ascii));
    match (condition(15), condition(16)) {
        (None, None) => Mode::Original,
        (accept, application) => Mode::Enhanced {
            accept: accept.unwrap_or(Condition::Never),
            application: application.unwrap_or(Condition::Never),
        },
    }
}

impl Mode {
    /// The acknowledgment code (MSA-1) for this verdict at this stage; `None` if the sender wants to hear nothing of it.
    ///
    /// In original mode AA, AE or AR at either stage. In enhanced mode CA, CE or CR once it is kept, and AA, AE or AR once
    /// it is processed, each if its condition is met. Over HTTP there is one answer only: a sender that never wants the
    /// kind of the stage, but does want the other, gets the other.
    pub fn code(self, stage: Stage, verdict: &Verdict<'_>) -> Option<&'static str> {
        let Self::Enhanced { accept, application } = self else { return Some(code(b'A', verdict)) };
        let accept = ('C', accept);
        let application = ('A', application);
        let (first, other) = match stage {
            Stage::Kept => (accept, application),
            Stage::Processed => (application, accept),
        };
        let (kind, condition) = if first.1 == Condition::Never { other } else { first };
        condition.is_met(verdict).then(|| code(if kind == 'A' { b'A' } else { b'C' }, verdict))
    }
}

fn code(kind: u8, verdict: &Verdict<'_>) -> &'static str {
    match (kind, verdict) {
        (b'A', Verdict::Accepted) => "AA",
        (b'A', Verdict::Failed(_)) => "AE",
        (b'A', Verdict::Rejected(_)) => "AR",
        (_, Verdict::Accepted) => "CA",
        (_, Verdict::Failed(_)) => "CE",
        (_, Verdict::Rejected(_)) => "CR",
    }
}

/// The answer to a request, whatever the request was.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'r> {
    /// How far its handling has come.
    pub stage: Stage,
    /// What is answered.
    pub verdict: Verdict<'r>,
    /// The time of the answer: Unix milliseconds, in the years 1 to 9999. It is written in UTC.
    pub now_ms: i64,
    /// The answer's own control id (MSH-10): at most 20 letters and digits, so that every version of HL7 can take it. In
    /// an answer to several messages the second and later get `-2`, `-3` … after it.
    pub id: &'r str,
}

/// An answer in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgment {
    /// ER7, each segment ended by CR.
    pub bytes: Vec<u8>,
    /// The character set of the bytes, as a content type names it. The media type is that of the request.
    pub charset: String,
}

impl Acknowledgment {
    /// The content type to send it with: that of the request, with the character set of the answer. What is not a media
    /// type becomes that of HL7 over HTTP.
    pub fn content_type(&self, request: Option<&str>) -> String {
        let media_type = request.and_then(|it| it.split(';').next()).unwrap_or_default().trim();
        let is_token = |it: &str| {
            !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
        };
        let is_media_type = media_type.split_once('/').is_some_and(|(kind, name)| is_token(kind) && is_token(name));
        format!("{}; charset={}", if is_media_type { media_type } else { MEDIA_TYPE }, self.charset)
    }
}

/// Answers a request: the body as it came, and its content type.
///
/// Every message gets its MSH and MSA, with an ERR if it was not taken, in its own separators and character set: sender
/// and receiver change places, processing id (MSH-11), version (MSH-12) and character set (MSH-18) are the sender's. A
/// batch or file is answered by one: its headers with the same exchange, one answer for each message, its trailers. A
/// location in one message of several (`message 3 PID-3`) is told to that message; the others fail for its sake.
///
/// What cannot be read at all is answered with a minimal AR in the usual separators, whatever the verdict is; so is a batch
/// without messages or with more than ten thousand, if it is not accepted.
///
/// `None` if the sender wants no answer in this case (MSH-15, MSH-16): then an empty body is right.
pub fn acknowledge(body: &[u8], content_type: Option<&str>, answer: &Answer<'_>) -> Option<Acknowledgment> {
    let text = match Text::new(body, content_type) {
        Ok(text) => text,
        Err(fault) => return Some(unreadable(answer, &reason_of(&fault))),
    };
    let interchange = match text.interchange(&Limits::default()) {
        Ok(interchange) => interchange,
        Err(fault) => return Some(unreadable(answer, &reason_of(&fault))),
    };
    // In an answer of its own form a batch without messages would have no place for the reason, and one with very many
    // would have it very often.
    if let Verdict::Failed(reason) | Verdict::Rejected(reason) = answer.verdict
        && (interchange.messages().next().is_none() || interchange.messages().nth(ANSWERS_MAX).is_some())
    {
        return Some(unreadable(answer, &reason));
    }
    // A batch of answers that nobody wants is not wanted either.
    let wanted = interchange.messages().any(|message| mode(message).code(answer.stage, &answer.verdict).is_some());
    if !wanted && interchange.messages().next().is_some() {
        return None;
    }
    let charset = interchange.messages().next().map_or(Charset::Utf8, Message::charset);
    Some(Acknowledgment { bytes: Writer::new(answer).write(&interchange), charset: charset.mime_name().into_owned() })
}

/// The answer to what cannot be read.
fn unreadable(answer: &Answer<'_>, reason: &Reason<'_>) -> Acknowledgment {
    let now = now(answer.now_ms);
    let id = plain(answer.id);
    let mut bytes = format!("MSH|^~\\&|||||{now}||ACK|{id}|P|2.5\rMSA|AR|\r").into_bytes();
    error::segment(&mut bytes, &Separators::USUAL, reason, None, true);
    Acknowledgment { bytes, charset: "utf-8".to_owned() }
}

fn reason_of(fault: &Fault) -> Reason<'_> {
    Reason { code: fault.code, location: fault.location.as_deref(), text: Some(fault.expected) }
}

/// The time as HL7 writes it, in UTC.
fn now(unix_ms: i64) -> String {
    let (year, month, day) = civil_from_days(unix_ms.div_euclid(DAY_MS));
    let clock_ms = unix_ms.rem_euclid(DAY_MS);
    let (hour, minute, second, millis) =
        (clock_ms / 3_600_000, clock_ms / 60_000 % 60, clock_ms / 1000 % 60, clock_ms % 1000);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}.{millis:03}+0000")
}

/// Letters, digits, dots, hyphens and underscores alone: what needs no escaping in any separators of sense.
fn plain(text: &str) -> String {
    text.chars().filter(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.')).collect()
}

/// The bytes of a header's field, unless there are too many of them.
fn echo(header: Segment<'_>, field: usize) -> &[u8] {
    header.field(field).map(super::Part::raw).filter(|raw| raw.len() <= ECHO_MAX).unwrap_or_default()
}

fn header_field(message: Message<'_>, field: usize) -> Option<&[u8]> {
    Some(message.segments().next()?.field(field)?.raw())
}

/// Writes one segment, without the empty fields at its end.
fn write_segment(bytes: &mut Vec<u8>, separator: u8, fields: &[&[u8]]) {
    let filled = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
    for (number, field) in fields[..filled].iter().enumerate() {
        if number > 0 {
            bytes.push(separator);
        }
        bytes.extend_from_slice(field);
    }
    bytes.push(b'\r');
}

/// A batch or file of answers that has been begun.
struct Open {
    separator: u8,
    /// What has been put into it: answers into a batch, batches into a file.
    count: u64,
}

struct Writer<'r> {
    answer: &'r Answer<'r>,
    bytes: Vec<u8>,
    batch: Option<Open>,
    file: Option<Open>,
    /// Messages so far.
    number: u32,
}

impl<'r> Writer<'r> {
    fn new(answer: &'r Answer<'r>) -> Self {
        Self { answer, bytes: Vec::new(), batch: None, file: None, number: 0 }
    }

    fn write(mut self, interchange: &Interchange<'_>) -> Vec<u8> {
        let several = interchange.messages().nth(1).is_some();
        for unit in interchange.units() {
            let Some(header) = unit.lines.segments().next() else { continue };
            match unit.kind {
                Kind::Message => self.message(unit.lines, header, several),
                Kind::FileHeader => {
                    self.end_file();
                    self.file = Some(self.open(header, unit.lines.separators()));
                }
                Kind::BatchHeader => {
                    self.end_batch();
                    self.batch = Some(self.open(header, unit.lines.separators()));
                    self.file = self.file.take().map(|file| Open { count: file.count + 1, ..file });
                }
                Kind::BatchTrailer => self.end_batch(),
                Kind::FileTrailer => self.end_file(),
                Kind::Stray => {}
            }
        }
        self.end_file();
        self.bytes
    }

    /// The header of a batch or file of answers; those of both have the same fields.
    fn open(&mut self, header: Segment<'_>, separators: Separators) -> Open {
        let (now, id) = (now(self.answer.now_ms), plain(self.answer.id));
        let name = if header.raw().starts_with(b"FHS") { b"FHS" } else { b"BHS" };
        let [enc, from_app, from, to_app, to, control] = [2, 3, 4, 5, 6, 11].map(|field| echo(header, field));
        let declared = declared(enc, &separators);
        let fields: [&[u8]; 12] =
            [name, &declared, to_app, to, from_app, from, now.as_bytes(), b"", b"", b"", id.as_bytes(), control];
        write_segment(&mut self.bytes, separators.field, &fields);
        Open { separator: separators.field, count: 0 }
    }

    fn end_batch(&mut self) {
        if let Some(Open { separator, count }) = self.batch.take() {
            write_segment(&mut self.bytes, separator, &[b"BTS", count.to_string().as_bytes()]);
        }
    }

    fn end_file(&mut self) {
        self.end_batch();
        if let Some(Open { separator, count }) = self.file.take() {
            write_segment(&mut self.bytes, separator, &[b"FTS", count.to_string().as_bytes()]);
        }
    }

    fn message(&mut self, message: Message<'_>, header: Segment<'_>, several: bool) {
        self.number += 1;
        let Some(code) = mode(message).code(self.answer.stage, &self.answer.verdict) else { return };
        self.batch = self.batch.take().map(|batch| Open { count: batch.count + 1, ..batch });
        let separators = message.separators();
        let mut id = plain(self.answer.id);
        if self.number > 1 {
            id = format!("{id}-{}", self.number);
        }
        let [enc, from_app, from, to_app, to, control, processing, version, charset] =
            [2, 3, 4, 5, 6, 10, 11, 12, 18].map(|field| echo(header, field));
        let (declared, now, kind) = (declared(enc, &separators), now(self.answer.now_ms), kind(header, &separators));
        let processing = if processing.is_empty() { b"P" } else { processing };
        let version = if version.is_empty() { b"2.5" } else { version };
        let charset = if is_wide(charset) { b"UNICODE UTF-8" } else { charset };
        let fields: [&[u8]; 18] = [
            b"MSH",
            &declared,
            to_app,
            to,
            from_app,
            from,
            now.as_bytes(),
            b"",
            &kind,
            id.as_bytes(),
            processing,
            version,
            b"",
            b"",
            b"",
            b"",
            b"",
            charset,
        ];
        write_segment(&mut self.bytes, separators.field, &fields);
        let reason = match self.answer.verdict {
            Verdict::Accepted => None,
            Verdict::Failed(reason) | Verdict::Rejected(reason) => Some(self.own(reason, several)),
        };
        let text = reason.and_then(|reason| reason.text).unwrap_or_default();
        let text = error::escaped(text, &separators);
        write_segment(&mut self.bytes, separators.field, &[b"MSA", code.as_bytes(), control, &text]);
        if let Some(reason) = reason {
            let is_new = error::has_new_form(version);
            error::segment(&mut self.bytes, &separators, &reason, Some(message), is_new);
        }
    }

    /// The reason as it concerns the message being answered.
    fn own(&self, reason: Reason<'r>, several: bool) -> Reason<'r> {
        let place: Option<Place> = reason.location.and_then(|location| location.parse().ok());
        let is_own =
            !several || place.is_none_or(|place| matches!(place.message(), 0) || place.message() == self.number);
        if is_own {
            return reason;
        }
        Reason { code: "internal", location: None, text: Some("another message of the same request is not taken") }
    }
}

/// The field that declares the separators, as the sender wrote it; the usual ones if it left them out.
fn declared(written: &[u8], separators: &Separators) -> Vec<u8> {
    let Separators { component, repetition, escape, subcomponent, .. } = *separators;
    if written.is_empty() {
        return [component, repetition, escape, subcomponent].into_iter().flatten().collect();
    }
    written.to_vec()
}

/// The message type: `ACK^A03^ACK`.
fn kind(header: Segment<'_>, separators: &Separators) -> Vec<u8> {
    let event = header.field(9).and_then(|kind| kind.component(2)).map(super::Part::raw).unwrap_or_default();
    match separators.component {
        Some(component) if !event.is_empty() && event.len() <= ECHO_MAX => {
            [b"ACK", &[component][..], event, &[component], b"ACK"].concat()
        }
        _ => b"ACK".to_vec(),
    }
}

/// Whether the sender's characters were wider than the answer's.
fn is_wide(charset: &[u8]) -> bool {
    std::str::from_utf8(charset).is_ok_and(|name| matches!(charset::named(name), Named::Wide))
}

#[cfg(test)]
mod tests;
