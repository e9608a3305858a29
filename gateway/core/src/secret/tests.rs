use proptest::prelude::*;

use super::*;
use crate::id::KeyId;

#[test]
fn a_signing_secret_is_read_in_every_usual_form() {
    let plain = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for text in [plain.to_owned(), format!("whsec_{plain}")] {
        let secret = SigningSecret::parse(&text).unwrap();
        assert_eq!(secret.key().len(), 24);
        assert_eq!(*secret.reveal(), format!("whsec_{plain}"));
        assert_eq!(secret.hint(), "whsec_…LaSw");
    }
    let padded = SigningSecret::generate([7; 32]).reveal();
    assert!(padded.ends_with('='));
    assert_eq!(*SigningSecret::parse(padded.trim_end_matches('=')).unwrap().reveal(), *padded);
}

#[test]
fn what_is_no_signing_secret_is_refused() {
    let of = |bytes: usize| {
        use base64::Engine;
        format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(vec![1; bytes]))
    };
    assert!(SigningSecret::parse(&of(24)).is_ok());
    assert!(SigningSecret::parse(&of(64)).is_ok());
    for (text, fault) in [
        (String::new(), BadSecret::Empty),
        ("whsec_".to_owned(), BadSecret::Empty),
        (of(1), BadSecret::Length { bytes: 1 }),
        (of(23), BadSecret::Length { bytes: 23 }),
        (of(65), BadSecret::Length { bytes: 65 }),
        ("whsec_====".to_owned(), BadSecret::Base64),
        ("whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(), BadSecret::Base64),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n".to_owned(), BadSecret::Base64),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-".to_owned(), BadSecret::Base64),
        ("my secret".to_owned(), BadSecret::Base64),
        ("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=".to_owned(), BadSecret::Kind),
    ] {
        assert_eq!(SigningSecret::parse(&text).unwrap_err(), fault, "{text}");
    }
}

#[test]
fn a_raw_secret_is_kept_as_it_is() {
    let secret = RawSecret::parse(" It's a Secret to Everybody ").unwrap();
    assert_eq!(secret.key(), b" It's a Secret to Everybody ");
    assert_eq!(secret.hint(), "…ody ");
    assert_eq!(RawSecret::parse("short").unwrap().hint(), "…");
    assert_eq!(RawSecret::parse("äöüäöüäöüäöüäöüäöü").unwrap().hint(), "…üäöü");
    assert_eq!(RawSecret::parse("").unwrap_err(), BadSecret::Empty);
    assert!(RawSecret::parse(&"x".repeat(512)).is_ok());
    assert_eq!(RawSecret::parse(&"x".repeat(513)).unwrap_err(), BadSecret::TooLong);
}

#[test]
fn debug_says_nothing() {
    let signing = SigningSecret::generate(*b"0123456789abcdef0123456789abcdef");
    let raw = RawSecret::parse("correct horse battery staple").unwrap();
    let key = ApiKey::generate(KeyId::from_i64(5).unwrap(), [9; 32]);
    let shown = format!("{signing:?} {raw:?} {key:?}");
    assert_eq!(shown, "SigningSecret(…) RawSecret(…) ApiKey(key_0000000000005, …)");
}

#[test]
fn an_api_key_is_read_back_and_a_slip_is_told() {
    let id = KeyId::from_i64(424_242).unwrap();
    let key = ApiKey::generate(id, [0xA5; 32]);
    let text = key.reveal().to_owned();
    assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{text}");
    assert_eq!(text.len(), 4 + 13 + 1 + 52 + 1 + 8);
    let read = ApiKey::parse(&text).unwrap();
    assert_eq!(read.id(), id);
    assert!(read.matches(&key.hash()));
    assert!(!read.matches(&ApiKey::generate(id, [0xA4; 32]).hash()));
    assert!(!read.matches(&[]));
    for at in 4..text.len() {
        let mut typo = text.clone().into_bytes();
        typo[at] = if typo[at] == b'7' { b'8' } else { b'7' };
        assert!(ApiKey::parse(str::from_utf8(&typo).unwrap()).is_err(), "{at}");
    }
    assert_eq!(ApiKey::parse(&text[..text.len() - 1]).unwrap_err(), BadApiKey::Mistyped);
    assert_eq!(ApiKey::parse(&text.to_uppercase()).unwrap_err(), BadApiKey::Form);
    for text in ["", "hwk", "hwk_", "hwk_a_b", "sk_live_abc", "hwk_a_b_c_d", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        assert_eq!(ApiKey::parse(text).unwrap_err(), BadApiKey::Form, "{text}");
    }
}

#[test]
fn every_random_bit_reaches_an_api_key() {
    let id = KeyId::from_i64(1).unwrap();
    let zero = ApiKey::generate(id, [0; 32]).hash();
    for bit in 0..256 {
        let mut random = [0; 32];
        random[bit / 8] = 1 << (bit % 8);
        assert_ne!(ApiKey::generate(id, random).hash(), zero, "{bit}");
    }
}

proptest! {
    #[test]
    fn secrets_survive_their_text(random: [u8; 32], number in 1..=i64::MAX) {
        let secret = SigningSecret::generate(random);
        prop_assert!(SigningSecret::parse(&secret.reveal()).unwrap() == secret);
        let key = ApiKey::generate(KeyId::from_i64(number).unwrap(), random);
        prop_assert_eq!(ApiKey::parse(key.reveal()).unwrap().hash(), key.hash());
    }

    #[test]
    fn no_text_panics(text in "(hwk_|whsec_)?[\\PC_]{0,80}") {
        let _ = ApiKey::parse(&text);
        let _ = SigningSecret::parse(&text);
    }
}
