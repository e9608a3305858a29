//! The sealing format: how bodies, data, answers and secrets are encrypted on their way to a store, and opened on their way out.
//!
//! A record is `version (1 byte) | key id (4) | nonce (24) | ciphertext and tag`, sealed by XChaCha20-Poly1305 under a key that is never in the database. The place it is
//! kept (table, row, column) is authenticated with it, so that a record moved to another row does not open. The nonce has 192 bits because it is random: with the 96 bits of
//! AES-GCM, one key would reach its bound of 2^32 records within a day or two at the rates this gateway runs.
//!
//! XChaCha20-Poly1305 is ChaCha20-Poly1305 under a key made of the key and the nonce's first 16 bytes (draft-irtf-cfrg-xchacha-03): that part is `ring`'s, whose
//! code is written for each processor.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20::{R20, hchacha};
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of a nonce, which the caller draws at random for every record.
pub const NONCE_BYTES: usize = 24;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;
const TAG_BYTES: usize = 16;

/// Where a sealed record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'static str,
    /// The row's key.
    pub row: Row<'a>,
    /// The column.
    pub column: &'static str,
}

/// A row's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// A number, as most ids are.
    Number(i64),
    /// A text, as a customer's id is.
    Text(&'a str),
    /// Bytes, as the hash of an idempotency key is.
    Bytes(&'a [u8]),
}

/// The name of a key: the first four bytes of its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyName([u8; KEY_ID_BYTES]);

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a record does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed under a key that is not at hand.
    #[error("it was sealed under key {0}, which is not among the keys given")]
    UnknownKey(KeyName),
    /// It was changed, or moved to another place.
    #[error("it was changed, or belongs to another row")]
    Tampered,
    /// It is too short to be a record.
    #[error("it is cut short")]
    Truncated,
    /// It was written by a newer version.
    #[error("its format has version {0}, which this program does not know")]
    Version(u8),
}

/// Why a text gives no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// No line holds a key.
    #[error("no key is given: expected 64 hexadecimal digits or the base64 of 32 bytes")]
    Empty,
    /// A line is no key.
    #[error("line {line} is no key: expected 64 hexadecimal digits or the base64 of 32 bytes")]
    Line {
        /// Which, from 1.
        line: usize,
    },
}

struct NamedKey {
    name: KeyName,
    key: Zeroizing<[u8; 32]>,
    /// What other keys are derived from.
    root: Zeroizing<[u8; 32]>,
}

/// The keys at hand: the first seals, all of them open.
pub struct Keyring {
    keys: Vec<NamedKey>,
}

/// Keys are never shown.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| key.name)).finish()
    }
}

impl Keyring {
    /// A ring of one or more keys; the first seals.
    pub fn from_keys(active: &[u8; 32], others: &[[u8; 32]]) -> Self {
        let keys = std::iter::once(active).chain(others).map(named).collect();
        Self { keys }
    }

