//! What inbound plugins are asked and what they answer, as the contract's interface `intake` defines it.

use bytes::Bytes;

use crate::clinical::Report;
use crate::context::{Attributes, Reply, opaque_debug};

/// How far the sender of a request is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assurance {
    /// A signature over the body was verified.
    Verified,
    /// The sender showed a secret that does not cover the body.
    Authenticated,
    /// The source asks for no proof.
    Open,
}

/// A request as it arrived. Headers that carry secrets must not be in it.
#[derive(Clone)]
pub struct InboundRequest {
    /// The HTTP method.
    pub method: String,
    /// The path after the source's slug, without a leading slash.
    pub hook: String,
    /// The decoded query parameters in the order of arrival.
    pub query: Vec<(String, String)>,
    /// Names in lower case; values decoded as ISO 8859-1.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
    /// First receipt, in unix milliseconds.
    pub received_at_ms: i64,
    /// How far the sender is proven.
    pub assurance: Assurance,
    /// The verification scheme's name; `none` for an open source.
    pub scheme: String,
    /// Whatever later versions of the contract add.
    pub attributes: Attributes,
}

/// The request reports something.
#[derive(Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The partner's own id of the message, for de-duplication.
    pub message_id: Option<String>,
    /// What is reported, in order.
    pub reports: Vec<Report>,
    /// What to answer.
    pub reply: Option<Reply>,
    /// What messages may be searched by.
    pub metadata: Vec<(String, String)>,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// There is nothing to do.
#[derive(Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Why, for the operator.
    pub reason: String,
    /// What to answer.
    pub reply: Option<Reply>,
    /// What messages may be searched by.
    pub metadata: Vec<(String, String)>,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// A request that the gateway shall make in the partner's API.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The plugin's name for it, unique in its list.
    pub id: String,
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Absolute, or a path under the source's base address. Not yet held against any allow-list.
    pub url: String,
    /// Legal names in lower case and legal values.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// The partner must be asked first.
#[derive(Clone, PartialEq, Eq)]
pub struct NeedFetch {
    /// From 1 to 16 fetches.
    pub fetches: Vec<Fetch>,
    /// What the plugin wants to find again.
    pub state: Vec<u8>,
    /// The partner's own id of the message, for de-duplication.
    pub message_id: Option<String>,
    /// What to answer.
    pub reply: Option<Reply>,
    /// What messages may be searched by.
    pub metadata: Vec<(String, String)>,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// What became of a request that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It reports something.
    Accepted(Accepted),
    /// There is nothing to do.
    Ignored(Ignored),
    /// The partner must be asked first.
    NeedFetch(NeedFetch),
}

/// Who has to act on a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The partner sent something that cannot be taken: answer 422, keep the message as rejected.
    Partner,
    /// The settings or the plugin are wrong: quarantine the message, answer 202.
    Operator,
}

/// Why a plugin does not take a request. By contract it repeats no value of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In kebab-case: `malformed`, `unsupported`, `settings`, `internal` or the plugin's own.
    pub code: String,
    /// Where, as in a JSON pointer.
    pub location: Option<String>,
    /// What was expected there.
    pub expected: Option<String>,
    /// What to answer instead of the gateway's own problem body.
    pub reply: Option<Box<Reply>>,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

impl Refusal {
    /// Who has to act.
    pub fn blame(&self) -> Blame {
        match self.code.as_str() {
            "settings" | "internal" => Blame::Operator,
            _ => Blame::Partner,
        }
    }
}

/// What the partner answered to a fetch.
#[derive(Clone)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// Names in lower case; values decoded as ISO 8859-1.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// One fetch and its end.
#[derive(Clone, Debug)]
pub struct FetchAnswer {
    /// The id that the plugin gave it.
    pub id: String,
    /// The response, or the code of the failure: `denied`, `unreachable`, `timeout`, `too-large`.
    pub answer: Result<Fetched, String>,
}

/// Where a call to `resume` picks up.
#[derive(Clone)]
pub struct Resumption {
    /// What the plugin left in [`NeedFetch::state`].
    pub state: Vec<u8>,
    /// How many times the message has been resumed, this time included.
    pub round: u32,
    /// One for each fetch, in the order of the fetches.
    pub answers: Vec<FetchAnswer>,
}

opaque_debug!(InboundRequest, Accepted, Ignored, Fetch, NeedFetch, Fetched, Resumption);
