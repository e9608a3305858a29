//! The content of a sealed column that holds more than one thing: its small parts as JSON, and after them one body as it is.
//!
//! A parcel is the length of the JSON (4 bytes, big-endian), the JSON, the body.

use serde::Serialize;
use serde::de::DeserializeOwned;

const LENGTH_BYTES: usize = 4;

/// Packs parts and a body.
pub(crate) fn pack<T: Serialize>(parts: &T, body: &[u8]) -> Vec<u8> {
    let json = json(parts);
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
    let mut parcel = Vec::with_capacity(LENGTH_BYTES + json.len() + body.len());
    parcel.extend_from_slice(&length.to_be_bytes());
    parcel.extend_from_slice(json.as_bytes());
    parcel.extend_from_slice(body);
    parcel
}

/// Unpacks what [`pack`] packed; `None` if it is no parcel.
pub(crate) fn unpack<T: DeserializeOwned>(parcel: &[u8]) -> Option<(T, Vec<u8>)> {
    let (length, rest) = parcel.split_first_chunk::<LENGTH_BYTES>()?;
    let (json, body) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some((serde_json::from_slice(json).ok()?, body.to_vec()))
}

/// JSON of one of the store's own row types.
#[expect(
    clippy::expect_used,
    reason = "the store's rows are texts, numbers, flags and lists, which have no way to fail as JSON"
)]
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("a row serialises")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacks_what_was_packed_and_nothing_else() {
        let parcel = pack(&("a", 7), b"\xff\x00body");
        assert_eq!(unpack::<(String, u32)>(&parcel), Some((("a".into(), 7), b"\xff\x00body".to_vec())));
        for cut in 0..11 {
            assert_eq!(unpack::<(String, u32)>(&parcel[..cut]), None, "cut at {cut}");
        }
    }
}
