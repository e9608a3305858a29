//! Why a request is no ER7, and what is odd about one that is.

use std::fmt;

/// Why a request cannot be read, or a value in it not be used. It never repeats a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `malformed`, or `unsupported` for what is legal and not known here.
    pub code: &'static str,
    /// Where: a place such as `PID-3[2].4`, a line, a header; nothing if it is the request as a whole.
    pub location: Option<String>,
    /// What was expected there.
    pub expected: &'static str,
}

impl Fault {
    /// A breach of the format at this place.
    pub fn malformed(location: impl fmt::Display, expected: &'static str) -> Self {
        Self { code: "malformed", location: Some(location.to_string()), expected }
    }
}

/// Something odd about a request that was read all the same, and from which nothing was dropped. Lines are counted from
/// 1, blank ones left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A line that belongs to no message: before the first header, or after a trailer.
    Stray {
        /// Which line.
        line: usize,
    },
    /// A line inside a message that does not begin with the name of a segment.
    Nameless {
        /// Which line.
        line: usize,
    },
    /// A header that declares fewer separators than the four usual ones, or the same one twice.
    Separators {
        /// Which line.
        line: usize,
    },
    /// A trailer (BTS, FTS) counts otherwise.
    Count {
        /// Which line.
        line: usize,
    },
    /// A batch or file header without its trailer.
    Unclosed {
        /// The header's line.
        line: usize,
    },
    /// The frame of MLLP is begun and not ended: the end may be missing.
    Frame {
        /// The first line in it.
        line: usize,
    },
    /// MSH-18 names another character set than what decided.
    Charset {
        /// The header's line.
        line: usize,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, what) = match self {
            Self::Stray { line } => (line, "belongs to no message"),
            Self::Nameless { line } => (line, "does not begin with the name of a segment"),
            Self::Separators { line } => (line, "declares other separators than the usual number"),
            Self::Count { line } => (line, "counts otherwise than what came"),
            Self::Unclosed { line } => (line, "opens a batch or file that is not closed"),
            Self::Frame { line } => (line, "begins a frame that is not ended"),
            Self::Charset { line } => (line, "names another character set than what decided"),
        };
        write!(f, "line {line} {what}")
    }
}
