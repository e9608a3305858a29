//! The asymmetric secret of Standard Webhooks: `whsk_` and a private ed25519 key in base64, whose public half is `whpk_…`.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::BadSecret;
use super::signing::LENIENT;

const PREFIX: &str = "whsk_";
const PUBLIC_PREFIX: &str = "whpk_";
const SEED_BYTES: usize = 32;
/// The seed, and behind it the public key: as Svix and libsodium write private keys.
const PAIR_BYTES: usize = 64;
const SIGNATURE_BYTES: usize = 64;
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";
/// What stands before the 32 bytes of a key in the DER of its `SubjectPublicKeyInfo` (RFC 8410 §4, §10.1).
const SPKI_HEAD: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A private ed25519 key (Standard Webhooks 1.0.0, "Asymmetric").
#[derive(Clone)]
pub struct Ed25519Secret {
    seed: Zeroizing<[u8; SEED_BYTES]>,
    pair: Arc<Ed25519KeyPair>,
}

impl Ed25519Secret {
    /// Reads `whsk_…`: the seed alone, or the seed and the public key that belongs to it.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(BadSecret::Ed25519)?;
        let bytes = Zeroizing::new(LENIENT.decode(encoded).map_err(|_| BadSecret::Ed25519)?);
        let (Some((seed, public)), SEED_BYTES | PAIR_BYTES) = (bytes.split_first_chunk::<SEED_BYTES>(), bytes.len())
        else {
            return Err(BadSecret::Ed25519);
        };
        let secret = Self::of_seed(Zeroizing::new(*seed))?;
        // Half of one pair with half of another is a slip that no receiver could explain.
        let fits = public.is_empty() || public == secret.public_bytes();
        if fits { Ok(secret) } else { Err(BadSecret::Ed25519) }
    }

    /// A new key from 32 random bytes.
    pub fn generate(random: [u8; SEED_BYTES]) -> Result<Self, BadSecret> {
        Self::of_seed(Zeroizing::new(random))
    }

    fn of_seed(seed: Zeroizing<[u8; SEED_BYTES]>) -> Result<Self, BadSecret> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| BadSecret::Ed25519)?;
        Ok(Self { seed, pair: Arc::new(pair) })
    }

    /// The text form, seed and public key: shown once, at creation or rotation.
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(PAIR_BYTES));
        bytes.extend_from_slice(&*self.seed);
        bytes.extend_from_slice(self.public_bytes());
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(&*bytes)))
    }

    /// Enough to tell two keys apart: the end of the public half.
    pub fn hint(&self) -> String {
        let text = self.public();
        format!("{PREFIX}…{}", &text[text.len() - 4..])
    }

    /// The public key's text, which receivers verify with and everybody may see.
    pub fn public(&self) -> String {
        format!("{PUBLIC_PREFIX}{}", STANDARD.encode(self.public_bytes()))
    }

    /// The signature of a message.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }

    fn public_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }
}

/// The same seed is the same key, and whoever compares two holds both.
impl PartialEq for Ed25519Secret {
    fn eq(&self, other: &Self) -> bool {
        self.public_bytes() == other.public_bytes()
    }
}

impl Eq for Ed25519Secret {}

impl fmt::Debug for Ed25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Secret(…)")
    }
}

/// The public half of an [`Ed25519Secret`], for those who receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519Public(Vec<u8>);

