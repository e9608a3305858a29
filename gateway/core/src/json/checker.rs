//! The pass over a document, with a stack of its own: depth costs memory, never the thread's stack.

use std::borrow::Cow;

use super::scan::{Found, number, string};
use super::{FaultKind, JsonFault, Limits};

/// Longer pointers are cut: a key may be as long as the document.
const POINTER_MAX: usize = 500;
/// Up to so many keys are compared with one another; more are sorted first.
const PAIRWISE_MAX: usize = 12;

/// An array or object that is open.
enum Frame {
    /// The index of the element being read.
    Array(usize),
    /// Where its keys begin among all keys. The last of them belongs to the value being read.
    Object(usize),
}

/// What comes next.
enum Next {
    Value,
    AfterValue,
    End,
}

pub(super) struct Checker<'a> {
    document: &'a [u8],
    /// The document as far as it is UTF-8.
    text: &'a str,
    at: usize,
    frames: Vec<Frame>,
    /// The keys of all open objects, each with its offset.
    keys: Vec<(Cow<'a, str>, usize)>,
    nodes: usize,
    limits: Limits,
}

impl<'a> Checker<'a> {
    pub(super) fn new(document: &'a [u8], limits: Limits) -> Self {
        let text = match str::from_utf8(document) {
            Ok(text) => text,
            Err(fault) => str::from_utf8(&document[..fault.valid_up_to()]).unwrap_or_default(),
        };
        Self { document, text, at: 0, frames: Vec::new(), keys: Vec::new(), nodes: 0, limits }
    }

    pub(super) fn run(mut self) -> Result<(), JsonFault> {
        if self.document.len() > self.limits.bytes {
            return Err(JsonFault { kind: FaultKind::TooLong, pointer: String::new(), offset: self.limits.bytes });
        }
        self.pass().map_err(|(kind, offset)| {
            // Where the text ends although the document does not, there are bytes that are not UTF-8.
            let not_utf8 = offset >= self.text.len() && self.text.len() < self.document.len();
            JsonFault { kind: if not_utf8 { FaultKind::Utf8 } else { kind }, pointer: self.pointer(offset), offset }
        })
    }

    fn pass(&mut self) -> Found<()> {
        let mut next = Next::Value;
        loop {
            next = match next {
                Next::Value => self.value()?,
                Next::AfterValue => self.after_value()?,
                Next::End => break,
            };
        }
        match self.skip_blanks() {
            None if self.text.len() == self.document.len() => Ok(()),
            None => Err((FaultKind::Utf8, self.at)),
            Some(_) => Err((FaultKind::Trailing, self.at)),
        }
    }

