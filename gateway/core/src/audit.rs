//! The audit chain: who did what to what, when and why, each entry hashed over the one before it.

use crate::id::AuditId;
use sha2::{Digest, Sha256};

/// What is to be recorded; the writer gives it its id and its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDraft {
    /// When, unix milliseconds.
    pub at: i64,
    /// Who: `key:<id>`, `source:<slug>`, `system`, or `local` where no key is needed.
    pub actor: String,
    /// What was done, e.g. `subscription.created`, `message.processed`.
    pub action: String,
    /// To what: an id.
    pub target: String,
    /// Why, in the words of whoever did it.
    pub reason: Option<String>,
    /// The request it was part of.
    pub request_id: Option<String>,
    /// Facts without PHI, e.g. `status=waiting`.
    pub detail: String,
}

/// An entry as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// What it records.
    pub draft: AuditDraft,
    /// The hash of the entry before it; zeroes for the first.
    pub previous: [u8; 32],
    /// SHA-256 over `previous` and every field, each with its length before it.
    pub hash: [u8; 32],
}

/// Links a draft to the chain.
pub fn link(previous: [u8; 32], id: AuditId, draft: AuditDraft) -> AuditEntry {
    let hash = digest(&previous, id, &draft);
    AuditEntry { id, draft, previous, hash }
}

/// Whether the entry's hash is that of its content.
pub fn is_intact(entry: &AuditEntry) -> bool {
    digest(&entry.previous, entry.id, &entry.draft) == entry.hash
}

fn digest(previous: &[u8; 32], id: AuditId, draft: &AuditDraft) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(id.get().to_be_bytes());
    hasher.update(draft.at.to_be_bytes());
    let optional =
        |value: &Option<String>| value.as_deref().map_or_else(Vec::new, |text| [b"=", text.as_bytes()].concat());
    for field in [
        draft.actor.as_bytes(),
        draft.action.as_bytes(),
        draft.target.as_bytes(),
        &optional(&draft.reason),
        &optional(&draft.request_id),
        draft.detail.as_bytes(),
    ] {
        // The length before each field keeps two entries apart whose fields merely join to the same bytes.
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> AuditDraft {
        AuditDraft {
            at: 5,
            actor: "local".into(),
            action: "subscription.created".into(),
            target: "sub_1".into(),
            reason: None,
            request_id: Some("r".into()),
            detail: String::new(),
        }
    }

    #[test]
    fn a_change_to_any_field_shows() {
        let id = AuditId::from_i64(9).unwrap();
        let entry = link([0; 32], id, draft());
        assert!(is_intact(&entry));
        let changes: [fn(&mut AuditEntry); 6] = [
            |e| e.draft.at += 1,
            |e| e.draft.actor.push('x'),
            |e| e.draft.reason = Some(String::new()),
            |e| e.draft.request_id = None,
            |e| e.previous[0] ^= 1,
            |e| e.draft.detail.push(' '),
        ];
        for change in changes {
            let mut bent = entry.clone();
            change(&mut bent);
            assert!(!is_intact(&bent));
        }
    }

    #[test]
    fn bytes_cannot_move_between_fields() {
        let id = AuditId::from_i64(9).unwrap();
        let mut shifted = draft();
        shifted.actor = "loca".into();
        shifted.action = "lsubscription.created".into();
        assert_ne!(link([0; 32], id, draft()).hash, link([0; 32], id, shifted).hash);
    }
}
