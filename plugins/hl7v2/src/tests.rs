//! The fixtures, and what is easier said in code.

use std::fs;
use std::path::Path;

use hookwright_plugin_sdk::inbound::{Assurance, Authentication, CallDuration, ConsultationCompleted};
use hookwright_plugin_sdk::testing::{Fixture, shown};
use serde_json::{Value, json};

use super::*;

mod hostile;

fn context(settings: &Value) -> Context {
    Context {
        contract: "0.1.0".to_owned(),
        plugin: "hl7v2".to_owned(),
        binding_id: "src_1".to_owned(),
        binding_name: "emr".to_owned(),
        subject_id: "msg_1".to_owned(),
        attempt: 1,
        now_ms: 1_767_565_801_000,
        settings: settings.to_string(),
        attributes: Vec::new(),
    }
}

fn parse(body: &[u8], settings: &Value) -> Result<Outcome, Refusal> {
    let request = Request {
        method: "POST".to_owned(),
        hook: "hl7".to_owned(),
        query: Vec::new(),
        headers: vec![("content-type".to_owned(), "x-application/hl7-v2+er7".to_owned())],
        body: body.to_vec(),
        received_at_ms: 1_767_565_801_000,
        authentication: Authentication {
            assurance: Assurance::Verified,
            scheme: "standard-webhooks".to_owned(),
            attributes: Vec::new(),
        },
        attributes: Vec::new(),
    };
    Hl7V2::parse(&context(settings), &request)
}

fn fixtures() -> Vec<Fixture> {
    Fixture::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap()
}

