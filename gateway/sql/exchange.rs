//! What an attempt exchanged, as one sealed record.

use crate::sealer::{Sealer, column};
use hookwright_core::delivery::Attempt;
use serde::{Deserialize, Serialize};

/// What an attempt exchanged, sealed as one; the answer's body follows it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) request_headers: Vec<(String, String)>,
    pub(crate) response_headers: Vec<(String, String)>,
    pub(crate) response_truncated: bool,
    pub(crate) error_detail: Option<String>,
    pub(crate) logs: Vec<String>,
}

/// The same as it is written, without a copy.
#[derive(Serialize)]
struct ExchangeOf<'a> {
    request_headers: &'a [(String, String)],
    response_headers: &'a [(String, String)],
    response_truncated: bool,
    error_detail: Option<&'a str>,
    logs: &'a [String],
}

/// Seals what an attempt exchanged.
pub(crate) fn seal(attempt: &Attempt, sealer: &Sealer) -> Vec<u8> {
    let exchange = ExchangeOf {
        request_headers: &attempt.request_headers,
        response_headers: &attempt.response_headers,
        response_truncated: attempt.response_truncated,
        error_detail: attempt.error.as_ref().map(|error| error.detail.as_str()),
        logs: &attempt.logs,
    };
    sealer.seal_parcel(column::attempt_exchange(attempt.id.get()), &exchange, &attempt.response_body)
}
