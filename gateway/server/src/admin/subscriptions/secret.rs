//! A subscription's secrets: as a body states one, and as reads show them.

use crate::admin::body::{Faults, Object};
use hookwright_core::secret::{KeyKind, LiveSecret, SigningKey, live};
use hookwright_core::timestamp::format_ms;
use serde::Serialize;

/// Longer than any of either kind.
const CHARACTERS_MAX: usize = 200;

/// Reads `secret`, of either kind.
pub fn read(object: &mut Object<'_>, faults: &mut Faults) -> Option<SigningKey> {
    let text = object.text("secret", CHARACTERS_MAX, faults)?;
    SigningKey::parse(text).map_err(|error| faults.add("/secret", error.to_string())).ok()
}

/// A secret as reads show it: what it is and how long it lives, and of its text no more than a hint.
#[derive(Serialize)]
pub struct Shown {
    id: String,
    r#type: KeyKind,
    hint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// Those that sign at this time, newest first.
pub fn shown(secrets: &[LiveSecret], now_ms: i64) -> Vec<Shown> {
    let show = |secret: &LiveSecret| Shown {
        id: secret.id.to_string(),
        r#type: secret.key.kind(),
        hint: secret.key.hint(),
        public_key: secret.key.public(),
        created_at: format_ms(secret.created_at),
        expires_at: secret.expires_at.map(format_ms),
    };
    live(secrets, now_ms).map(show).collect()
}
