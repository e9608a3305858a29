//! The fixtures, everything that may be wrong with a document, and what is easier said in code.

use std::path::Path;

use hookwright_plugin_sdk::inbound::ConsultationCompleted;
use hookwright_plugin_sdk::testing::{Fixture, within_bounds};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fixtures() -> Vec<Fixture> {
    Fixture::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap()
}

fn answer(xml: &[u8]) -> Result<Outcome, Refusal> {
    let settings = json!({ "patient_location": "patient" });
    Fixture { name: "case".to_owned(), json: json!({ "settings": settings }) }.answer_to::<Ccda>(xml.to_vec())
}

fn document() -> String {
    let fixture = fixtures().into_iter().find(|it| it.name == "office-visit-by-video").unwrap();
    fixture.json["input"]["body_text"].as_str().unwrap().to_owned()
}

#[test]
fn fixtures_give_what_they_expect() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 12, "only {} fixtures were found", fixtures.len());
    let failed: Vec<_> = fixtures.iter().filter_map(|fixture| fixture.check::<Ccda>().err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_document_may_end_anywhere() {
    let document = document();
    let end = document.trim_end().len();
    for cut in 0..end {
        let refusal = answer(&document.as_bytes()[..cut]).unwrap_err();
        assert_eq!(refusal.code, "malformed", "cut off after {cut} bytes");
    }
}

/// Where the values of attributes begin and end.
fn values(document: &str) -> Vec<(usize, usize)> {
    let quotes: Vec<_> = document.match_indices('"').map(|(at, _)| at).collect();
    quotes.chunks_exact(2).map(|pair| (pair[0] + 1, pair[1])).collect()
}

#[test]
fn every_value_may_be_wrong() {
    let document = document();
    let long = "SECRET".repeat(1000);
    for (start, end) in values(&document) {
        for wrong in ["", "SECRET", "20241345", "20230229", "0000", &long, "&#10;SECRET", "7"] {
            let changed = format!("{}{wrong}{}", &document[..start], &document[end..]);
            let answer = answer(changed.as_bytes());
            within_bounds(&answer).unwrap_or_else(|problem| panic!("{problem}: {}", &document[start..end]));
            let location = answer.err().and_then(|it| it.location).unwrap_or_default();
            assert!(!location.contains("SECRET"), "{location}");
        }
    }
}

#[test]
fn what_has_a_null_flavor_is_not_there() {
    let document = document();
    for (at, _) in document.match_indices('<') {
        let is_element = document[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
        let name_end = at + document[at..].find([' ', '>', '/']).unwrap();
        if is_element {
            let changed = format!("{} nullFlavor=\"UNK\"{}", &document[..name_end], &document[name_end..]);
            within_bounds(&answer(changed.as_bytes())).unwrap();
        }
    }
    let unknown = document.replace("<high value", "<high nullFlavor=\"UNK\" value");
    let Ok(Outcome::Accepted(accepted)) = answer(unknown.as_bytes()) else { panic!("the document tells its own time") };
    let Report::ConsultationCompleted(it) = &accepted.reports[0] else { panic!("{:?}", accepted.reports) };
    assert_eq!((it.duration, &it.attributes[0].1[..]), (None, "document"));
}

#[test]
fn every_element_may_be_missing_empty_or_there_twice() {
    let document = document();
    let parsed = Document::parse(&document).unwrap();
    let elements = parsed.descendants().filter(roxmltree::Node::is_element).skip(1);
    let told: Vec<_> = values(&document).into_iter().map(|(start, end)| &document[start..end]).collect();
    for element in elements {
        let (range, name) = (element.range(), element.tag_name().name());
        let whole = &document[range.clone()];
        for instead in
            [String::new(), format!("<{name}/>"), format!("<{name}></{name}>"), whole.repeat(2), "SECRET".to_owned()]
        {
            let changed = format!("{}{instead}{}", &document[..range.start], &document[range.end..]);
            let answer = answer(changed.as_bytes());
            within_bounds(&answer).unwrap_or_else(|problem| panic!("{problem}: {name}"));
            let Err(refusal) = answer else { continue };
            let location = refusal.location.unwrap();
            let leaks = told.iter().any(|value| value.len() > 3 && location.contains(value));
            assert!(!leaks && !location.contains("SECRET"), "{location}");
        }
    }
}

#[test]
fn entities_and_declarations_are_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><ClinicalDocument>&b;</ClinicalDocument>";
    let refusal = answer(bomb.as_bytes()).unwrap_err();
    assert_eq!(refusal.expected, Some("XML without a document type declaration"));
    let entity = "<ClinicalDocument>&xxe;</ClinicalDocument>";
    assert_eq!(answer(entity.as_bytes()).unwrap_err().expected, Some("no entities but XML's own"));
    let undeclared = "<ClinicalDocument><sdtc:id/></ClinicalDocument>";
    let refusal = answer(undeclared.as_bytes()).unwrap_err();
    assert_eq!(refusal.expected, Some("namespaces that are declared"));
    assert!(refusal.location.is_some_and(|location| location.starts_with("line 1 column")));
}

#[test]
fn size_depth_and_breadth_are_bounded() {
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(answer(deep.as_bytes()).unwrap_err().code, "unsupported");
    let large = " ".repeat(BYTES_MAX + 1);
    assert_eq!(answer(large.as_bytes()).unwrap_err().expected, Some("a document of at most 2 MiB"));
    for attribute in [" a=\"\"", " a=\">\"", " a='<'"] {
        let wide = format!("<ClinicalDocument{}/>", attribute.repeat(100_000));
        assert_eq!(answer(wide.as_bytes()).unwrap_err().expected, Some("elements of at most 64 attributes"));
    }
    let ids = "<id root=\"1.2\" extension=\"x\"/>".repeat(50_000);
    let many = document().replace("<patientRole>", &format!("<patientRole>{ids}"));
    assert!(answer(many.as_bytes()).is_ok());
    assert_eq!(answer(b"\xff\xfe<\x00a\x00").unwrap_err().expected, Some("text in UTF-8"));
}

#[test]
fn equals_signs_are_no_attributes() {
    let rule = "=".repeat(500);
    let text =
        format!("<!-- don't {rule} --><?note {rule}?><title lang='a>{rule}'>{rule}<![CDATA[<a {rule}]]></title>");
    let changed = document().replace("<patientRole>", &format!("{text}<patientRole>"));
    assert!(answer(changed.as_bytes()).is_ok());
}

fn consultations(xml: &str) -> Vec<ConsultationCompleted> {
    let Ok(Outcome::Accepted(accepted)) = answer(xml.as_bytes()) else { panic!("the document is refused") };
    let of_report = |report| match report {
        Report::ConsultationCompleted(it) => it,
        other => panic!("{other:?}"),
    };
    accepted.reports.into_iter().map(of_report).collect()
}

#[test]
fn a_group_s_visit_is_a_consultation_of_each() {
    let document = document();
    let (start, end) = (document.find("<recordTarget>").unwrap(), document.find("</recordTarget>").unwrap());
    let target = format!("{}</recordTarget>", &document[start..end]);
    let other = target.replace("extension=\"", "extension=\"other-");
    let group =
        document.replace("</recordTarget>", &format!("</recordTarget>{other}<recordTarget nullFlavor=\"UNK\"/>"));
    let (alone, both) = (consultations(&document), consultations(&group));
    let id = alone[0].patient_external_id.clone();
    let ids: Vec<_> = both.iter().map(|it| it.patient_external_id.clone()).collect();
    assert_eq!(ids, [id.clone(), format!("other-{id}")]);
    assert_eq!((both[0].completed_at, both[1].completed_at), (alone[0].completed_at, alone[0].completed_at));
    let crowd = document.replace("</recordTarget>", &format!("</recordTarget>{}", target.repeat(64)));
    assert_eq!(answer(crowd.as_bytes()).unwrap_err().expected, Some("at most 64 patients"));
}

#[test]
fn a_register_is_no_number_in_it() {
    let document = document();
    let npi = "root=\"2.16.840.1.113883.4.6\"";
    assert!(document.contains(npi));
    let start = document.find("<id root=\"2.16.840.1.113883.4.6\"").unwrap();
    let end = start + document[start..].find("/>").unwrap();
    let bare = format!("{}<id {npi}{}", &document[..start], &document[end..]);
    assert_eq!(consultations(&bare)[0].provider_id.as_deref(), Some("local-7"));
    let lone = bare.replace("<id root=\"2.16.840.1.113883.19.5\" extension=\"local-7\"/>", "");
    assert_eq!(consultations(&lone)[0].provider_id.as_deref(), Some("5555555555"));
    let uuid = "10C3FBF4-D8EC-11E2-92F7-1708D1228400";
    let whole = format!("{}<id root=\"{uuid}\"{}", &document[..start], &document[end..]);
    let whole = whole.replace("<id root=\"2.16.840.1.113883.19.5\" extension=\"local-7\"/>", "");
    assert_eq!(consultations(&whole)[0].provider_id.as_deref(), Some(uuid));
}

#[test]
fn addresses_of_the_past_are_passed_over() {
    let past = |period: &str| {
        let other = format!("<addr use=\"HP\">{period}<city>Reno</city><state>NV</state></addr>");
        let changed = document().replacen("<addr use=\"WP\">", &format!("{other}<addr use=\"WP\">"), 1);
        consultations(&changed)[0].patient_location.as_ref().unwrap().state.clone().unwrap()
    };
    for gone in [
        "<useablePeriod xsi:type=\"IVL_TS\"><low value=\"2010\"/><high value=\"20251231\"/></useablePeriod>",
        "<useablePeriod><low value=\"20260201\"/></useablePeriod>",
    ] {
        assert_eq!(past(gone), "TX", "{gone}");
    }
    for current in [
        "",
        "<useablePeriod><low value=\"2010\"/><high nullFlavor=\"NA\"/></useablePeriod>",
        "<useablePeriod><high value=\"20260104\"/></useablePeriod>",
        "<useablePeriod><low value=\"SECRET\"/></useablePeriod>",
    ] {
        assert_eq!(past(current), "NV", "{current}");
    }
}

#[test]
fn every_line_of_a_street_counts() {
    let line = "<streetAddressLine>1 Congress Ave</streetAddressLine>";
    let changed = document().replace(line, &format!("{line}<streetAddressLine>Apt 2</streetAddressLine>"));
    assert_eq!(consultations(&changed)[0].patient_location.as_ref().unwrap().lines, ["1 Congress Ave", "Apt 2"]);
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(within_bounds(&answer(&body)), Ok(()));
    }
}
