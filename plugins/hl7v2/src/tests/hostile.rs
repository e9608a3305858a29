//! Whatever comes is answered, within the contract's bounds, in time, and without repeating a value.

use super::*;
use hookwright_plugin_sdk::testing::within_bounds;
use proptest::prelude::*;

#[test]
fn large_things_are_read() {
    let long = format!("{MESSAGE}OBX|1|ED|{}\r", "x".repeat(10 << 20));
    completed(&long, &json!({}));
    let ids = MESSAGE.replace("PID|1||", &format!("PID|1||{}", "0^^^X^XX~".repeat(100_000)));
    assert_eq!(completed(&ids, &json!({})).patient_external_id, "1");
    assert_eq!(completed(&ids, &json!({ "patient": { "type": "PI" } })).patient_external_id, "2");
    let expired = "1 A St^^Austin^TX^^^H^^^^^^^20200101~".repeat(100_000);
    let addresses =
        MESSAGE.replace("ADT^A03", "ADT^A31").replace("1 A St^^Austin", &format!("{expired}2 B St^^Dallas"));
    let Ok(Outcome::Accepted(it)) = parse(addresses.as_bytes(), &json!({})) else { panic!("refused") };
    assert!(
        matches!(&it.reports[0], Report::PatientUpdated(it) if it.address.as_ref().is_some_and(|it| it.city.as_deref() == Some("Dallas")))
    );
    let providers = MESSAGE.replace("11^A~", &"11^A~".repeat(100_000));
    assert_eq!(completed(&providers, &json!({})).provider_id.as_deref(), Some("22"));
    let lines = MESSAGE.replace("PID|", &format!("{}PID|", "Z\r".repeat(200_000)));
    completed(&lines, &json!({}));
}

#[test]
fn no_value_of_a_message_is_in_a_refusal() {
    let secret = "S3CRET";
    for (from, to) in [
        ("1^^^LAKESIDE^MR", &format!("{}^^^LAKESIDE^MR", secret.repeat(30))[..]),
        ("20260104224512-0600", secret),
        ("11^A~", &format!("{}^A~", secret.repeat(30))),
        ("|V1", &format!("|V1{}{secret}|{secret}", "|".repeat(25))),
    ] {
        let refusal = parse(MESSAGE.replace(from, to).as_bytes(), &json!({})).unwrap_err();
        assert!(!format!("{refusal:?}").contains(secret) && refusal.location.is_some(), "{refusal:?}");
    }
}

#[test]
fn every_prefix_is_answered() {
    for fixture in fixtures() {
        let body = fixture.body_bytes();
        for end in 0..body.len() {
            let answer = fixture.answer_to::<Hl7V2>(body[..end].to_vec());
            within_bounds(&answer).unwrap_or_else(|problem| panic!("{}, {end} bytes: {problem}", fixture.name));
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_to_a_message_it_is_answered(
        fields in proptest::collection::vec((0_usize..500, proptest::collection::vec(any::<u8>(), 0..4)), 0..10),
    ) {
        let mut body = MESSAGE.as_bytes().to_vec();
        for (at, bytes) in fields {
            let at = at % body.len();
            body.splice(at..(at + bytes.len() / 2).min(body.len()), bytes);
        }
        let answer = parse(&body, &json!({ "zone": "America/Chicago", "patient_location": "patient" }));
        prop_assert_eq!(within_bounds(&answer), Ok(()));
    }
}

/// What fuzzing begins with, and what it found: the first byte is a choice of circumstances, which makes no difference
/// here.
#[test]
fn seeds_of_the_fuzzer_are_answered() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/seeds/er7");
    let mut count = 0;
    for entry in fs::read_dir(seeds).unwrap() {
        let seed = fs::read(entry.unwrap().path()).unwrap();
        for settings in
            [json!({}), json!({ "zone": "America/Chicago", "virtual": "all", "patient_location": "patient" })]
        {
            assert_eq!(within_bounds(&parse(&seed[1..], &settings)), Ok(()), "{seed:?}");
        }
        count += 1;
    }
    assert!(count >= 8, "only {count} seeds were found");
}

/// `cargo test --release -p hl7v2 -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, meaningful in release mode alone"]
fn the_whole_mapping_takes_microseconds() {
    let observation = "OBX|1|NM|8867-4^Heart rate^LN||72|beats/min^^ISO|60-120||||F|||20260104221600-0600\r";
    let body = format!("{}{}", MESSAGE.replace("-0600", ""), observation.repeat(20));
    for settings in [json!({}), json!({ "zone": "America/Chicago", "patient": { "authority": "HW" } })] {
        let mut best = std::time::Duration::MAX;
        for _ in 0..5000 {
            #[expect(clippy::disallowed_methods, reason = "a measurement of this processor's time")]
            let started = std::time::Instant::now();
            assert!(parse(body.as_bytes(), &settings).is_ok());
            best = best.min(started.elapsed());
        }
        println!("{} bytes with {settings}: {best:?}", body.len());
    }
}

/// What takes longest for its size: a mebibyte, the largest body that the gateway takes unless it is told otherwise.
#[test]
#[ignore = "a measurement, meaningful in release mode alone"]
fn nothing_takes_long_for_its_size() {
    let fill = |what: &str, around: &dyn Fn(&str) -> String| around(&what.repeat((1 << 20) / what.len()));
    let bodies = [
        ("lines before the patient", fill("Z\r", &|it| MESSAGE.replace("PID|", &format!("{}PID|", &it[..1 << 18])))),
        ("long lines before the patient", fill("Z|||\r", &|it| MESSAGE.replace("PID|", &format!("{it}PID|")))),
        ("ignored messages", fill("MSH|^~\\&|||||||X\r", &|it| it.to_owned())),
        ("fields", fill("|", &|it| format!("{MESSAGE}ZZZ{it}\r"))),
        ("identifiers", fill("~1^^^X^Y", &|it| MESSAGE.replace("PID|1||", &format!("PID|1||{it}~")))),
        (
            "addresses",
            fill("~^^A^TX^^^H^^^^^^^2020", &|it| {
                MESSAGE.replace("||||||1 A St", &format!("||||||{it}~1 A St")).replace("A03", "A08")
            }),
        ),
        ("providers", fill("1~", &|it| MESSAGE.replace("|11^A", &format!("|{it}11^A")))),
        ("provider segments", fill("AIP|||1\r", &|it| format!("{MESSAGE}{it}"))),
        ("escapes", fill("\\X41\\", &|it| MESSAGE.replace("RIVERA^ANA", it).replace("A03", "A31"))),
        ("empty lines", fill("\r", &|it| format!("{MESSAGE}{it}"))),
        ("lines of no name", fill("x\r", &|it| format!("{MESSAGE}{}", &it[..1 << 18]))),
    ];
    for (what, body) in &bodies {
        #[expect(clippy::disallowed_methods, reason = "a measurement of this processor's time")]
        let started = std::time::Instant::now();
        let _ = parse(body.as_bytes(), &json!({ "zone": "America/Chicago" }));
        let took = started.elapsed();
        println!("{what}: {} KiB in {took:?}", body.len() >> 10);
        assert!(took.as_millis() < 50, "{what}");
    }
}