#[test]
fn fixtures_give_what_they_expect() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 28, "only {} fixtures were found", fixtures.len());
    let failed: Vec<_> = fixtures.iter().filter_map(|fixture| fixture.check::<Hl7V2>().err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

const MESSAGE: &str = "MSH|^~\\&|TELEVISIT|LAKESIDE|HW|US|20260104224512-0600||ADT^A03^ADT_A03|TV1|P|2.5.1\r\
    PID|1||1^^^LAKESIDE^MR~2^^^HW&1.2.3&ISO^PI~3^^^LAKESIDE^PI|4|RIVERA^ANA||||||1 A St^^Austin^TX^78704\r\
    PV1|1|VR|||||11^A~22^B^^^^^^^NPI&x&y~33^C^^^^^^^^^^^NPI||||||||||||V1\r";

fn completed(body: &str, settings: &Value) -> ConsultationCompleted {
    match parse(body.as_bytes(), settings) {
        Ok(Outcome::Accepted(accepted)) => match accepted.reports.into_iter().next() {
            Some(Report::ConsultationCompleted(completed)) => completed,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn refused(body: &str, settings: &Value) -> (&'static str, Option<String>) {
    let refusal = parse(body.as_bytes(), settings).unwrap_err();
    (refusal.code, refusal.location)
}

fn ignored(body: &str, settings: &Value) -> String {
    match parse(body.as_bytes(), settings) {
        Ok(Outcome::Ignored(ignored)) => ignored.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_identifier_is_the_one_that_the_settings_name() {
    let id = |patient: Value| completed(MESSAGE, &json!({ "patient": patient })).patient_external_id;
    assert_eq!(completed(MESSAGE, &json!({})).patient_external_id, "1");
    assert_eq!(id(json!({ "type": "pi" })), "2");
    assert_eq!(id(json!({ "type": "PI", "authority": "LAKESIDE" })), "3");
    assert_eq!(id(json!({ "authority": "1.2.3" })), "2");
    assert_eq!(id(json!({ "repetition": 3 })), "3");
    assert_eq!(id(json!({ "field": "PID-4" })), "4");
    let none = json!({ "patient": { "type": "SS" } });
    assert_eq!(refused(MESSAGE, &none), ("malformed", Some("PID-3".to_owned())));
    let none = json!({ "patient": { "type": "SS" }, "unknown_patients": "ignore" });
    assert_eq!(ignored(MESSAGE, &none), "the patient has no identifier of the kind that the settings name");
    // Without settings: the one of type MR wherever it stands, else the first, else that of PID-2; never PID-18.
    let with = |ids: &str| MESSAGE.replace("PID|1||1^^^LAKESIDE^MR~2^^^HW&1.2.3&ISO^PI~3^^^LAKESIDE^PI", ids);
    assert_eq!(completed(&with("PID|1||8^^^X^PI~9^^^X^MR"), &json!({})).patient_external_id, "9");
    assert_eq!(completed(&with("PID|1||~8^^^X^PI~9"), &json!({})).patient_external_id, "8");
    assert_eq!(completed(&with("PID|1|7|"), &json!({})).patient_external_id, "7");
    assert_eq!(refused(&with("PID|1||"), &json!({})), ("malformed", Some("PID-3".to_owned())));
}

#[test]
fn the_provider_is_preferred_by_type() {
    let provider = |settings: Value| completed(MESSAGE, &settings).provider_id;
    assert_eq!(provider(json!({})).as_deref(), Some("22"));
    assert_eq!(provider(json!({ "provider": { "type": "DN" } })).as_deref(), Some("11"));
    assert_eq!(provider(json!({ "provider": { "fields": ["PV1-8", "PID-4"] } })).as_deref(), Some("4"));
    assert_eq!(provider(json!({ "provider": { "fields": ["PV1-8"] } })), None);
    let several = format!("{MESSAGE}AIP|1||5^X\rAIP|2||6^Y^^^^^^^NPI\r");
    assert_eq!(completed(&several, &json!({})).provider_id.as_deref(), Some("6"));
}

#[test]
fn visits_are_virtual_as_the_settings_say() {
    let of_class = |class: &str| MESSAGE.replace("PV1|1|VR|", &format!("PV1|1|{class}|"));
    let reason = "the visit was not held by video, going by its class (PV1-2) or what the settings name";
    for class in ["", "O", "VR", "XYZ", "\"\""] {
        completed(&of_class(class), &json!({}));
    }
    for class in ["I", "E", "B", "i"] {
        assert_eq!(ignored(&of_class(class), &json!({})), reason);
        completed(&of_class(class), &json!({ "virtual": "all" }));
    }
    let told = json!({ "virtual": { "classes": ["VR"], "place": "PV1-19", "values": ["V2"] } });
    completed(MESSAGE, &told);
    assert_eq!(ignored(&of_class("O"), &told), reason);
    completed(&of_class("O").replace("|V1\r", "|V2\r"), &told);
    // Facts about a patient are not about a visit.
    let body = MESSAGE.replace("ADT^A03", "ADT^A01").replace("|VR|", "|I|");
    assert!(matches!(parse(body.as_bytes(), &json!({})), Ok(Outcome::Accepted(it)) if it.reports.len() == 1));
}

#[test]
fn what_ends_a_consultation_is_a_matter_of_settings() {
    let of_kind = |kind: &str| MESSAGE.replace("ADT^A03^ADT_A03", kind);
    assert_eq!(ignored(&of_kind("ORU^R01"), &json!({})), "the message does not say that a consultation is over");
    assert_eq!(ignored(&of_kind("ADT^A13"), &json!({})), "messages of this type are of no use here");
    let settings = json!({ "completed": [{ "message": "ORU^R01", "place": "PV1-19", "values": ["v1"] }] });
    completed(&of_kind("oru^r01"), &settings);
    assert_eq!(ignored(MESSAGE, &settings), "messages of this type are of no use here");
    let any = json!({ "completed": [{ "message": "ADT^A13", "place": "PV1-19" }] });
    completed(&of_kind("ADT^A13"), &any);
    // Before 2.3 the event stands in its own segment.
    completed(&of_kind("ADT").replace("PID|1", "EVN|A03|20260104\rPID|1"), &json!({}));
    assert_eq!(refused(&of_kind(""), &json!({})), ("malformed", Some("MSH-9".to_owned())));
}

#[test]
fn settings_that_make_no_sense_are_refused_by_pointer() {
    for (settings, pointer) in [
        (json!({ "zones": "UTC" }), "/zones"),
        (json!({ "zone": "Texas" }), "/zone"),
        (json!({ "patient": "PID-3" }), "/patient"),
        (json!({ "patient": { "field": "PID" } }), "/patient/field"),
        (json!({ "patient": { "field": "PID-3.4" } }), "/patient/field"),
        (json!({ "patient": { "typ": "MR" } }), "/patient/typ"),
        (json!({ "patient": { "repetition": 0 } }), "/patient/repetition"),
        (json!({ "appointment": ["SCH-1", "SCH"] }), "/appointment/1"),
        (json!({ "provider": { "fields": "PV1-7" } }), "/provider/fields"),
        (json!({ "completed": [{ "message": "A03" }] }), "/completed/0/message"),
        (json!({ "completed": [{ "message": "ADT^A03", "values": ["x"] }] }), "/completed/0/place"),
        (json!({ "virtual": "some" }), "/virtual"),
        (json!({ "virtual": {} }), "/virtual"),
        (json!({ "virtual": { "classes": [1] } }), "/virtual/classes/0"),
        (json!({ "patient_location": "home" }), "/patient_location"),
        (json!({ "unknown_patients": "drop" }), "/unknown_patients"),
        (json!({ "test_processing_ids": "T" }), "/test_processing_ids"),
    ] {
        assert_eq!(refused(MESSAGE, &settings), ("settings", Some(pointer.to_owned())), "{settings}");
    }
}

#[test]
fn times_come_from_the_first_place_that_tells_one() {
    let at = |more: &str| {
        let body = format!("{}EVN{more}\r", MESSAGE.replace("V1\r", "V1|||||||||||||||||||||||||\r"));
        let completed = completed(&body, &json!({}));
        let source = completed.attributes.iter().find(|(name, _)| name == "completed-at-source").unwrap().1.clone();
        (completed.completed_at.unix_ms, source)
    };
    assert_eq!(at("|A03|20260104223000-0600||||20260104222900-0600"), (1_767_587_340_000, "EVN-6".to_owned()));
    assert_eq!(at("|A03|20260104223000-0600"), (1_767_587_400_000, "EVN-2".to_owned()));
    assert_eq!(at(""), (1_767_588_312_000, "MSH-7".to_owned()));
    let none = MESSAGE.replace("20260104224512-0600", "");
    assert_eq!(refused(&none, &json!({})), ("malformed", Some("PV1-45".to_owned())));
    for bad in ["20230229", "00000101", "20261301", "2026010424", "soon"] {
        let body = MESSAGE.replace("20260104224512-0600", bad);
        assert_eq!(refused(&body, &json!({})), ("malformed", Some("MSH-7".to_owned())));
    }
    // The beginning of the span stands in for it, and that is told.
    let month = completed(&MESSAGE.replace("20260104224512-0600", "202601"), &json!({}));
    assert!(month.attributes.contains(&("completed-at-precision".to_owned(), "month".to_owned())));
}

#[test]
fn clocks_that_were_set_are_settled() {
    let zone = json!({ "zone": "America/Chicago" });
    let at = |clock: &str| completed(&MESSAGE.replace("20260104224512-0600", clock), &zone).completed_at.unix_ms;
    let twice = completed(&MESSAGE.replace("20260104224512-0600", "20261101013000-0500"), &zone).completed_at.unix_ms;
    assert_eq!(at("20261101013000"), twice, "the first of the two");
    let never = completed(&MESSAGE.replace("20260104224512-0600", "20260308033000-0500"), &zone).completed_at.unix_ms;
    assert_eq!(at("20260308023000"), never, "as if they had not been set");
}

#[test]
fn without_a_zone_the_offset_of_the_message_is_assumed() {
    let body = |made: &str| {
        let visit = format!("V1{}202601042230\r", "|".repeat(26));
        MESSAGE.replace("20260104224512-0600", made).replace("V1\r", &visit)
    };
    let at = |made: &str, settings: Value| {
        let completed = completed(&body(made), &settings);
        assert!(completed.completed_at.zone_assumed);
        let zone = completed.attributes.iter().find(|(name, _)| name == "zone").unwrap().1.clone();
        (completed.completed_at.unix_ms, zone)
    };
    assert_eq!(at("20260104224512-0600", json!({})), (1_767_587_400_000, "MSH-7".to_owned()));
    assert_eq!(at("20260104224512", json!({})), (1_767_565_800_000, "UTC".to_owned()));
    let zone = json!({ "zone": "Europe/Berlin" });
    assert_eq!(at("20260104224512-0600", zone), (1_767_562_200_000, "Europe/Berlin".to_owned()));
}

fn durations(start: &str, end: &str, more: &str) -> Option<CallDuration> {
    let visit = format!("V1{}{start}|{end}\r{more}", "|".repeat(25));
    completed(&MESSAGE.replace("V1\r", &visit), &json!({})).duration
}

#[test]
fn what_was_booked_is_never_what_was() {
    use hookwright_plugin_sdk::inbound::DurationSource::{Derived, Scheduled};
    let told = |start: &str, end: &str, more: &str| durations(start, end, more).map(|it| (it.seconds, it.source));
    assert_eq!(told("202601042215", "202601042230", "SCH|||||||||30|min\r"), Some((900, Derived)));
    assert_eq!(told("202601042215-0600", "202601050430+0000", ""), Some((900, Derived)));
    for (start, end) in [
        ("20260104", "20260104"),
        ("2026010422", "2026010423"),
        ("202601042215", "20260105"),
        ("", "202601042230"),
        ("202601042230", "202601042215"),
        ("202601042215", "202601152215"),
        ("20260104221500^D", "20260104223000"),
    ] {
        assert_eq!(told(start, end, ""), None, "{start} {end}");
        assert_eq!(told(start, end, "SCH|||||||||30|min\r"), Some((1800, Scheduled)), "{start} {end}");
    }
    for (more, expected) in [
        ("SCH|||||||||70|Min", Some(4200)),
        ("SCH|||||||||60|s", Some(60)),
        ("SCH|||||||||1.5|h^Hours", Some(5400)),
        ("SCH|||||||||30|", None),
        ("SCH|||||||||30|fortnights", None),
        ("SCH|||||||||30|d", None),
        ("SCH|||||||||30 min", Some(1800)),
        ("SCH|||||||||1.5hrs|min", Some(5400)),
        ("SCH|||||||||30^MIN|MIN^Minutes^ISO+", Some(1800)),
        ("SCH|||||||||half an hour|min", None),
        ("SCH|||||||||||^^M30^202601042215", Some(1800)),
        ("SCH|||||||||||^^30^202601042215", None),
        ("SCH|||||||||||^^M^202601042215", None),
        ("SCH|||||||||||^^M+3^202601042215", None),
        ("TQ1|1|||||20^min&minutes|202601042215", Some(1200)),
        ("TQ1|1||||||202601042215||||||30^min", Some(1800)),
        ("TQ1|1||||||202601042215||||||30", None),
        ("SCH|||||||||-30|min", None),
        ("SCH|||||||||1e3|s", None),
        ("SCH|||||||||.|s", None),
        ("SCH|||||||||99999999|s", None),
        ("SCH|||||||||MIN|^^^202601042215\rAIS|1|||202601042215|||50|min", Some(3000)),
        ("AIS|1|||202601042215|||50|min^Minutes^ISO", Some(3000)),
        ("AIP|1||||||||45|M", Some(2700)),
        ("SCH|||||||||||^^^202601042215^202601042245", Some(1800)),
        ("TQ1|||||||202601042215|202601042240", Some(1500)),
        ("TQ1|||||||20260104|20260105", None),
        ("TQ1|||||||202601042215|202601042240\rSCH|||||||||||^^^202601042215^202601042245", Some(1500)),
    ] {
        let given = told("", "", &format!("{more}\r"));
        assert_eq!(given, expected.map(|seconds| (seconds, Scheduled)), "{more}");
    }
}

#[test]
fn appointments_have_the_status_of_trigger_and_code() {
    let status = |event: &str, code: &str| {
        let body = MESSAGE.replace("ADT^A03^ADT_A03", &format!("SIU^{event}"));
        let body = format!("{body}SCH|1^NS|2|||||||||^^^20260104{}{code}\r", "|".repeat(14));
        let outcome = shown(&parse(body.as_bytes(), &json!({})));
        let report = &outcome["accepted"]["reports"][0];
        let scheduled = &report["consultation_scheduled"]["status"];
        scheduled
            .as_str()
            .unwrap_or(if report["consultation_completed"].is_object() { "completed" } else { "?" })
            .to_owned()
    };
    for (event, code, expected) in [
        ("S12", "Booked", "scheduled"),
        ("S12", "Complete", "scheduled"),
        ("S13", "", "rescheduled"),
        ("S14", "Pending", "scheduled"),
        ("S14", "Complete", "completed"),
        ("S14", "COMPLETED^Completed", "completed"),
        ("S14", "2^Completed", "completed"),
        ("S14", "Comp^Visit over", "completed"),
        ("S14", "6^ARRIVED", "scheduled"),
        ("S14", "4^No Show", "no-show"),
        ("S13", "3^Canceled", "cancelled"),
        ("S14", "Cancelled^Completed", "completed"),
        ("S14", "Noshow", "no-show"),
        ("S14", "Cancelled", "cancelled"),
        ("S14", "Dc", "cancelled"),
        ("S15", "Noshow", "cancelled"),
        ("S16", "", "cancelled"),
        ("S17", "", "cancelled"),
        ("S26", "", "no-show"),
    ] {
        assert_eq!(status(event, code), expected, "{event} {code}");
    }
    let body = MESSAGE.replace("ADT^A03^ADT_A03", "SIU^S12").replace("|V1\r", "|\r");
    assert_eq!(refused(&body, &json!({})), ("malformed", Some("SCH-1".to_owned())));
    let starts = |sch_11: &str| {
        let body = MESSAGE.replace("ADT^A03^ADT_A03", "SIU^S12");
        match parse(format!("{body}SCH|1||||||||||{sch_11}\r").as_bytes(), &json!({})) {
            Ok(Outcome::Accepted(it)) => match &it.reports[0] {
                Report::ConsultationScheduled(it) => (it.starts_at.unwrap().unix_ms, it.attributes.clone()),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let source = |place: &str| ("starts-at-source".to_owned(), place.to_owned());
    let (at, attributes) = starts("202601042230-0600");
    assert!(at == 1_767_587_400_000 && attributes.contains(&source("SCH-11")), "{at} {attributes:?}");
    let (at, attributes) = starts("1^^^202601042230-0600");
    assert!(at == 1_767_587_400_000 && attributes.contains(&source("SCH-11.4")), "{at} {attributes:?}");
    for (sch_11, place) in [
        ("30", "SCH-11.4"),
        ("20260104", "SCH-11.4"),
        ("202613042230", "SCH-11"),
        ("30\rTQ1|1", "TQ1-7"),
        ("30\rTQ1|1||||||202613042230", "TQ1-7"),
    ] {
        let body = MESSAGE.replace("ADT^A03^ADT_A03", "SIU^S12");
        let body = format!("{body}SCH|1||||||||||{sch_11}\r");
        assert_eq!(refused(&body, &json!({})), ("malformed", Some(place.to_owned())), "{sch_11}");
    }
    let no_patient = "MSH|^~\\&|||||||SIU^S12|1|P|2.5\rSCH|1|2\r";
    assert_eq!(ignored(no_patient, &json!({})), "the appointment has no patient");
}

#[test]
fn addresses_are_where_people_live() {
    let address = |addresses: &str| {
        let body = MESSAGE.replace("ADT^A03", "ADT^A31").replace("1 A St^^Austin^TX^78704", addresses);
        let outcome = shown(&parse(body.as_bytes(), &json!({})));
        outcome["accepted"]["reports"][0]["patient_updated"]["address"]["state"].as_str().map(str::to_owned)
    };
    for (addresses, expected) in [
        ("^^A^TX", Some("TX")),
        ("^^A^TX^^^M~^^B^OR^^^H", Some("OR")),
        ("^^A^TX^^^M~^^B^OR^^^C", Some("OR")),
        ("^^A^TX^^^BA~^^B^OR^^^BI~^^C^ID^^^P", Some("ID")),
        ("^^A^TX^^^BA", None),
        ("^^A^TX^^^m~^^B^OR^^^h", Some("OR")),
        ("^^A^TX^^^ba~^^B^OR^^^BR~^^C^ID^^^TM~^^D^WA^^^L", Some("WA")),
        ("~^^^^^^H~^^B^OR^^^M", Some("OR")),
        ("\"\"", None),
        ("^^A^TX^^^H^^^^^^^20250101~^^B^OR^^^M", Some("OR")),
        ("^^A^TX^^^H^^^^^^^20270101~^^B^OR^^^M", Some("TX")),
    ] {
        assert_eq!(address(addresses).as_deref(), expected, "{addresses}");
    }
}

#[test]
fn message_ids_tell_messages_apart() {
    let id = |body: &str| match parse(body.as_bytes(), &json!({})) {
        Ok(Outcome::Accepted(accepted)) => accepted.message_id,
        other => panic!("{other:?}"),
    };
    let first = id(MESSAGE).unwrap();
    let sum = first.strip_prefix("TELEVISIT|LAKESIDE|TV1|").unwrap();
    assert!(sum.len() == 16 && sum.bytes().all(|b| b.is_ascii_hexdigit()), "{first}");
    // Sent again at another time it is the same; with other content under the same control id it is not.
    let header = MESSAGE.split('\r').next().unwrap();
    let time = header.split('|').nth(6).unwrap();
    assert!(time.len() >= 8, "{time}");
    let later = MESSAGE.replacen(&format!("|{time}|"), "|20300101000000|", 1);
    assert_eq!(id(&later), Some(first.clone()));
    assert_ne!(id(&MESSAGE.replace("ADT^A03", "ADT^A08")), Some(first.clone()));
    assert_ne!(id(&format!("{MESSAGE}NTE|1||x\r")), Some(first));
    assert_eq!(id(&MESSAGE.replace("TV1", "")), None);
    let long = id(&MESSAGE.replace("TV1", &"x".repeat(300))).unwrap();
    assert!(long.starts_with("sha256:") && long.len() == 71, "{long}");
    let two = id(&format!("{MESSAGE}{}", MESSAGE.replace("TV1", "TV2"))).unwrap();
    assert_ne!(two, id(&format!("{MESSAGE}{}", MESSAGE.replace("TV1", "TV3"))).unwrap());
    assert_eq!(id(&format!("{MESSAGE}{}", MESSAGE.replace("TV1", ""))), None);
}

#[test]
fn a_request_tells_at_most_as_much_as_the_contract_takes() {
    assert!(parse(MESSAGE.repeat(256).as_bytes(), &json!({})).is_ok());
    assert_eq!(refused(&MESSAGE.repeat(257), &json!({})), ("unsupported", Some("message 257".to_owned())));
    let ignored = "MSH|^~\\&|||||||ACK\r";
    assert!(matches!(parse(ignored.repeat(10_000).as_bytes(), &json!({})), Ok(Outcome::Ignored(_))));
    assert_eq!(refused(&ignored.repeat(10_001), &json!({})), ("unsupported", Some("message 10001".to_owned())));
}

#[test]
fn xml_is_not_read() {
    for body in ["<?xml version=\"1.0\"?><ADT_A03/>", "\u{feff}\n <ADT_A03 xmlns=\"urn:hl7-org:v2xml\"/>"] {
        assert_eq!(refused(body, &json!({})), ("unsupported", Some("header content-type".to_owned())));
    }
}

#[test]
fn texts_may_have_breaks_and_ids_may_not() {
    let body =
        MESSAGE.replace("ADT^A03", "ADT^A31").replace("1 A St", r"1 A St\.br\Apt 4").replace("ANA", r"ANA\X09\B");
    let outcome = shown(&parse(body.as_bytes(), &json!({})));
    let updated = &outcome["accepted"]["reports"][0]["patient_updated"];
    assert_eq!(updated["address"]["lines"][0], "1 A St Apt 4");
    assert_eq!(updated["name"], "ANA B RIVERA");
    for (from, to, place) in [
        ("1^^^LAKESIDE", r"1\.br\2^^^LAKESIDE", "PID-3[1].1"),
        ("~22^B", r"~2\X00\^B", "PV1-7[2].1"),
        ("|V1\r", "|V\\X1B\\1\r", "PV1-19.1"),
    ] {
        let body = MESSAGE.replace(from, to);
        assert_eq!(refused(&body, &json!({})), ("malformed", Some(place.to_owned())), "{to}");
    }
}

#[test]
fn a_batch_of_lines_without_a_header_is_no_empty_batch() {
    let batch = "BHS|^~\\&|A\rEVN|A04|2026\rPID|1||7\rBTS|1\r";
    assert_eq!(refused(batch, &json!({})), ("malformed", Some("MSH".to_owned())));
    assert_eq!(ignored("BHS|^~\\&|A\rBTS|0\r", &json!({})), "the batch holds no messages");
}

/// The real messages lie beside the checkout, where there are any.
#[test]
fn real_messages_are_understood() {
    let places = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|it| it.join("shared/fixtures/hl7"));
    let Some(directory) = places.into_iter().find(|place| place.is_dir()) else {
        println!("skipped: there are no real messages beside the checkout");
        return;
    };
    let (mut accepted, mut ignored) = (0, 0);
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "hl7") {
            match parse(&fs::read(&path).unwrap(), &json!({ "virtual": "all" })) {
                Ok(Outcome::Accepted(_)) => accepted += 1,
                Ok(_) => ignored += 1,
                Err(refusal) => panic!("{}: {refusal:?}", path.display()),
            }
        }
    }
    assert!(accepted >= 15 && ignored >= 10, "{accepted} accepted, {ignored} ignored");
}
