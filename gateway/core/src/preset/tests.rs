use serde_json::json;

use super::*;
use crate::handshake::check_apart;
use crate::signature::{Place, Request};

mod vectors;

#[test]
fn every_row_is_whole_and_can_be_carried_out() {
    // Read again, so that a fault says where it is.
    let rows: Vec<Preset> = serde_json::from_str(ROWS).unwrap();
    assert_eq!(rows, all());
    for row in &rows {
        let id = &row.id;
        assert!(crate::source::is_slug(id), "{id}");
        assert_eq!(row.verification.check(), Ok(()), "{id}");
        assert_eq!(check_apart(&row.handshakes, &row.verification), Ok(()), "{id}");
        for handshake in &row.handshakes {
            assert_eq!(handshake.check(), Ok(()), "{id}");
        }
        assert!(!row.facts.is_empty() && !row.secret.is_empty() && !row.methods.is_empty() && !row.dedupe.is_empty());
        assert_eq!(
            row.check.is_empty(),
            row.status == Status::Confirmed,
            "{id} says what to check if it is unverified"
        );
        assert!(row.verification.needs_secret(), "{id}");
    }
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}

#[test]
fn every_partner_of_the_list_has_a_row() {
    for (id, status) in [
        ("standard-webhooks", Status::Confirmed),
        ("stripe", Status::Confirmed),
        ("github", Status::Confirmed),
        ("shopify", Status::Confirmed),
        ("slack", Status::Confirmed),
        ("twilio", Status::Confirmed),
        ("square", Status::Confirmed),
        ("zoom", Status::Confirmed),
        ("calendly", Status::Confirmed),
        ("meta", Status::Confirmed),
        ("websub", Status::Confirmed),
        ("x", Status::Confirmed),
        ("athenahealth", Status::Confirmed),
        ("elation", Status::Unverified),
        ("drchrono", Status::Confirmed),
        ("particle-health", Status::Unverified),
        ("health-gorilla", Status::Unverified),
        ("medplum", Status::Confirmed),
        ("redox", Status::Confirmed),
        ("healthie", Status::Unverified),
        ("zus", Status::Unverified),
        ("hapi-fhir", Status::Confirmed),
        ("hl7-over-http", Status::Confirmed),
        ("klaviyo", Status::Unverified),
    ] {
        assert_eq!(preset(id).unwrap().status, status, "{id}");
    }
    assert_eq!(all().len(), 24);
    assert!(preset("doxy").is_none());
}

#[test]
fn a_preset_fills_in_what_the_body_does_not_state() {
    let mut body = json!({"slug": "z", "preset": "zoom", "plugin": "p", "methods": null});
    apply(&mut body).unwrap();
    let zoom = preset("zoom").unwrap();
    assert_eq!(body["verification"], json!(zoom.verification));
    assert_eq!(body["handshakes"], json!(zoom.handshakes));
    assert_eq!(body["methods"], json!(["POST"]));
    assert_eq!((&body["preset"], &body["plugin"], &body["slug"]), (&json!("zoom"), &json!("p"), &json!("z")));
    let stated = json!({"preset": "zoom", "verification": {"type": "none"}, "handshakes": [], "methods": ["PUT"]});
    let mut body = stated.clone();
    apply(&mut body).unwrap();
    assert_eq!(body, stated);
    for body in [json!({"slug": "x"}), json!({"preset": null}), json!([1])] {
        let mut after = body.clone();
        apply(&mut after).unwrap();
        assert_eq!(after, body);
    }
}

