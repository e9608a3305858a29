//! A request divided: into headers, messages and trailers, their lines, and the fields of each line.
//!
//! Lines end with CR, LF or both; MLLP's frame (0x0B … 0x1C 0x0D) may be around a message, and a byte order mark before
//! it. What ends one line and begins the next is not kept apart from the bytes: the lines' texts and what lies between
//! them are together the whole request.

use std::ops::Range;

use super::charset::{self, Charset, Named};
use super::fault::{Fault, Remark};
use super::message::{Message, Segment};
use super::part::Context;
use super::place::{Place, is_name};
use super::scan;
use super::separators::Separators;
use super::text::BYTE_ORDER_MARK;

/// The most remarks that are kept.
const REMARKS_MAX: usize = 64;

/// How much is divided, at most. What exceeds a limit is refused, with the line where that shows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes, at most 4 GiB.
    pub bytes: usize,
    /// Lines, blank ones left out.
    pub lines: usize,
    /// Fields, all lines together.
    pub fields: usize,
}

impl Default for Limits {
    /// What fits a plugin's 64 MiB: 32 MiB, a quarter of a million lines, a million fields.
    fn default() -> Self {
        Self { bytes: 32 << 20, lines: 1 << 18, fields: 1 << 20 }
    }
}

/// One line: where it stands, and which are its fields.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) bytes: Range<usize>,
    pub(super) fields: Range<usize>,
}

/// The name that a line begins with as one number, to be compared in one step; 0 if it begins with none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(u32);

impl Name {
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            [first, second, third] if is_name(name) => Self(u32::from_be_bytes([0, *first, *second, *third])),
            _ => Self(0),
        }
    }

    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// What a group of lines is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// FHS.
    FileHeader,
    /// BHS.
    BatchHeader,
    /// MSH, and all up to the next of these.
    Message,
    /// BTS.
    BatchTrailer,
    /// FTS.
    FileTrailer,
    /// Lines that belong to nothing: before the first header or after a trailer.
    Stray,
}

#[derive(Debug)]
struct Group {
    kind: Kind,
    lines: Range<usize>,
    context: Context,
}

/// A group of lines, and what it is.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'i> {
    /// What it is.
    pub kind: Kind,
    /// Its lines. All but messages and stray lines have one.
    pub lines: Message<'i>,
}

/// A request divided.
#[derive(Debug)]
pub struct Interchange<'b> {
    bytes: &'b [u8],
    lines: Vec<Line>,
    /// Those of the lines, close together: segments are looked for by name again and again.
    names: Vec<Name>,
    /// Where each ends.
    fields: Vec<u32>,
    groups: Vec<Group>,
    remarks: Vec<Remark>,
    remarks_left_off: usize,
}

impl<'b> Interchange<'b> {
    /// Divides these bytes; the character set is what the transport told. Fails if there is no message in them, if a
    /// header does not say how its message is divided, or if a limit is exceeded.
    pub(super) fn read(bytes: &'b [u8], charset: Option<Charset>, limits: &Limits) -> Result<Self, Fault> {
        if bytes.len() > limits.bytes.min(u32::MAX as usize) {
            return Err(Fault { code: "malformed", location: None, expected: "fewer bytes" });
        }
        let mut reader = Reader::new(bytes, charset, *limits);
        let mut at = 0;
        while let Some(start) = scan::next_line(bytes, at) {
            at = reader.line(start)?;
        }
        if bytes.first() == Some(&0x0b) && !bytes.contains(&0x1c) {
            reader.remark(Remark::Frame { line: 1 });
        }
        let interchange = reader.finish();
        if interchange.groups.iter().any(|group| group.kind == Kind::Message) || interchange.is_batch() {
            return Ok(interchange);
        }
        Err(Fault::malformed("MSH", "a message, which begins with MSH"))
    }

