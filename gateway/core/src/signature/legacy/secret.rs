//! How a legacy signature's own secret is written where the whole record is sealed; nothing else may write it.

use crate::secret::RawSecret;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

#[expect(clippy::ref_option, reason = "serde hands the field itself")]
pub(super) fn serialize<S: Serializer>(secret: &Option<RawSecret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(RawSecret::reveal).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RawSecret>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| RawSecret::parse(&text)).transpose().map_err(D::Error::custom)
}
