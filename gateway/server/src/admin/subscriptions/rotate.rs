//! `POST …/{id}/rotate-secret`: a new secret, while those before it stay live for a while.

use super::secret;
use crate::admin::body::{Faults, Object};
use crate::app::App;
use crate::chance;
use crate::problem::Problem;
use hookwright_core::secret::{BadRotation, KeyKind, LiveSecret, SigningKey, rotated};
use hookwright_core::subscription::Subscription;
use http::StatusCode;
use serde_json::Value;

const KINDS: [(&str, KeyKind); 2] = [("hmac", KeyKind::Hmac), ("ed25519", KeyKind::Ed25519)];
/// A day.
const OVERLAP_SECS_DEFAULT: u32 = 86_400;
/// A week.
const OVERLAP_SECS_MAX: u32 = 604_800;

/// What is to follow.
#[derive(Debug)]
pub struct Rotation {
    key: SigningKey,
    overlap_ms: i64,
}

impl Rotation {
    /// Reads what a body asks for; without one, a new symmetric secret and an overlap of a day.
    pub fn read(body: &Value) -> Result<Self, Problem> {
        let mut faults = Faults::default();
        let read = Object::read(body, "", &mut faults).map(|object| fields(object, &mut faults));
        faults.finish()?;
        let Some((stated, kind, overlap_secs)) = read else {
            return Err(Problem::unexpected(&"a rotation without a fault could not be read"));
        };
        let fresh = || SigningKey::generate(kind, chance::bytes()).map_err(|error| Problem::unexpected(&error));
        let key = stated.map_or_else(fresh, Ok)?;
        Ok(Self { key, overlap_ms: i64::from(overlap_secs) * 1000 })
    }

    /// The new secret, to be shown once.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The subscription, with the new secret before the others.
    pub fn apply(&self, app: &App, current: &Subscription, now_ms: i64) -> Result<Subscription, Problem> {
        let new = LiveSecret::lasting(app.ids.next(), self.key.clone(), now_ms);
        let secrets = rotated(&current.secrets, new, self.overlap_ms).map_err(|error| match error {
            BadRotation::Known => Problem::field("/secret", error.to_string()),
            BadRotation::Full => Problem::new(StatusCode::CONFLICT, "too_many_secrets", error.to_string()),
        })?;
        Ok(Subscription { secrets, ..current.clone() })
    }
}

fn fields(mut object: Object<'_>, faults: &mut Faults) -> (Option<SigningKey>, KeyKind, u32) {
    let key = secret::read(&mut object, faults);
    let kind = object.word("type", &KINDS, faults);
    let overlap_secs = object.number("overlap_seconds", 0..=OVERLAP_SECS_MAX, faults).unwrap_or(OVERLAP_SECS_DEFAULT);
    if let (Some(key), Some(kind)) = (&key, kind)
        && key.kind() != kind
    {
        faults.add("/type", "is not the type of the given secret; leave it out, the secret says it");
    }
    object.finish(&[], faults);
    (key, kind.unwrap_or_default(), overlap_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PRIVATE: &str =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

    #[test]
    fn nothing_said_is_a_new_symmetric_secret_and_a_day() {
        let one = Rotation::read(&json!({})).unwrap();
        assert_eq!((one.key.kind(), one.overlap_ms), (KeyKind::Hmac, 86_400_000));
        assert!(Rotation::read(&json!({})).unwrap().key != one.key);
        let other = Rotation::read(&json!({"type": "ed25519", "overlap_seconds": 0})).unwrap();
        assert_eq!((other.key.kind(), other.overlap_ms), (KeyKind::Ed25519, 0));
    }

    #[test]
    fn a_secret_of_one_s_own_says_its_type() {
        let own = Rotation::read(&json!({"secret": PRIVATE, "overlap_seconds": 604_800})).unwrap();
        assert_eq!((own.key.reveal().as_str(), own.overlap_ms), (PRIVATE, 604_800_000));
        assert!(Rotation::read(&json!({"secret": PRIVATE, "type": "ed25519"})).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_repeated() {
        for (body, pointer) in [
            (json!({"secret": PRIVATE, "type": "hmac"}), "/type"),
            (json!({"type": "rsa"}), "/type"),
            (json!({"overlap_seconds": 604_801}), "/overlap_seconds"),
            (json!({"overlap_seconds": -1}), "/overlap_seconds"),
            (json!({"secret": "whsk_c2VjcmV0"}), "/secret"),
            (json!({"secret": "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="}), "/secret"),
            (json!({"overlap": 5}), "/overlap"),
            (json!([]), ""),
        ] {
            let problem = Rotation::read(&body).unwrap_err();
            let text = String::from_utf8(problem.body("r")).unwrap();
            assert_eq!(problem.code(), "invalid", "{text}");
            assert!(text.contains(&format!("\"pointer\":\"{pointer}\"")), "{body}: {text}");
            assert!(!text.contains("c2VjcmV0") && !text.contains("1SiA4o9"), "{text}");
        }
    }
}