    /// Everything in order.
    pub fn units(&self) -> impl Iterator<Item = Unit<'_>> {
        self.groups.iter().map(|group| Unit { kind: group.kind, lines: self.view(group) })
    }

    /// The messages alone.
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        self.groups.iter().filter(|group| group.kind == Kind::Message).map(|group| self.view(group))
    }

    /// Whether it came as a batch or file, with a header (BHS or FHS).
    pub fn is_batch(&self) -> bool {
        self.groups.iter().any(|group| matches!(group.kind, Kind::BatchHeader | Kind::FileHeader))
    }

    /// What is odd about it, as far as it is kept.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// How many remarks are not kept.
    pub fn remarks_left_off(&self) -> usize {
        self.remarks_left_off
    }

    /// The whole request.
    pub fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    fn segment<'i>(&'i self, line: usize, context: &'i Context) -> Segment<'i> {
        Segment::new(self.bytes, &self.lines[line], self.names[line], &self.fields, context)
    }

    fn view<'i>(&'i self, group: &'i Group) -> Message<'i> {
        let lines = group.lines.clone();
        Message::new(self.bytes, &self.lines[lines.clone()], &self.names[lines], &self.fields, &group.context)
    }
}

struct Reader<'b> {
    limits: Limits,
    charset: Option<Charset>,
    /// The separator of fields in force: none before the first header.
    separator: Option<u8>,
    /// The last declaration and what it says: in a batch it is the same again and again.
    last_declared: Option<(&'b [u8], Separators)>,
    interchange: Interchange<'b>,
    messages: u32,
    batch: Option<Open>,
    file: Option<Open>,
}

/// A batch or file whose trailer has not come yet.
#[derive(Clone, Copy)]
struct Open {
    line: usize,
    context: Context,
    /// Messages of a batch, batches of a file.
    count: u64,
}

impl<'b> Reader<'b> {
    fn new(bytes: &'b [u8], charset: Option<Charset>, limits: Limits) -> Self {
        let lines = Vec::with_capacity((bytes.len() / 64 + 4).min(limits.lines));
        let fields = Vec::with_capacity((bytes.len() / 6 + 8).min(limits.fields));
        let interchange = Interchange {
            bytes,
            names: Vec::with_capacity(lines.capacity()),
            lines,
            fields,
            groups: Vec::new(),
            remarks: Vec::new(),
            remarks_left_off: 0,
        };
        Self {
            limits,
            charset,
            separator: None,
            last_declared: None,
            interchange,
            messages: 0,
            batch: None,
            file: None,
        }
    }

    /// Takes the line that begins here, and says where it ends.
    fn line(&mut self, start: usize) -> Result<usize, Fault> {
        let bytes = self.interchange.bytes;
        let number = self.interchange.lines.len() + 1;
        if number > self.limits.lines {
            return Err(Fault::malformed(format_args!("line {number}"), "fewer lines"));
        }
        let (start, header) = header(bytes, start);
        let context = match header {
            Some(kind) => Some(self.declared(kind, start)?),
            None => None,
        };
        // A trailer is divided as its header is.
        let opened = match bytes.get(start..start + 3) {
            Some(b"BTS") => self.batch,
            Some(b"FTS") => self.file,
            _ => None,
        };
        if let Some(open) = opened.filter(|open| {
            // One that only begins with the name is none, and belongs to the message before it.
            scan::declaration(&bytes[start..], open.context.separators.field).trim_ascii().len() == 3
        }) {
            self.separator = Some(open.context.separators.field);
        }
        let fields = self.interchange.fields.len();
        let end = scan::fields(bytes, start, self.separator, &mut self.interchange.fields, self.limits.fields);
        let Some(end) = end else {
            return Err(Fault::malformed(format_args!("line {number}"), "fewer fields"));
        };
        let end_of_name = self.interchange.fields[fields] as usize;
        let name = bytes[start..end_of_name].trim_ascii();
        self.interchange.names.push(Name::of(name));
        self.interchange.lines.push(Line { bytes: start..end, fields: fields..self.interchange.fields.len() });
        match (header, context) {
            (Some(kind), Some(context)) => self.open(kind, context),
            _ => self.follow(name),
        }
        Ok(end)
    }