#[test]
fn what_cannot_be_applied_is_named_by_its_place() {
    for (mut body, pointer) in [
        (json!({"preset": "doxy"}), "/preset"),
        (json!({"preset": 1}), "/preset"),
        (json!({"preset": "zoom", "verify_token": "t"}), "/verify_token"),
        (json!({"verify_token": "t"}), "/verify_token"),
        (json!({"preset": "meta", "verify_token": ""}), "/verify_token"),
        (json!({"preset": "meta", "verify_token": 1}), "/verify_token"),
    ] {
        let fault = apply(&mut body).unwrap_err();
        assert_eq!(fault.pointer, pointer, "{body}: {fault}");
    }
    let fault = apply(&mut json!({"preset": "doxy"})).unwrap_err();
    assert!(fault.detail.contains("zoom"), "{fault}");
}

#[test]
fn a_verify_token_is_kept_as_its_digest() {
    assert!(preset("meta").unwrap().needs_verify_token() && !preset("zoom").unwrap().needs_verify_token());
    let mut body = json!({"preset": "meta", "verify_token": "agreed"});
    apply(&mut body).unwrap();
    let shown = body.to_string();
    assert!(!shown.contains("agreed") && shown.contains("sha256:"), "{shown}");
    // What is shown can be sent back, and a later token takes the place of the earlier.
    let mut again = body.clone();
    apply(&mut again).unwrap();
    assert_eq!(again, body);
    again["verify_token"] = json!("another");
    apply(&mut again).unwrap();
    assert_ne!(again["handshakes"], body["handshakes"]);
}

#[test]
fn a_patch_that_names_a_preset_leaves_nothing_of_the_earlier_scheme() {
    let mut document = json!({"slug": "s", "preset": "stripe", "methods": ["POST"], "verification": {"type": "none"}, "handshakes": []});
    forget(&mut document, &json!({"name": "x"}));
    assert!(document.get("verification").is_some());
    forget(&mut document, &json!({"preset": null}));
    assert!(document.get("verification").is_some());
    forget(&mut document, &json!({"preset": "zoom"}));
    assert_eq!(document, json!({"slug": "s", "preset": "stripe"}));
}

#[test]
fn what_each_preset_signs_it_verifies() {
    use crate::secret::RawSecret;
    use crate::signature::{Tier, sign_request, verify};
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())].to_vec();
    for row in all() {
        let (signing, verifying) = match row.id.as_str() {
            "standard-webhooks" => ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            "elation" => (
                "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
                "1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
            ),
            "zus" | "hl7-over-http" => ("partner:pass:word", "partner:pass:word"),
            _ => ("test_secret_do_not_use", "test_secret_do_not_use"),
        };
        let [signing, verifying] = [signing, verifying].map(|text| RawSecret::parse(text).unwrap());
        let request = Request {
            public_url: Some("https://hooks.example.com/webhooks/s"),
            ..Request::new(&headers, b"{\"a\":1}", 1_700_000_000)
        };
        let signed = sign_request(&row.verification, &signing, &request, "id-1").unwrap();
        let all = [headers.clone(), signed.headers].concat();
        let query = signed.query.unwrap_or_default();
        let sent = Request { headers: &all, query: &query, ..request };
        let verified = verify(&row.verification, std::slice::from_ref(&verifying), &sent)
            .unwrap_or_else(|error| panic!("{}: {error}", row.id));
        let credential = matches!(row.id.as_str(), "redox" | "drchrono" | "zus" | "hapi-fhir" | "hl7-over-http");
        assert_eq!(verified.tier, if credential { Tier::Authenticated } else { Tier::Verified }, "{}", row.id);
        let other = Request { body: b"{\"a\":2}", ..sent };
        assert_eq!(
            verify(&row.verification, std::slice::from_ref(&verifying), &other).is_ok(),
            credential,
            "{}",
            row.id
        );
        for place in row.verification.places() {
            let Place::Header(name) = place else { continue };
            let without: Vec<_> = all.iter().filter(|(own, _)| !own.eq_ignore_ascii_case(&name)).cloned().collect();
            if without.len() < all.len() {
                let bare = Request { headers: &without, ..sent };
                assert!(verify(&row.verification, std::slice::from_ref(&verifying), &bare).is_err(), "{}", row.id);
            }
        }
    }
}
