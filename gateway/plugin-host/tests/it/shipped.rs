//! The plugins that come with the repository, built and run as they are in production.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hookwright_plugin_host::build::build_guest;
use hookwright_plugin_host::clinical::{DurationSource, Report};
use hookwright_plugin_host::fixture::{self, Fixture};
use hookwright_plugin_host::inbound::{Blame, Outcome};
use hookwright_plugin_host::outbound::Decision;
use hookwright_plugin_host::{CallFailure, CallLimits, LoadError, PluginHost, PluginVersion, World};

use crate::guest::{context, delivery, event, host, parse, repository};

/// The component of a plugin, built once for all tests.
fn component(name: &'static str, built: &'static OnceLock<Vec<u8>>) -> &'static [u8] {
    built.get_or_init(|| {
        let root = repository();
        build_guest(&root.join("plugins").join(name), &root.join("target/guests")).unwrap()
    })
}

fn emr(host: &PluginHost) -> Arc<PluginVersion> {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    host.compile(component("emr-video-call", &BUILT)).unwrap()
}

fn hl7v2(host: &PluginHost) -> Arc<PluginVersion> {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    host.compile(component("hl7v2", &BUILT)).unwrap()
}

static KLAVIYO: OnceLock<Vec<u8>> = OnceLock::new();

fn klaviyo(host: &PluginHost) -> Arc<PluginVersion> {
    host.compile(component("klaviyo-profile", &KLAVIYO)).unwrap()
}

#[tokio::test]
async fn the_fixtures_beside_the_crates_hold_in_the_host() {
    let host = host();
    let compiled = |directory: &'static str| {
        let built = build_guest(&repository().join(directory), &repository().join("target/guests")).unwrap();
        (host.compile(&built).unwrap(), directory)
    };
    let (emr, klaviyo) = ((emr(&host), "plugins/emr-video-call"), (klaviyo(&host), "plugins/klaviyo-profile"));
    let hl7v2 = (hl7v2(&host), "plugins/hl7v2");
    let others = ["plugins/fhir", "plugins/json-fields", "plugins/redox", "examples/ccda"].map(compiled);
    for (version, name) in [emr, hl7v2, klaviyo].into_iter().chain(others) {
        let files = fixture::read_dir(&repository().join(name).join("fixtures")).unwrap();
        assert!(files.len() >= 8, "{name} has {} fixtures", files.len());
        let names = |fixtures: &[Fixture]| fixtures.iter().map(|it| it.name().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(version.fixtures()), names(&files), "the build packs what lies beside the crate");
        let limits = CallLimits { deadline: Duration::from_secs(1), ..CallLimits::default() };
        for report in host.run_fixtures(&version, version.fixtures(), limits).await {
            let diff: Vec<String> = report.diff.iter().map(ToString::to_string).collect();
            assert!(report.passed, "{name}, {}: {}", report.name, diff.join("; "));
        }
    }
}

#[tokio::test]
async fn a_fixture_that_does_not_hold_says_where() {
    let host = host();
    let version = klaviyo(&host);
    let mut expected = version.fixtures()[0].expected().clone();
    expected["fault"]["location"] = "/elsewhere".into();
    let fixture = version.fixtures()[0].clone().expecting(expected);
    let [report] = host.run_fixtures(&version, &[fixture], CallLimits::default()).await.try_into().unwrap();
    assert!(!report.passed);
    let [difference] = &report.diff[..] else { panic!("{:?}", report.diff) };
    assert_eq!(difference.to_string(), r#"/fault/location: expected "/elsewhere", got "/customer_id""#);
    // What came can be taken over as what is expected from now on.
    let updated = version.fixtures()[0].clone().expecting(report.got);
    assert!(host.run_fixtures(&version, &[updated], CallLimits::default()).await[0].passed);
}

#[tokio::test]
async fn fixtures_of_the_other_direction_are_refused_or_fail() {
    let host = host();
    let (inbound, outbound) = (emr(&host), klaviyo(&host));
    let strange = fixture::pack(component("klaviyo-profile", &KLAVIYO), inbound.fixtures()).unwrap();
    assert!(matches!(host.compile(&strange), Err(LoadError::Fixtures { .. })));
    let reports = host.run_fixtures(&outbound, &inbound.fixtures()[..1], CallLimits::default()).await;
    assert_eq!((reports[0].passed, &reports[0].got["failure"]["kind"]), (false, &"wrong_world".into()));
}

const EXAMPLE: &str = r#"{
    "event": "video_call.completed",
    "patient_external_id": "cus_xyz",
    "appointment_id": "appt_789",
    "provider_id": "dr_abc",
    "call_duration_minutes": 15,
    "completed_at": "2026-01-04T22:30:00Z"
}"#;