    /// Reads keys from a text: one a line, 64 hexadecimal digits or the base64 of 32 bytes; the first seals. Blank lines and lines that begin with `#` say nothing.
    pub fn parse(text: &str) -> Result<Self, BadKeys> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = read_key(line).ok_or(BadKeys::Line { line: index + 1 })?;
            keys.push(named(&key));
        }
        if keys.is_empty() { Err(BadKeys::Empty) } else { Ok(Self { keys }) }
    }

    /// The name of the key that seals.
    pub fn active(&self) -> KeyName {
        self.keys[0].name
    }

    /// A key for another purpose, derived from the one that seals: the same for the same purpose.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        mac(&self.keys[0].root, purpose.as_bytes())
    }

    /// The names of all keys, the one that seals first.
    pub fn names(&self) -> impl Iterator<Item = KeyName> + '_ {
        self.keys.iter().map(|key| key.name)
    }

    /// Seals `plain` for `place`. The nonce must be fresh from a cryptographic random source.
    pub fn seal(&self, nonce: &[u8; NONCE_BYTES], place: Place<'_>, plain: &[u8]) -> Vec<u8> {
        let key = &self.keys[0];
        let mut record = Vec::with_capacity(HEADER_BYTES + plain.len() + TAG_BYTES);
        record.push(VERSION);
        record.extend_from_slice(&key.name.0);
        record.extend_from_slice(nonce);
        record.extend_from_slice(plain);
        let tag = encrypt(key, nonce, place, &mut record[HEADER_BYTES..]);
        record.extend_from_slice(&tag);
        record
    }

    /// Opens a record that is kept at `place`.
    pub fn open(&self, place: Place<'_>, record: &[u8]) -> Result<Vec<u8>, SealError> {
        let version = *record.first().ok_or(SealError::Truncated)?;
        if version != VERSION {
            return Err(SealError::Version(version));
        }
        if record.len() < HEADER_BYTES + TAG_BYTES {
            return Err(SealError::Truncated);
        }
        let (header, ciphertext) = record.split_at(HEADER_BYTES);
        let (name, nonce) = header[1..].split_at(KEY_ID_BYTES);
        let name = KeyName(name.try_into().map_err(|_| SealError::Truncated)?);
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| SealError::Truncated)?;
        let key = self.keys.iter().find(|key| key.name == name).ok_or(SealError::UnknownKey(name))?;
        let mut plain = ciphertext.to_vec();
        let (cipher, nonce) = of_nonce(key, &nonce);
        let opened = cipher.open_in_place(nonce, Aad::from(place.authenticated()), &mut plain);
        let length = opened.map_err(|_| SealError::Tampered)?.len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl Place<'_> {
    fn authenticated(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(self.table.as_bytes());
        match self.row {
            Row::Number(number) => {
                bytes.extend_from_slice(b"|n");
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Row::Text(text) => {
                bytes.extend_from_slice(b"|t");
                bytes.extend_from_slice(text.as_bytes());
            }
            Row::Bytes(raw) => {
                bytes.extend_from_slice(b"|b");
                bytes.extend_from_slice(raw);
            }
        }
        bytes.push(b'|');
        bytes.extend_from_slice(self.column.as_bytes());
        bytes
    }
}

/// The cipher for one nonce, and what is left of the nonce.
#[expect(clippy::expect_used, reason = "the cipher's keys have 32 bytes, and so has this one")]
fn of_nonce(key: &NamedKey, nonce: &[u8; NONCE_BYTES]) -> (LessSafeKey, Nonce) {
    let (first, last) = nonce.split_at(16);
    let first: [u8; 16] = first.try_into().unwrap_or_default();
    let subkey = Zeroizing::new(<[u8; 32]>::from(hchacha::<R20>(&(*key.key).into(), &first.into())));
    let mut rest = [0; 12];
    rest[4..].copy_from_slice(last);
    let unbound = UnboundKey::new(&CHACHA20_POLY1305, &*subkey).expect("a key of 32 bytes");
    (LessSafeKey::new(unbound), Nonce::assume_unique_for_key(rest))
}

/// Encrypts in place and returns the tag.
#[expect(clippy::expect_used, reason = "the cipher refuses only texts beyond 256 GiB")]
fn encrypt(key: &NamedKey, nonce: &[u8; NONCE_BYTES], place: Place<'_>, text: &mut [u8]) -> [u8; TAG_BYTES] {
    let (cipher, nonce) = of_nonce(key, nonce);
    let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(place.authenticated()), text);
    let tag = tag.expect("records are far below the cipher's bound");
    tag.as_ref().try_into().expect("a tag has 16 bytes")
}

fn named(key: &[u8; 32]) -> NamedKey {
    let digest = Sha256::digest(key);
    let name = KeyName([digest[0], digest[1], digest[2], digest[3]]);
    let root = Zeroizing::new(mac(key, b"hookwright: root of derived keys"));
    NamedKey { name, key: Zeroizing::new(*key), root }
}