    /// The separators that a header declares, which hold from here on. The character set of a message is told by a later
    /// field and filled in when that has been read.
    fn declared(&mut self, kind: Kind, start: usize) -> Result<Context, Fault> {
        let bytes = self.interchange.bytes;
        let name = match kind {
            Kind::FileHeader => "FHS",
            Kind::BatchHeader => "BHS",
            _ => "MSH",
        };
        let message = if kind == Kind::Message && self.messages > 0 { self.messages + 1 } else { 0 };
        let place = |field| Place::field(name, field).in_message(message);
        let field = bytes.get(start + 3).copied().filter(|byte| Separators::can_separate(*byte));
        let field = field.ok_or_else(|| Fault::malformed(place(1), "a separator: a single ASCII character"))?;
        let encoding = scan::declaration(&bytes[start + 4..], field);
        let declaration = &bytes[start + 3..start + 4 + encoding.len()];
        let separators = match self.last_declared {
            Some((last, separators)) if last == declaration => separators,
            _ => Separators::declared(field, encoding).ok_or_else(|| {
                Fault::malformed(place(2), "separators: single ASCII characters, no letters or digits")
            })?,
        };
        self.last_declared = Some((declaration, separators));
        let complete = [separators.component, separators.repetition, separators.escape, separators.subcomponent];
        if encoding.is_empty() || complete.contains(&None) {
            self.remark(Remark::Separators { line: self.interchange.lines.len() + 1 });
        }
        self.separator = Some(field);
        Ok(Context { separators, charset: self.charset.unwrap_or(Charset::Utf8) })
    }

    /// Begins a group with the header just read.
    fn open(&mut self, kind: Kind, mut context: Context) {
        let last = self.interchange.lines.len() - 1;
        let open = Open { line: last + 1, context, count: 0 };
        match kind {
            Kind::FileHeader => {
                self.give_up(Kind::BatchTrailer);
                self.give_up(Kind::FileTrailer);
                self.file = Some(open);
            }
            Kind::BatchHeader => {
                self.give_up(Kind::BatchTrailer);
                self.batch = Some(open);
                self.file = self.file.map(|file| Open { count: file.count + 1, ..file });
            }
            _ => {
                context.charset = self.charset_of_last(&context);
                self.messages += 1;
                self.batch = self.batch.map(|batch| Open { count: batch.count + 1, ..batch });
            }
        }
        self.interchange.groups.push(Group { kind, lines: last..last + 1, context });
    }

    /// The character set of the message whose header is the last line.
    fn charset_of_last(&mut self, context: &Context) -> Charset {
        let interchange = &self.interchange;
        let last = interchange.lines.len() - 1;
        let header = interchange.segment(last, context);
        let named = header
            .field(18)
            .and_then(|field| field.subcomponent(1))
            .and_then(|name| std::str::from_utf8(name.raw()).ok())
            .filter(|name| !name.trim().is_empty() && *name != "\"\"")
            .map(charset::named);
        let (charset, contradicted) = match (self.charset, named) {
            (Some(decided), Some(Named::Known(named))) => (decided, named != decided),
            (decided, Some(Named::Wide)) => (decided.unwrap_or(Charset::Utf8), true),
            (Some(decided), None) => (decided, false),
            (None, Some(Named::Known(named))) => (named, false),
            (None, None) => (Charset::Utf8, false),
        };
        if contradicted {
            self.remark(Remark::Charset { line: last + 1 });
        }
        charset
    }