#[tokio::test]
async fn the_example_call_is_a_completed_consultation() {
    let host = host();
    let version = emr(&host);
    assert_eq!(version.world(), World::Inbound);
    assert_eq!(version.metadata().name.as_deref(), Some("emr-video-call"));
    assert_eq!(version.metadata().version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert!(version.metadata().description.as_deref().is_some_and(|text| text.starts_with("Inbound plugin")));
    let Ok(Outcome::Accepted(accepted)) = parse(&host, &version, EXAMPLE).await.result else { panic!("not accepted") };
    let [Report::ConsultationCompleted(consultation)] = &accepted.reports[..] else { panic!("no consultation") };
    assert_eq!(consultation.patient_external_id, "cus_xyz");
    assert_eq!(consultation.completed_at.unix_ms, 1_767_565_800_000);
    let duration = consultation.duration.unwrap();
    assert_eq!((duration.seconds, duration.source), (900, DurationSource::Actual));
    assert_eq!(accepted.message_id.as_deref(), Some("video_call.completed:appt_789:1767565800000"));
}

#[tokio::test]
async fn bad_bodies_are_refused_at_their_place() {
    let host = host();
    let version = emr(&host);
    for (body, code, location) in [
        (r#"{"event": "video_call.completed"}"#, "malformed", "/patient_external_id"),
        (r#"{"event": "chat.started"}"#, "unsupported", "/event"),
        ("{", "malformed", "line 1 column 1"),
    ] {
        let Err(CallFailure::Refused(refusal)) = parse(&host, &version, body).await.result else { panic!("{body}") };
        assert_eq!((refusal.code.as_str(), refusal.location.as_deref()), (code, Some(location)));
        assert_eq!(refusal.blame(), Blame::Partner);
    }
}

#[tokio::test]
async fn a_body_as_deep_as_it_is_long_is_refused() {
    static DEEP: OnceLock<String> = OnceLock::new();
    let host = host();
    let version = emr(&host);
    let body = DEEP.get_or_init(|| "[".repeat(1 << 20));
    let called = parse(&host, &version, body).await;
    let Err(CallFailure::Refused(refusal)) = called.result else { panic!("{:?}", called.result) };
    assert_eq!(refusal.expected.as_deref(), Some("less nesting"));
}

#[tokio::test]
async fn events_become_metrics_of_a_profile() {
    let host = host();
    let version = klaviyo(&host);
    assert_eq!(version.world(), World::Outbound);
    let event = event("order.placed", r#"{"order_id":"ord_1","customer_id":"cus_xyz","total":12,"notes":"secret"}"#);
    let called = host.transform(&version, context(), event, delivery(), CallLimits::default()).await;
    let Ok(Decision::Send(request)) = called.result else { panic!("{:?}", called.result) };
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["data"]["attributes"]["profile"]["data"]["attributes"]["external_id"], "cus_xyz");
    assert_eq!(body["data"]["attributes"]["properties"], serde_json::json!({"OrderId": "ord_1", "Value": 12}));
    assert_eq!(request.headers, [("revision".to_owned(), "2024-10-15".to_owned())]);
    assert!(called.log.is_empty());
}

#[tokio::test]
async fn bad_settings_are_a_fault_of_the_settings() {
    let host = host();
    let version = klaviyo(&host);
    let context = hookwright_plugin_host::CallContext { settings: r#"{"properties":7}"#.to_owned(), ..context() };
    let called =
        host.transform(&version, context, event("order.paid", "{\"id\":1}"), delivery(), CallLimits::default()).await;
    let Err(CallFailure::Fault(fault)) = called.result else { panic!("{:?}", called.result) };
    assert_eq!((fault.code.as_str(), fault.location.as_deref()), ("settings", Some("/properties")));
}
