//! The log of one call: the lines that a guest writes by the contract's `log`, and what it writes to the standard
//! streams that WASI gives it, in one order and under one bound.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::call::{LogLevel, LogLine};
use crate::limits::LOG_LINES_MAX;

/// One of the standard streams that are captured.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    fn level(self) -> LogLevel {
        match self {
            Self::Stdout => LogLevel::Info,
            // Crashes are told here, but so is ordinary chatter.
            Self::Stderr => LogLevel::Warn,
        }
    }
}

/// What has been written so far.
struct Log {
    lines: Vec<LogLine>,
    bytes_left: usize,
    truncated: bool,
    /// The line of each stream that has no end yet. Its bytes are already taken off what is left.
    unfinished: [Vec<u8>; 2],
}

/// The log, shared by the guest's store and by the streams that live in it.
#[derive(Clone)]
pub(crate) struct SharedLog(Arc<Mutex<Log>>);

impl SharedLog {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Mutex::new(Log::new(bytes_max))))
    }

    /// No code panics while it holds the lock, so a poisoned one guards a sound log all the same.
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, or the part of it for which there is room.
    pub(crate) fn line(&self, level: LogLevel, mut message: String) {
        let mut log = self.lock();
        if log.lines.len() == LOG_LINES_MAX || log.bytes_left == 0 {
            log.truncated = true;
            return;
        }
        if message.len() > log.bytes_left {
            log.truncated = true;
            message.truncate(message.floor_char_boundary(log.bytes_left));
        }
        log.bytes_left -= message.len();
        log.lines.push(LogLine { level, message });
    }

    /// Adds what was written to a stream, as far as there is room; a line counts when it ends.
    pub(crate) fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut log = self.lock();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            let kept = text.len().min(log.bytes_left);
            log.truncated |= kept < text.len();
            log.bytes_left -= kept;
            log.unfinished[stream as usize].extend_from_slice(&text[..kept]);
            if ended {
                log.finish(stream);
            }
        }
    }

    /// Begins anew, with nothing in it, for whoever shares it.
    pub(crate) fn reopen(&self, bytes_max: usize) {
        *self.lock() = Log::new(bytes_max);
    }

    /// The lines, and whether there were more.
    pub(crate) fn close(&self) -> (Vec<LogLine>, bool) {
        let mut log = self.lock();
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !log.unfinished[stream as usize].is_empty() {
                log.finish(stream);
            }
        }
        (std::mem::take(&mut log.lines), log.truncated)
    }
}

impl Log {
    fn new(bytes_max: usize) -> Self {
        Self { lines: Vec::new(), bytes_left: bytes_max, truncated: false, unfinished: [Vec::new(), Vec::new()] }
    }

    fn finish(&mut self, stream: Stream) {
        let text = std::mem::take(&mut self.unfinished[stream as usize]);
        if self.lines.len() == LOG_LINES_MAX || (text.is_empty() && self.bytes_left == 0) {
            self.truncated = true;
            return;
        }
        let message = String::from_utf8_lossy(&text).into_owned();
        self.lines.push(LogLine { level: stream.level(), message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes_max: usize, pieces: &[(Stream, &[u8])]) -> (Vec<(LogLevel, String)>, bool) {
        let log = SharedLog::new(bytes_max);
        for (stream, bytes) in pieces {
            log.write(*stream, bytes);
        }
        let (lines, truncated) = log.close();
        (lines.into_iter().map(|line| (line.level, line.message)).collect(), truncated)
    }

    #[test]
    fn streams_become_lines() {
        let (lines, truncated) =
            written(99, &[(Stream::Stdout, b"on"), (Stream::Stderr, b"er\xff\n"), (Stream::Stdout, b"e\n\ntwo")]);
        let expected =
            [(LogLevel::Warn, "er\u{fffd}"), (LogLevel::Info, "one"), (LogLevel::Info, ""), (LogLevel::Info, "two")];
        assert_eq!(lines, expected.map(|(level, text)| (level, text.to_owned())));
        assert!(!truncated);
    }

    #[test]
    fn streams_are_bounded_in_bytes_and_lines() {
        let (lines, truncated) = written(5, &[(Stream::Stdout, b"abc"), (Stream::Stderr, b"defgh")]);
        assert_eq!((lines.len(), lines[1].1.as_str(), truncated), (2, "de", true));
        let (lines, truncated) = written(5, &[(Stream::Stdout, &[b'\n'; 1000])]);
        assert_eq!((lines.len(), truncated), (LOG_LINES_MAX, true));
    }
}