    /// Puts a line that is no header where it belongs.
    fn follow(&mut self, name: &[u8]) {
        let last = self.interchange.lines.len() - 1;
        let trailer = match name {
            b"BTS" => Some((Kind::BatchTrailer, self.batch)),
            b"FTS" => Some((Kind::FileTrailer, self.file)),
            _ => None,
        };
        if let Some((kind, open)) = trailer {
            // It may be divided as the message before it is, and not as its header.
            let of_header = open.map(|open| open.context).filter(|of| Some(of.separators.field) == self.separator);
            let context = of_header.or(self.interchange.groups.last().map(|group| group.context));
            let context = context.unwrap_or(Context { separators: Separators::USUAL, charset: Charset::Utf8 });
            let said = self.count_said(last, &context);
            self.close(kind, said);
            self.interchange.groups.push(Group { kind, lines: last..last + 1, context });
            return;
        }
        match self.interchange.groups.last_mut() {
            Some(group) if group.kind == Kind::Message => {
                group.lines.end = last + 1;
                if Name::of(name).is_none() {
                    self.remark(Remark::Nameless { line: last + 1 });
                }
            }
            Some(group) if group.kind == Kind::Stray => {
                group.lines.end = last + 1;
                self.remark(Remark::Stray { line: last + 1 });
            }
            other => {
                let context = other.map(|group| group.context);
                let context = context.unwrap_or(Context { separators: Separators::USUAL, charset: Charset::Utf8 });
                self.interchange.groups.push(Group { kind: Kind::Stray, lines: last..last + 1, context });
                self.remark(Remark::Stray { line: last + 1 });
            }
        }
    }

    /// The number in the first field of a trailer, if there is one.
    fn count_said(&self, line: usize, context: &Context) -> Option<u64> {
        let interchange = &self.interchange;
        let trailer = interchange.segment(line, context);
        let said = trailer.field(1)?.text().ok()??;
        Some(said.trim().parse().unwrap_or(u64::MAX))
    }

    fn take(&mut self, trailer: Kind) -> Option<Open> {
        if trailer == Kind::BatchTrailer { self.batch.take() } else { self.file.take() }
    }

    /// Ends a batch or file by its trailer, and compares the count that this tells if it tells one.
    fn close(&mut self, trailer: Kind, said: Option<u64>) {
        // A file need not have batches in it, and then nobody knows what was counted.
        let open = self.take(trailer).filter(|open| trailer == Kind::BatchTrailer || open.count > 0);
        if let (Some(open), Some(said)) = (open, said)
            && said != open.count
        {
            self.remark(Remark::Count { line: self.interchange.lines.len() });
        }
    }

    /// Ends a batch or file whose trailer did not come.
    fn give_up(&mut self, trailer: Kind) {
        if let Some(open) = self.take(trailer) {
            self.remark(Remark::Unclosed { line: open.line });
        }
    }

    fn remark(&mut self, remark: Remark) {
        if self.interchange.remarks.len() < REMARKS_MAX {
            self.interchange.remarks.push(remark);
        } else {
            self.interchange.remarks_left_off += 1;
        }
    }

    fn finish(mut self) -> Interchange<'b> {
        self.give_up(Kind::BatchTrailer);
        self.give_up(Kind::FileTrailer);
        self.interchange
    }
}

/// Whether a header begins here, a byte order mark and blanks aside, and where exactly.
fn header(bytes: &[u8], start: usize) -> (usize, Option<Kind>) {
    let mut rest = &bytes[start..];
    loop {
        match rest {
            [b' ' | b'\t', after @ ..] => rest = after,
            _ => match rest.strip_prefix(BYTE_ORDER_MARK) {
                Some(after) => rest = after,
                None => break,
            },
        }
    }
    let kind = match rest.get(..3) {
        Some(b"MSH") => Kind::Message,
        Some(b"FHS") => Kind::FileHeader,
        Some(b"BHS") => Kind::BatchHeader,
        _ => return (start, None),
    };
    // A word that only begins so, as in a comment, is no header.
    match rest.get(3) {
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b' ' => (start, None),
        _ => (bytes.len() - rest.len(), Some(kind)),
    }
}
