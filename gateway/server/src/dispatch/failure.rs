//! Why an exchange brought no answer that counts: stable codes, and a sentence without any value of the event.

use hookwright_core::delivery::AttemptError;
use std::borrow::Cow;

/// Where an exchange broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The host's name has no address, or none was found in time.
    Dns,
    /// The egress guard lets no delivery go there.
    EgressRefused,
    /// No way through the proxy.
    Proxy,
    /// No connection.
    Connect,
    /// No trusted TLS session.
    Tls,
    /// The deadline of the whole exchange passed.
    Timeout,
    /// What came back is not HTTP, or beyond its bounds.
    Protocol,
    /// The connection broke before the answer was whole.
    Reset,
}

impl FailureKind {
    /// The code on record.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::EgressRefused => "egress_refused",
            Self::Proxy => "proxy",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Reset => "reset",
        }
    }
}

/// Why an exchange brought no answer that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Where it broke.
    pub(crate) kind: FailureKind,
    /// A sentence for a person.
    pub(crate) detail: Cow<'static, str>,
}

impl Failure {
    /// A failure with its sentence.
    pub(crate) fn new(kind: FailureKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// As the attempt's record holds it.
    pub(crate) fn to_record(&self) -> AttemptError {
        AttemptError { kind: self.kind.as_str().to_owned(), detail: self.detail.clone().into_owned() }
    }
}
