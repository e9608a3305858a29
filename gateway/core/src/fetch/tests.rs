use super::*;

fn policy(base_url: &str, allow: &[&str]) -> FetchPolicy<String> {
    FetchPolicy {
        base_url: base_url.to_owned(),
        allow: allow.iter().map(|one| (*one).to_owned()).collect(),
        credentials: Credentials::None {},
        rate_per_second: 5,
        timeout_ms: 1_000,
        attempts_max: 3,
        give_up_seconds: 60,
    }
}

#[test]
fn what_is_under_the_base_address_or_on_the_list_may_be_asked() {
    let policy = policy("https://api.example/fhir/r4", &["https://files.example/exports/"]);
    for (wanted, whole) in [
        ("Encounter/12", "https://api.example/fhir/r4/Encounter/12"),
        ("/Encounter/12?_elements=id", "https://api.example/fhir/r4/Encounter/12?_elements=id"),
        ("https://API.example:443/fhir/r4/Encounter/12#x", "https://api.example/fhir/r4/Encounter/12"),
        ("https://api.example/fhir/r4", "https://api.example/fhir/r4"),
        ("https://files.example/exports/1", "https://files.example/exports/1"),
        ("a/../Encounter/1", "https://api.example/fhir/r4/Encounter/1"),
    ] {
        assert_eq!(resolve(&policy, wanted).map(String::from), Ok(whole.to_owned()), "{wanted}");
    }
}

#[test]
fn everything_else_is_denied() {
    let policy = policy("https://api.example/fhir/r4/", &["https://files.example/exports"]);
    for wanted in [
        "https://evil.example/fhir/r4/Encounter/1",
        "https://api.example.evil.example/fhir/r4/",
        "https://api.example@evil.example/fhir/r4/x",
        "https://user:pw@api.example/fhir/r4/x",
        "//evil.example/fhir/r4/x",
        "///evil.example/x/../../../..",
        "http://api.example/fhir/r4/x",
        "https://api.example:8443/fhir/r4/x",
        "https://api.example/fhir/r4x/Encounter",
        "https://api.example/fhir/r4/../../admin",
        "../../admin",
        "../r5/Encounter/1",
        "Encounter/%2e%2e/%2E%2E/admin",
        "Encounter/..%2fadmin",
        "Encounter\\..\\admin",
        "Encounter/1 HTTP/1.1",
        "Encounter/1\r\nHost: evil",
        "https://files.example/exports2/x",
        "ftp://api.example/fhir/r4/x",
        "file:///etc/passwd",
        "data:text/plain,x",
        &"x".repeat(3_000),
    ] {
        assert_eq!(resolve(&policy, wanted), Err(Denied), "{wanted}");
    }
    // What looks like an escape and is a word stays below the base address.
    assert!(resolve(&policy, "x/https://evil.example/").is_ok_and(|url| url.host_str() == Some("api.example")));
}

#[test]
fn a_policy_is_held_against_its_bounds() {
    let good = policy("https://api.example/", &[]);
    assert_eq!(good.check(), Ok(()));
    let pointer = |policy: &FetchPolicy<String>| policy.check().unwrap_err().pointer;
    assert_eq!(pointer(&policy("api.example", &[])), "/base_url");
    assert_eq!(pointer(&policy("ftp://api.example", &[])), "/base_url");
    assert_eq!(pointer(&policy("https://u:p@api.example", &[])), "/base_url");
    assert_eq!(pointer(&policy("https://api.example/?a=b", &[])), "/base_url");
    assert_eq!(pointer(&policy("https://api.example/", &["https://a.example/", "x"])), "/allow/1");
    assert_eq!(pointer(&FetchPolicy { rate_per_second: 0, ..good.clone() }), "/rate_per_second");
    assert_eq!(pointer(&FetchPolicy { timeout_ms: 60_001, ..good.clone() }), "/timeout_ms");
    assert_eq!(pointer(&FetchPolicy { attempts_max: 11, ..good.clone() }), "/attempts_max");
    assert_eq!(pointer(&FetchPolicy { give_up_seconds: 604_801, ..good.clone() }), "/give_up_seconds");
    let credentials = Credentials::PrivateKeyJwt {
        token_url: "nowhere".to_owned(),
        client_id: "c".to_owned(),
        private_key: "k".to_owned(),
        key_id: None,
        algorithm: JwtAlgorithm::Rs384,
        scope: None,
    };
    assert_eq!(pointer(&FetchPolicy { credentials, ..good }), "/credentials/token_url");
}

#[test]
fn secrets_stay_only_with_the_places_they_were_given_for() {
    let bearer = |base: &str| FetchPolicy {
        credentials: Credentials::Bearer { token: "t".to_owned() },
        ..policy(base, &["https://files.example/"])
    };
    let kept = bearer("https://api.example/");
    assert!(FetchPolicy { rate_per_second: 9, ..kept.clone() }.asks_where(&kept));
    assert!(!bearer("https://evil.example/").asks_where(&kept));
    assert!(!FetchPolicy { allow: vec!["https://evil.example/".to_owned()], ..kept.clone() }.asks_where(&kept));
}

#[test]
fn what_may_pass_is_asked_again_and_the_partners_word_is_final() {
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        assert_eq!(judge(Some(status), true), Verdict::Again);
    }
    assert_eq!(judge(None, false), Verdict::Again);
    for status in [200, 204, 301, 400, 403, 404, 410, 501, 505] {
        assert_eq!(judge(Some(status), true), Verdict::Final);
    }
    assert_eq!(judge(Some(401), true), Verdict::Reauthorize);
    assert_eq!(judge(Some(401), false), Verdict::Final);
}

#[test]
fn pauses_grow_and_are_bounded() {
    assert_eq!(
        [1, 2, 3, 4, 5, 40].map(|tried| pause_ms(tried, None)),
        [1_000, 4_000, 16_000, 64_000, 120_000, 120_000]
    );
    assert_eq!(pause_ms(1, Some(30_000)), 30_000);
    assert_eq!(pause_ms(1, Some(i64::MAX)), 120_000);
    assert_eq!(pause_ms(4, Some(1_000)), 64_000);
}

#[test]
fn what_is_pending_survives_its_storage_and_shows_nothing() {
    let pending = PendingFetch {
        fetches: vec![Fetch {
            id: "e".to_owned(),
            method: "POST".to_owned(),
            url: "Patient/secret".to_owned(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: Some(vec![0, 255]),
        }],
        state: vec![1, 2, 254],
        round: 1,
        partner_id: Some("m".to_owned()),
        metadata: vec![],
    };
    let text = serde_json::to_string(&pending).unwrap();
    assert_eq!(serde_json::from_str::<PendingFetch>(&text).unwrap(), pending);
    assert!(!format!("{pending:?} {:?}", pending.fetches).contains("secret"));
}
