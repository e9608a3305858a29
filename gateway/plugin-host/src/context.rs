//! The circumstances of a call, and the pieces that both directions share.

use std::fmt;

/// Names and values for which the contract has no field.
pub type Attributes = Vec<(String, String)>;

/// Gives types that may hold a patient's data or a secret a `Debug` that shows their name alone.
macro_rules! opaque_debug {
    ($($name:ident),+ $(,)?) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })+
    };
}
pub(crate) use opaque_debug;

/// The circumstances of a call: the same for a live call, a retry, a replay, a canary and a trial.
#[derive(Clone)]
pub struct CallContext {
    /// The name under which the gateway knows the plugin.
    pub plugin: String,
    /// The source (`src_…`) or subscription (`sub_…`) that names the plugin.
    pub binding_id: String,
    /// The source's slug or the subscription's name.
    pub binding_name: String,
    /// The message (`msg_…`) or delivery (`dlv_…`) that the call is about.
    pub subject_id: String,
    /// How often this has been tried, this time included.
    pub attempt: u32,
    /// The time of the call, in unix milliseconds.
    pub now_ms: i64,
    /// The binding's settings: the text of one JSON object.
    pub settings: String,
    /// Whatever later versions of the contract add.
    pub attributes: Attributes,
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("plugin", &self.plugin)
            .field("binding_id", &self.binding_id)
            .field("subject_id", &self.subject_id)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// An HTTP response that a plugin wants the partner to get.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// From 200 to 599; `None` leaves it to the gateway.
    pub status: Option<u16>,
    /// A legal header value.
    pub content_type: Option<String>,
    /// Legal names in lower case and legal values; none that frame the message.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

opaque_debug!(Reply);
