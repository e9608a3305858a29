//! The one point where content is sealed on its way to the file and opened on its way out.

use crate::corrupt::Reading;
use crate::parcel;
use hookwright_core::seal::{Keyring, NONCE_BYTES, Place, Row};
use hookwright_store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A source of cryptographically random bytes.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// The columns that are sealed. Their names are authenticated with every record, and thus can never change.
pub(crate) mod column {
    use super::{Place, Row};

    pub(crate) const fn event_data(id: i64) -> Place<'static> {
        Place { table: "event", row: Row::Number(id), column: "data" }
    }

    pub(crate) const fn event_ordering_key(id: i64) -> Place<'static> {
        Place { table: "event", row: Row::Number(id), column: "ordering_key" }
    }

    pub(crate) const fn message_content(id: i64) -> Place<'static> {
        Place { table: "message", row: Row::Number(id), column: "content" }
    }

    pub(crate) const fn message_findings(id: i64) -> Place<'static> {
        Place { table: "message", row: Row::Number(id), column: "findings" }
    }

    pub(crate) const fn attempt_exchange(id: i64) -> Place<'static> {
        Place { table: "attempt", row: Row::Number(id), column: "exchange" }
    }

    pub(crate) const fn customer_person(external_id: &str) -> Place<'_> {
        Place { table: "customer", row: Row::Text(external_id), column: "person" }
    }

    pub(crate) const fn idempotency_body(key: &[u8; 32]) -> Place<'_> {
        Place { table: "idempotency", row: Row::Bytes(key), column: "body" }
    }

    pub(crate) const fn subscription_document(id: i64) -> Place<'static> {
        Place { table: "subscription", row: Row::Number(id), column: "document" }
    }

    pub(crate) const fn source_document(id: i64) -> Place<'static> {
        Place { table: "source", row: Row::Number(id), column: "document" }
    }

    pub(crate) const fn key_check() -> Place<'static> {
        Place { table: "meta", row: Row::Text("key_check"), column: "value" }
    }
}

/// Seals and opens with the keys at hand.
pub(crate) struct Sealer {
    keyring: Keyring,
    entropy: Entropy,
}

impl Sealer {
    pub(crate) fn new(keyring: Keyring, entropy: Entropy) -> Self {
        Self { keyring, entropy }
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub(crate) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        (self.entropy)(&mut nonce);
        self.keyring.seal(&nonce, place, plain)
    }

    pub(crate) fn open(&self, place: Place<'_>, record: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.keyring.open(place, record).map_err(|source| StoreError::Sealed { table: place.table, source })
    }

    /// Seals parts and a body as one record.
    pub(crate) fn seal_parcel<T: Serialize>(&self, place: Place<'_>, parts: &T, body: &[u8]) -> Vec<u8> {
        self.seal(place, &parcel::pack(parts, body))
    }

    /// Opens what [`Sealer::seal_parcel`] sealed.
    pub(crate) fn open_parcel<T: DeserializeOwned>(
        &self,
        place: Place<'_>,
        record: &[u8],
    ) -> Result<(T, Vec<u8>), StoreError> {
        let plain = self.open(place, record)?;
        parcel::unpack(&plain).ok_or_else(|| Reading { table: place.table, row: row(place) }.corrupt(place.column))
    }
}

fn row(place: Place<'_>) -> String {
    match place.row {
        Row::Number(number) => number.to_string(),
        Row::Text(text) => text.to_owned(),
        Row::Bytes(_) => "(a hash)".to_owned(),
    }
}
