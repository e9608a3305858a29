//! What is wrong with a document, and where.

/// What is wrong with a document, and where. It holds no value of the document; the pointer holds its keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at byte {offset})")]
pub struct JsonFault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Which value, as a JSON pointer (RFC 6901); cut off after about 500 bytes.
    pub pointer: String,
    /// Where, in bytes from the beginning.
    pub offset: usize,
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// More bytes than allowed.
    #[error("the document is too long")]
    TooLong,
    /// Something else than JSON's grammar has here.
    #[error("the document is not JSON: something else was expected here")]
    Unexpected,
    /// It ends in the middle.
    #[error("the document is not JSON: it ends too early")]
    Ended,
    /// Something follows the value.
    #[error("something follows the document's value")]
    Trailing,
    /// Bytes that are not UTF-8.
    #[error("the document is not UTF-8")]
    Utf8,
    /// A control character in a string, which must be escaped.
    #[error("a string holds a control character that is not escaped")]
    Control,
    /// A backslash before something that has no meaning after it.
    #[error("a string holds an unknown escape")]
    Escape,
    /// Half of a surrogate pair.
    #[error("a string holds half of a surrogate pair")]
    Surrogate,
    /// A number that is not written as JSON has it.
    #[error("a number is not written as JSON has it")]
    Number,
    /// A number beyond the range of a double, which readers turn into infinity or an error.
    #[error("a number is too large")]
    NumberRange,
    /// A key that its object has already, escapes undone.
    #[error("an object has the same key twice")]
    DuplicateKey,
    /// Arrays and objects too deep inside one another.
    #[error("the document is nested too deeply")]
    Depth,
    /// More values than allowed.
    #[error("the document has too many values")]
    Nodes,
}

impl FaultKind {
    /// The stable word for problem answers and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Unexpected => "unexpected",
            Self::Ended => "ended",
            Self::Trailing => "trailing",
            Self::Utf8 => "not_utf8",
            Self::Control => "control_character",
            Self::Escape => "unknown_escape",
            Self::Surrogate => "lone_surrogate",
            Self::Number => "malformed_number",
            Self::NumberRange => "number_too_large",
            Self::DuplicateKey => "duplicate_key",
            Self::Depth => "too_deep",
            Self::Nodes => "too_many_values",
        }
    }
}
