//! Why a request was not verified.

use super::{BadScheme, Place};

/// Why a request was not verified: a stable code, and the header's name where one is at fault. It holds no signature and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A header the scheme needs is not there.
    #[error("the header {header} is missing")]
    MissingHeader {
        /// Its name.
        header: String,
    },
    /// A header the scheme needs is there and cannot be used.
    #[error("the header {header} {flaw}")]
    MalformedHeader {
        /// Its name.
        header: String,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// A parameter, field or text the scheme needs is not there.
    #[error("{place} is missing")]
    MissingField {
        /// Where it should be, as a scheme writes it.
        place: String,
    },
    /// A parameter, field or text the scheme needs is there and cannot be used.
    #[error("{place} {flaw}")]
    MalformedField {
        /// Where it is, as a scheme writes it.
        place: String,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// The request was signed too long ago, or in the future.
    #[error("the signed time is {direction} (allowed: {tolerance_seconds} s either way)")]
    TimestampOutOfTolerance {
        /// On which side of the window.
        direction: Direction,
        /// Half the width of the window, in seconds.
        tolerance_seconds: u32,
    },
    /// No signature fits the body under any live secret.
    #[error("no signature fits the body under any live secret")]
    SignatureMismatch,
    /// No live secret is the credential that came along.
    #[error("the credential is none of the live secrets")]
    CredentialMismatch,
    /// The client showed no certificate, or the listener asks for none.
    #[error("the client showed no certificate")]
    NoCertificate,
    /// The scheme signs the URL, and the source does not say which one the partner knows.
    #[error("the source has no public_url, which its scheme signs")]
    NoPublicUrl,
    /// There is no secret to verify with.
    #[error("the source has no secret to verify with")]
    NoSecret,
    /// The source's scheme is not one that can be carried out.
    #[error("the source's scheme cannot be carried out")]
    Scheme(#[from] BadScheme),
}

impl VerifyError {
    /// The stable word for problem answers, logs and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader { .. } => "missing_header",
            Self::MalformedHeader { .. } => "malformed_header",
            Self::MissingField { .. } => "missing_field",
            Self::MalformedField { .. } => "malformed_field",
            Self::TimestampOutOfTolerance { .. } => "timestamp_out_of_tolerance",
            Self::SignatureMismatch => "signature_mismatch",
            Self::CredentialMismatch => "credential_mismatch",
            Self::NoCertificate => "no_certificate",
            Self::NoPublicUrl => "no_public_url",
            Self::NoSecret => "no_secret",
            Self::Scheme(_) => "bad_scheme",
        }
    }

    /// Whether the source is at fault, and no request of anybody's could be verified.
    pub const fn is_of_the_source(&self) -> bool {
        matches!(self, Self::NoSecret | Self::NoPublicUrl | Self::Scheme(_))
    }

    /// Something is missing at a place.
    pub(super) fn missing(place: &Place) -> Self {
        match place {
            Place::Header(name) => Self::MissingHeader { header: name.clone() },
            other => Self::MissingField { place: other.to_string() },
        }
    }

    /// Something at a place cannot be used.
    pub(super) fn at(place: &Place, flaw: Flaw) -> Self {
        match place {
            Place::Header(name) => Self::MalformedHeader { header: name.clone(), flaw },
            other => Self::MalformedField { place: other.to_string(), flaw },
        }
    }

    /// The body cannot be used.
    pub(super) fn at_body(flaw: Flaw) -> Self {
        Self::MalformedField { place: "the body".to_owned(), flaw }
    }
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It came more than once, and two readers could disagree on which one counts.
    #[error("is there more than once")]
    Duplicate,
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// It is longer than any honest one.
    #[error("is too long")]
    TooLong,
    /// It holds more signatures than any honest one.
    #[error("holds too many signatures")]
    TooMany,
    /// It does not begin as the scheme says.
    #[error("does not begin with the prefix of the scheme")]
    Prefix,
    /// It does not end as the scheme says.
    #[error("does not end with the suffix of the scheme")]
    Suffix,
    /// It is not hexadecimal, or has an odd number of digits.
    #[error("is not hexadecimal")]
    Hex,
    /// It is not padded, canonical base64 of the standard alphabet.
    #[error("is not canonical base64")]
    Base64,
    /// The signature is shorter or longer than the digest.
    #[error("holds a signature of the wrong length")]
    Length,
    /// It holds no signature of a version that is understood.
    #[error("holds no v1 signature")]
    Version,
    /// It holds no signature under the name that the scheme gives.
    #[error("holds no signature under the name that the scheme gives")]
    NoSignature,
    /// It names no hash function, or one that the scheme does not accept.
    #[error("names no method that the scheme accepts")]
    Method,
    /// It holds no time of signing.
    #[error("holds no time of signing")]
    NoTimestamp,
    /// It is not a date of the form that the scheme says.
    #[error("is not a time of the scheme's form")]
    Date,
    /// It is no form, and the fields of one are what is signed.
    #[error("is not application/x-www-form-urlencoded, whose fields are what is signed")]
    NoForm,
    /// It is not the digest of the body it came with.
    #[error("is not the digest of the body")]
    BodyDigest,
    /// It is not a whole number in decimal digits.
    #[error("is not a time in decimal digits")]
    Timestamp,
    /// It is not visible ASCII, or holds a dot, which separates the signed parts.
    #[error("holds a character that an id cannot have")]
    Id,
}

/// On which side of the allowed window a time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Signed too long ago: a replay, or a slow sender.
    Past,
    /// Signed in the future: a wrong clock, or milliseconds where seconds are expected.
    Future,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Past => "too old",
            Self::Future => "in the future",
        })
    }
}