impl Ed25519Public {
    /// Reads `whpk_…`.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix(PUBLIC_PREFIX).ok_or(BadSecret::Public)?;
        let bytes = LENIENT.decode(encoded).map_err(|_| BadSecret::Public)?;
        if bytes.len() == SEED_BYTES { Ok(Self(bytes)) } else { Err(BadSecret::Public) }
    }

    /// Reads a public key as partners write it: `whpk_…`, base64, 64 hexadecimal digits, or a `SubjectPublicKeyInfo` (RFC 8410) as base64 or
    /// PEM. None of these can be taken for another.
    pub fn read(text: &str) -> Result<Self, BadSecret> {
        let text = text.trim_ascii();
        let encoded = text.strip_prefix(PUBLIC_PREFIX).unwrap_or(text);
        let bytes = match encoded.strip_prefix(PEM_BEGIN).and_then(|rest| rest.strip_suffix(PEM_END)) {
            Some(lines) => LENIENT.decode(lines.split_ascii_whitespace().collect::<String>()).ok(),
            None if encoded.len() == 2 * SEED_BYTES => hex::decode(encoded).ok(),
            None => LENIENT.decode(encoded).ok(),
        };
        let bytes = bytes.ok_or(BadSecret::Public)?;
        let key = bytes.strip_prefix(SPKI_HEAD).unwrap_or(&bytes);
        if key.len() == SEED_BYTES { Ok(Self(key.to_vec())) } else { Err(BadSecret::Public) }
    }

    /// Whether a signature is that of a message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Svix's test vector, which its server and Standard Webhooks' libraries share.
    const PRIVATE: &str =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

    #[test]
    fn the_published_key_has_the_published_public_half() {
        let secret = Ed25519Secret::parse(PRIVATE).unwrap();
        assert_eq!(secret.public(), PUBLIC);
        assert_eq!(*secret.reveal(), PRIVATE);
        assert_eq!(secret.hint(), "whsk_…ir4=");
        assert_eq!(format!("{secret:?}"), "Ed25519Secret(…)");
        let seed = STANDARD.encode(*secret.seed);
        for text in [format!("whsk_{seed}"), format!("whsk_{}", seed.trim_end_matches('='))] {
            assert!(Ed25519Secret::parse(&text).unwrap() == secret, "the seed is enough");
        }
    }

    #[test]
    fn the_first_vector_of_rfc_8032_is_met() {
        let bytes = |text: &str| hex::decode(text).unwrap();
        let seed = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let secret = Ed25519Secret::generate(seed.try_into().unwrap()).unwrap();
        assert_eq!(secret.public_bytes(), bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
        let expected = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        assert_eq!(secret.sign(b"").to_vec(), bytes(expected));
        let public = Ed25519Public::parse(&secret.public()).unwrap();
        assert!(public.verifies(b"", &bytes(expected)));
        assert!(!public.verifies(b"x", &bytes(expected)) && !public.verifies(b"", b""));
    }

    #[test]
    fn a_public_key_is_read_in_every_form_that_partners_write() {
        // RFC 8410 §10.1, and the same key in its other forms.
        let spki = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
        let bytes = &STANDARD.decode(spki).unwrap()[12..];
        let base64 = STANDARD.encode(bytes);
        let expected = Ed25519Public(bytes.to_vec());
        for text in [
            spki.to_owned(),
            format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n"),
            format!("-----BEGIN PUBLIC KEY-----\r\n{}\r\n{}\r\n-----END PUBLIC KEY-----", &spki[..30], &spki[30..]),
            base64.clone(),
            base64.trim_end_matches('=').to_owned(),
            format!("whpk_{base64}"),
            hex::encode(bytes),
            hex::encode_upper(bytes),
        ] {
            assert_eq!(Ed25519Public::read(&text).as_ref(), Ok(&expected), "{text}");
        }
        for text in [
            "",
            &spki[..56],
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----",
            // A key of X25519, which signs nothing.
            "MCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
        ] {
            assert_eq!(Ed25519Public::read(text), Err(BadSecret::Public), "{text}");
        }
    }

    #[test]
    fn what_is_no_key_or_half_of_two_is_refused() {
        let of = |bytes: &[u8]| format!("whsk_{}", STANDARD.encode(bytes));
        let mut mixed = Ed25519Secret::generate([1; 32]).unwrap().seed.to_vec();
        mixed.extend_from_slice(Ed25519Secret::generate([2; 32]).unwrap().public_bytes());
        for text in [
            of(&[]),
            of(&[1; 31]),
            of(&[1; 33]),
            of(&[1; 63]),
            of(&[1; 65]),
            of(&mixed),
            "whsk_!!".to_owned(),
            PUBLIC.to_owned(),
        ] {
            assert_eq!(Ed25519Secret::parse(&text).unwrap_err(), BadSecret::Ed25519, "{text}");
        }
        for text in ["whpk_", "whpk_AAAA", PRIVATE] {
            assert_eq!(Ed25519Public::parse(text).unwrap_err(), BadSecret::Public, "{text}");
        }
    }
}
