//! How far an exchange has come, so that whoever reads that its time ran out knows on what.

use crate::dispatch::failure::{Failure, FailureKind};
use std::time::Duration;

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// The host's name and a TCP connection.
    Connecting,
    /// The TLS handshake.
    Securing,
    /// The request is under way, or an answer to it.
    #[default]
    Waiting,
    /// The head of the answer is there, its body is not.
    Reading,
}

impl Stage {
    /// The whole exchange took longer than it may.
    pub(super) fn ran_out(self, deadline: Duration) -> Failure {
        let on = match self {
            Self::Connecting => ": there was no connection yet",
            Self::Securing => ": there was no TLS session yet",
            Self::Waiting => "",
            Self::Reading => ": its body was still coming",
        };
        Failure::new(FailureKind::Timeout, format!("no whole answer within {} ms{on}", deadline.as_millis()))
    }
}