    fn value(&mut self) -> Found<Next> {
        let byte = self.skip_blanks().ok_or((FaultKind::Ended, self.at))?;
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err((FaultKind::Nodes, self.at));
        }
        match byte {
            b'{' => return self.open(Frame::Object(self.keys.len()), b'}'),
            b'[' => return self.open(Frame::Array(0), b']'),
            b'"' => self.at = string(self.text, self.at + 1, false)?.1,
            b'-' | b'0'..=b'9' => self.at = number(self.text, self.at)?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => return Err((FaultKind::Unexpected, self.at)),
        }
        Ok(Next::AfterValue)
    }

    fn open(&mut self, frame: Frame, closing: u8) -> Found<Next> {
        if self.frames.len() == self.limits.depth {
            return Err((FaultKind::Depth, self.at));
        }
        self.at += 1;
        if self.skip_blanks() == Some(closing) {
            self.at += 1;
            return Ok(Next::AfterValue);
        }
        let is_object = matches!(frame, Frame::Object(_));
        self.frames.push(frame);
        if is_object {
            self.key()?;
        }
        Ok(Next::Value)
    }

    fn after_value(&mut self) -> Found<Next> {
        let Some(frame) = self.frames.last_mut() else { return Ok(Next::End) };
        let (closing, keys_start) = match frame {
            Frame::Array(_) => (b']', None),
            Frame::Object(start) => (b'}', Some(*start)),
        };
        match skip(self.text.as_bytes(), &mut self.at) {
            Some(b',') => {
                if let Frame::Array(index) = frame {
                    *index += 1;
                }
                self.at += 1;
                if keys_start.is_some() {
                    self.key()?;
                }
                Ok(Next::Value)
            }
            Some(byte) if byte == closing => {
                if let Some(start) = keys_start {
                    self.close_object(start)?;
                }
                self.at += 1;
                self.frames.pop();
                Ok(Next::AfterValue)
            }
            Some(_) => Err((FaultKind::Unexpected, self.at)),
            None => Err((FaultKind::Ended, self.at)),
        }
    }

    /// Reads a key and the colon after it.
    fn key(&mut self) -> Found<()> {
        match self.skip_blanks() {
            Some(b'"') => {}
            Some(_) => return Err((FaultKind::Unexpected, self.at)),
            None => return Err((FaultKind::Ended, self.at)),
        }
        let (key, after) = string(self.text, self.at + 1, true)?;
        self.keys.push((key, self.at));
        self.at = after;
        match self.skip_blanks() {
            Some(b':') => self.at += 1,
            Some(_) => return Err((FaultKind::Unexpected, self.at)),
            None => return Err((FaultKind::Ended, self.at)),
        }
        Ok(())
    }

    /// Looks for a key that is there twice, and forgets the object's keys.
    fn close_object(&mut self, start: usize) -> Found<()> {
        let keys = &mut self.keys[start..];
        let twice = if keys.len() <= PAIRWISE_MAX {
            let repeated = |at: usize| keys[..at].iter().any(|(key, _)| *key == keys[at].0);
            (1..keys.len()).find(|at| repeated(*at)).map(|at| keys[at].1)
        } else {
            keys.sort_unstable();
            keys.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1).min()
        };
        if let Some(offset) = twice {
            // The pointer shall name this key, not the object's last.
            let at = self.keys[start..].iter().position(|(_, at)| *at == offset).unwrap_or_default();
            self.keys.truncate(start + at + 1);
            return Err((FaultKind::DuplicateKey, offset));
        }
        self.keys.truncate(start);
        Ok(())
    }

    fn word(&mut self, word: &str) -> Found<()> {
        for expected in word.bytes() {
            match self.text.as_bytes().get(self.at) {
                Some(byte) if *byte == expected => self.at += 1,
                Some(_) => return Err((FaultKind::Unexpected, self.at)),
                None => return Err((FaultKind::Ended, self.at)),
            }
        }
        Ok(())
    }

    /// The next byte that is no blank, which is then the current one.
    fn skip_blanks(&mut self) -> Option<u8> {
        skip(self.text.as_bytes(), &mut self.at)
    }

    /// Which value was being read.
    fn pointer(&self, offset: usize) -> String {
        let mut pointer = String::new();
        for (depth, frame) in self.frames.iter().enumerate() {
            if pointer.len() > POINTER_MAX {
                break;
            }
            match frame {
                Frame::Array(index) => pointer.push_str(&["/", &index.to_string()].concat()),
                Frame::Object(start) => {
                    // The last key of this object is the one before the first key of the next object inside it.
                    let inner = self.frames[depth + 1..].iter().find_map(|frame| match frame {
                        Frame::Object(start) => Some(*start),
                        Frame::Array(_) => None,
                    });
                    let end = inner.unwrap_or(self.keys.len());
                    // While an object's next key is being read, what went before is none of its business.
                    let last = self.keys[*start..end].last().filter(|(_, at)| *at <= offset);
                    if let Some((key, _)) = last {
                        push_escaped(&mut pointer, key);
                    }
                }
            }
        }
        pointer
    }
}

fn push_escaped(pointer: &mut String, key: &str) {
    pointer.push('/');
    for character in key.chars() {
        match character {
            _ if pointer.len() > POINTER_MAX => return pointer.push('…'),
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

fn skip(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        match bytes.get(*at) {
            Some(b' ' | b'\n' | b'\r' | b'\t') => *at += 1,
            other => return other.copied(),
        }
    }
}
