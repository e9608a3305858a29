use super::*;
use hookwright_core::id::KeyId;

fn record(scopes: &[KeyScope]) -> (KeyRecord, ApiKey) {
    let id = KeyId::from_i64(77).unwrap();
    let key = ApiKey::generate(id, [3; 32]);
    let hash = key.hash();
    let record = KeyRecord {
        id,
        name: "a key".into(),
        hash,
        scopes: scopes.to_vec(),
        expires_at: None,
        revoked: false,
        created_at: 0,
    };
    (record, key)
}

fn with(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, value.parse().unwrap());
    headers
}

#[test]
fn a_known_key_names_its_holder() {
    let (record, key) = record(&[KeyScope::Read]);
    let keys = [record.clone()];
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let caller = holder(&keys, &with(&format!("{scheme} {}", key.reveal())), 5).unwrap();
        assert_eq!(caller.actor, format!("key:{}", record.id));
    }
}

#[test]
fn whoever_shows_no_good_key_hears_why() {
    let (record, key) = record(&[KeyScope::Admin]);
    let other = ApiKey::generate(record.id, [4; 32]);
    let expired = KeyRecord { expires_at: Some(5), ..record.clone() };
    let revoked = KeyRecord { revoked: true, ..record.clone() };
    let good = format!("Bearer {}", key.reveal());
    let mut two = with(&good);
    two.append(header::AUTHORIZATION, good.parse().unwrap());
    let cases = [
        (record.clone(), HeaderMap::new(), "exactly one Authorization"),
        (record.clone(), two, "exactly one Authorization"),
        (record.clone(), with("Basic Zm9v"), "expected Authorization: Bearer"),
        (record.clone(), with("Bearer nonsense"), "not an API key"),
        (record.clone(), with(&good[..good.len() - 1]), "mistyped"),
        (record, with(&format!("Bearer {}", other.reveal())), "not known or was revoked"),
        (revoked, with(&good), "not known or was revoked"),
        (expired, with(&good), "expired"),
    ];
    for (record, headers, expected) in cases {
        let problem = holder(&[record], &headers, 5).unwrap_err();
        assert_eq!((problem.status(), problem.code()), (StatusCode::UNAUTHORIZED, "unauthorized"));
        let body = String::from_utf8(problem.body("r")).unwrap();
        assert!(body.contains(expected), "{expected}: {body}");
        assert!(!body.contains("hwk_0"), "{body}");
    }
}

#[test]
fn scopes_open_what_they_say_and_nothing_else() {
    use KeyScope::{Admin, Operate, Phi, Publish, Read};
    let may = |held: KeyScope, scope| Caller::of_key(&record(&[held]).0).may(scope);
    for scope in KeyScope::ALL {
        assert!(may(Admin, scope));
        assert!(may(scope, scope));
        assert_eq!(may(Phi, scope), matches!(scope, Phi | Read));
        for narrow in [Publish, Read, Operate] {
            assert_eq!(may(narrow, scope), narrow == scope);
        }
    }
    assert!(!Caller::of_key(&record(&[]).0).may(Read));
}

#[test]
fn every_request_needs_a_scope() {
    use KeyScope::{Admin, Operate, Publish, Read};
    for (method, path, scope) in [
        ("GET", "/admin/events", Read),
        ("HEAD", "/admin/events/evt_1", Read),
        ("POST", "/admin/events", Publish),
        ("POST", "/admin/events/evt_1", Admin),
        ("POST", "/admin/deliveries/dlv_1/retry", Operate),
        ("POST", "/admin/messages/msg_1/reprocess", Operate),
        ("POST", "/admin/subscriptions/sub_1/pause", Operate),
        ("POST", "/admin/subscriptions/sub_1/resume", Operate),
        ("POST", "/admin/subscriptions", Admin),
        ("PATCH", "/admin/subscriptions/sub_1", Admin),
        ("DELETE", "/admin/sources/src_1", Admin),
        ("PUT", "/admin/plugins/emr", Admin),
        ("PUT", "/admin/customers/cus_1", Admin),
        ("GET", "/admin/keys", Admin),
        ("DELETE", "/admin/keys/key_1", Admin),
        ("OPTIONS", "/admin/events", Admin),
        ("POST", "/admin/events/", Publish),
    ] {
        assert_eq!(needed(&method.parse().unwrap(), path), scope, "{method} {path}");
    }
}

#[test]
fn without_a_key_only_this_machine_by_its_own_name_is_answered() {
    let check = |host: &str, origin: Option<&str>| {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        check_local(&headers).is_ok()
    };
    for host in ["localhost", "LOCALHOST:8081", "127.0.0.1:8081", "127.9.9.9", "[::1]:8081", "[::1]"] {
        assert!(check(host, None), "{host}");
    }
    assert!(check("localhost:8081", Some("http://localhost:8081")));
    for host in ["example.com", "127.0.0.1.example.com:8081", "10.0.0.1", "[2001:db8::1]:80", "localhost.evil.com", ""]
    {
        assert!(!check(host, None), "{host}");
    }
    for origin in ["https://evil.example", "null", "http://localhost.evil.example:8081"] {
        assert!(!check("localhost:8081", Some(origin)), "{origin}");
    }
}