/// HMAC-SHA256, which is a pseudo-random function: nothing of the key can be learnt from what is derived.
fn mac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn read_key(line: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = match line.len() {
        64 => Zeroizing::new(hex::decode(line).ok()?),
        _ => Zeroizing::new(STANDARD.decode(line).ok()?),
    };
    let key: [u8; 32] = bytes.as_slice().try_into().ok()?;
    // Nobody draws 32 zeroes: they are a placeholder that was never filled in.
    (key != [0; 32]).then(|| Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { table: "event", row: Row::Number(7), column: "data" };

    fn ring() -> Keyring {
        Keyring::from_keys(&[1; 32], &[])
    }

    #[test]
    fn opens_what_it_sealed() {
        for plain in [&b""[..], b"x", &[9; 5_000]] {
            let record = ring().seal(&[3; NONCE_BYTES], PLACE, plain);
            assert_eq!(ring().open(PLACE, &record).unwrap(), plain);
        }
    }

    #[test]
    fn every_flipped_byte_shows() {
        let record = ring().seal(&[3; NONCE_BYTES], PLACE, b"a patient's data");
        for at in 0..record.len() {
            let mut bent = record.clone();
            bent[at] ^= 1;
            assert!(ring().open(PLACE, &bent).is_err(), "byte {at}");
            assert!(ring().open(PLACE, &record[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_moved_record_does_not_open() {
        let record = ring().seal(&[3; NONCE_BYTES], PLACE, b"x");
        for place in [
            Place { row: Row::Number(8), ..PLACE },
            Place { table: "message", ..PLACE },
            Place { column: "body", ..PLACE },
            Place { row: Row::Text("7"), ..PLACE },
            Place { row: Row::Bytes(&7i64.to_be_bytes()), ..PLACE },
        ] {
            assert_eq!(ring().open(place, &record), Err(SealError::Tampered));
        }
    }

    #[test]
    fn says_which_key_is_missing_and_keeps_old_ones_working() {
        let record = ring().seal(&[3; NONCE_BYTES], PLACE, b"x");
        let other = Keyring::from_keys(&[2; 32], &[]);
        assert_eq!(other.open(PLACE, &record), Err(SealError::UnknownKey(ring().active())));
        let rotated = Keyring::from_keys(&[2; 32], &[[1; 32]]);
        assert_eq!(rotated.open(PLACE, &record).unwrap(), b"x");
        assert_ne!(rotated.active(), ring().active());
    }

    #[test]
    fn reads_keys_in_both_spellings() {
        let hexadecimal = "01".repeat(32);
        let base64 = STANDARD.encode([1; 32]);
        for text in [hexadecimal.clone(), base64, format!("# mine\n\n {hexadecimal} \n")] {
            assert_eq!(Keyring::parse(&text).unwrap().active(), ring().active());
        }
        assert_eq!(Keyring::parse("# none\n").unwrap_err(), BadKeys::Empty);
        assert_eq!(Keyring::parse("\nabc").unwrap_err(), BadKeys::Line { line: 2 });
        for bad in ["0".repeat(62), "0".repeat(64)] {
            assert_eq!(Keyring::parse(&bad).unwrap_err(), BadKeys::Line { line: 1 });
        }
    }

    #[test]
    fn the_format_on_disk_stays_as_it_is() {
        // Computed by another implementation (XChaCha20-Poly1305 written out after draft-irtf-cfrg-xchacha-03).
        let known = "0172cd6e84030303030303030303030303030303030303030303030303357d8fb9ec9ba919d260445f76faa195b32b";
        assert_eq!(hex::encode(ring().seal(&[3; NONCE_BYTES], PLACE, b"{}")), known);
        assert_eq!(ring().open(PLACE, &hex::decode(known).unwrap()).unwrap(), b"{}");
    }

    #[test]
    fn never_shows_a_key() {
        let shown = format!("{:?}", ring());
        assert!(!shown.contains("0101") && !shown.contains("1, 1"), "{shown}");
    }
}
