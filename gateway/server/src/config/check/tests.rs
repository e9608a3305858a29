use super::*;
use crate::config::fault::Origin;
use crate::config::key::KEYS;

fn check(text: &str) -> Result<Loaded, Vec<String>> {
    let mut raw = Raw::default();
    raw.file("h.toml", text);
    Loaded::check(raw).map_err(|bad| bad.0.iter().map(ToString::to_string).collect())
}

fn fault(text: &str) -> String {
    let faults = check(text).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].clone()
}

#[test]
fn no_file_at_all_is_a_configuration() {
    let config = check("").unwrap().config;
    assert_eq!(config.database, Database::Sqlite("hookwright.db".into()));
    assert_eq!(config.keys, KeyPlace::FileOrNew("hookwright.key".into()));
    assert!(config.public.address.ip().is_loopback() && config.admin.address.ip().is_loopback());
    assert_eq!((config.public.address.port(), config.admin.address.port()), (8080, 8081));
    assert!(config.egress_allow.is_empty());
}

#[test]
fn every_setting_is_read_and_shown_as_documented() {
    let settings = check("").unwrap().settings;
    let shown: Vec<&str> = settings.iter().map(|setting| setting.path).collect();
    let known: Vec<&str> = KEYS.iter().map(|key| key.path).collect();
    assert_eq!(shown, known);
    for (setting, key) in settings.iter().zip(KEYS) {
        let shown = setting.value.clone().unwrap_or_default().replace(['"', '[', ']', ','], "");
        // These follow from where the database is.
        let follows = ["keys.file", "plugins.cache"].contains(&key.path);
        if !follows {
            assert_eq!(shown, key.default.replace(['[', ']'], ""), "{}", key.path);
        }
    }
}

#[test]
fn what_is_shown_reads_back() {
    let text = "database_url = \"sqlite:/x/y.db\"\n[compliance]\nvalidity_days_by_region = { US-TX = 180 }\n[egress]\nallow = [\"10.0.0.0/8\"]\n";
    let first = check(text).unwrap();
    let line = |setting: &Setting| Some(format!("{} = {}\n", setting.path, setting.value.as_ref()?));
    let shown: String = first.settings.iter().filter_map(line).collect();
    let again = check(&shown).unwrap();
    let values = |loaded: &Loaded| loaded.settings.iter().map(|setting| setting.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&first), values(&again));
}

#[test]
fn a_variable_says_lists_and_tables_with_commas() {
    let mut raw = Raw::default();
    raw.environment([
        ("HOOKWRIGHT_EGRESS_ALLOW".to_owned(), "127.0.0.0/8, ::1/128".to_owned()),
        ("HOOKWRIGHT_COMPLIANCE_VALIDITY_DAYS_BY_REGION".to_owned(), "US-TX=180,US-NM=90".to_owned()),
        ("HOOKWRIGHT_EVENTS_STRICT".to_owned(), "true".to_owned()),
        ("HOOKWRIGHT_PUBLIC_CONNECTIONS_MAX".to_owned(), "7".to_owned()),
        ("HOOKWRIGHT_DELIVERY_SCHEDULE".to_owned(), "1s,2s".to_owned()),
    ]);
    let loaded = Loaded::check(raw).unwrap();
    assert_eq!(loaded.config.egress_allow.len(), 2);
    assert_eq!(loaded.config.validity.by_region.values().copied().collect::<Vec<_>>(), [90, 180]);
    assert!(loaded.config.strict_event_types);
    assert_eq!(loaded.config.public.connections_max, 7);
    assert_eq!(loaded.config.delivery.schedule.delays(), [SECOND, 2 * SECOND]);
    let strict = loaded.settings.iter().find(|setting| setting.path == "events.strict").unwrap();
    assert_eq!(strict.origin, Origin::Variable("HOOKWRIGHT_EVENTS_STRICT".into()));
}

#[test]
fn every_fault_names_its_key_its_line_and_what_was_expected() {
    let cases = [
        (
            "database_url = \"mysql:x\"",
            "database_url (h.toml:1): expected sqlite: and the path of a file, such as sqlite:/var/lib/hookwright/hookwright.db, or postgres://user@host:5432/database, with ?sslmode=verify-full and sslrootcert=FILE if the way there is not to be trusted",
        ),
        ("drain = 5", "drain (h.toml:1): expected a duration from 0s to 10m, such as 5s or 1m30s, found \"5\""),
        ("drain = true", "drain (h.toml:1): expected a duration from 0s to 10m, such as 5s or 1m30s, found \"true\""),
        (
            "public.listen = \"localhost\"",
            "public.listen (h.toml:1): expected an IP address and a port, such as 127.0.0.1:8080, found \"localhost\"",
        ),
        ("admin.tls.key = \"k\"", "admin.tls.key (h.toml:1): needs its certificate: set admin.tls.certificate"),
        (
            "public.body_bytes_max = \"1TB\"",
            "public.body_bytes_max (h.toml:1): expected a size from 1KiB to 64MiB, such as 65536 or 64KiB, found \"1TB\"",
        ),
        (
            "public.connections_max = 0",
            "public.connections_max (h.toml:1): expected a whole number from 1 to 65536, found \"0\"",
        ),
        ("events.strict = \"yes\"", "events.strict (h.toml:1): expected true or false, found \"yes\""),
        (
            "\n[compliance.validity_days_by_region]\nTexas = 1",
            "compliance.validity_days_by_region (h.toml:2): expected a region such as US-TX (ISO 3166-2), found \"Texas\"",
        ),
        ("delivery.schedule = []", "delivery.schedule (h.toml:1): a schedule holds 1 to 64 delays, found 0"),
        (
            "delivery.schedule = [\"5s\", \"soon\"]",
            "delivery.schedule (h.toml:1): entry 2: expected a duration such as 5s or 2h, found \"soon\"",
        ),
        ("delivery.schedule = \"5s\"", "delivery.schedule (h.toml:1): expected a list, found text"),
        (
            "delivery.permanent_statuses = [404, 429, 204]",
            "delivery.permanent_statuses (h.toml:1): entry 2: 429: 429 and 503 say that the subscriber is busy now, not that it will never take the delivery; they slow it down instead; entry 3: 204: must be a status from 300 to 599: what is below is no refusal",
        ),
        (
            "delivery.max_age = \"31d\"",
            "delivery.max_age (h.toml:1): expected a duration from 1m to 30d, found \"31d\"",
        ),
        (
            "egress.allow = [\"everything\"]",
            "egress.allow (h.toml:1): entry 1: expected a range such as 127.0.0.0/8 or fd00::/8, found \"everything\"",
        ),
        ("log.format = \"xml\"", "log.format (h.toml:1): expected text or json, found \"xml\""),
        (
            "plugins.inbound_deadline = \"1m\"",
            "plugins.inbound_deadline (h.toml:1): expected a duration from 1ms to 2s, found \"1m\"",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected);
    }
}

#[test]
fn two_listeners_need_two_addresses() {
    for (public, admin) in [("127.0.0.1:9", "127.0.0.1:9"), ("0.0.0.0:9", "127.0.0.1:9"), ("[::1]:9", "[::]:9")] {
        let text = format!("public.listen = \"{public}\"\nadmin.listen = \"{admin}\"");
        assert_eq!(fault(&text), format!("admin.listen (h.toml:2): {admin} is taken by public.listen"));
    }
    for (public, admin) in [("127.0.0.1:9", "127.0.0.2:9"), ("127.0.0.1:0", "127.0.0.1:0")] {
        check(&format!("public.listen = \"{public}\"\nadmin.listen = \"{admin}\"")).unwrap();
    }
}

#[test]
fn every_bad_entry_is_told() {
    let said = fault("egress.allow = [\"x\", \"10.0.0.0/8\", \"10.0.0.0/40\"]");
    assert!(said.contains("entry 1: ") && said.contains("; entry 3: ") && !said.contains("entry 2"), "{said}");
    let said = fault("compliance.validity_days_by_region = { Texas = 1, US-NM = 0, US-CA = 2 }");
    assert!(said.contains("\"Texas\"") && said.contains("US-NM: ") && !said.contains("US-CA"), "{said}");
    let said = fault("compliance.validity_days = 1.5");
    assert!(said.ends_with("expected text or a whole number, found a fraction"), "{said}");
}

#[test]
fn a_text_that_is_no_key_is_told_but_not_repeated() {
    for text in ["hunter2", "", "# none", "abcd"] {
        let mut raw = Raw::default();
        raw.environment([("HOOKWRIGHT_KEY".to_owned(), text.to_owned())]);
        let bad = Loaded::check(raw).unwrap_err().to_string();
        assert!(bad.contains("HOOKWRIGHT_KEY") && !bad.contains("hunter2"), "{bad}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    assert_eq!(check("drain = 5\nlisten = 1\n[log]\nformat = \"xml\"").unwrap_err().len(), 3);
}

#[test]
fn a_wrong_database_address_is_not_repeated() {
    assert!(!fault("database_url = \"postgres://u:hunter2@h\"").contains("hunter2"));
}

#[test]
fn a_database_of_many_nodes_is_a_configuration_without_a_word_of_its_password() {
    let text = "database_url = \"postgres://u:hunter2@h/d\"\ncluster = { lease = \"20s\", node_name = \"a.1\" }\ndatabase.readers_max = 7";
    let loaded = check(text).unwrap();
    let Database::Postgres(address) = &loaded.config.database else { panic!("{loaded:?}") };
    assert_eq!(address.url().unwrap(), "postgres://u:hunter2@h:5432/d?sslmode=prefer");
    assert_eq!(loaded.config.cluster, ClusterConfig { lease: 20 * SECOND, node_name: Some("a.1".to_owned()) });
    assert_eq!(loaded.config.connections, ConnectionsConfig { readers_max: 7, statement_timeout: 5 * SECOND });
    // They are shared, so that none may be made up.
    assert_eq!(loaded.config.keys, KeyPlace::Nowhere);
    assert!(!format!("{loaded:?} {}", loaded.config.database).contains("hunter2"));
    let said = fault("database.statement_timeout = \"10s\"");
    assert!(said.starts_with("database.statement_timeout (h.toml:1): must be shorter than cluster.lease"), "{said}");
    let said = fault("cluster.node_name = \"a b\"");
    assert!(said.ends_with("dots and underscores, found \"a b\""), "{said}");
}

#[test]
fn a_database_s_password_comes_from_one_place() {
    let check = |text: &str, variable: Option<&str>| {
        let mut raw = Raw::default();
        raw.file("h.toml", text);
        raw.environment(variable.map(|text| ("HOOKWRIGHT_DATABASE_PASSWORD".to_owned(), text.to_owned())));
        Loaded::check(raw).map(|loaded| loaded.config.database)
    };
    let url = "database_url = \"postgres://u@h/d\"\n";
    let Ok(Database::Postgres(address)) = check(url, Some("hunter2")) else { panic!("it is refused") };
    assert_eq!(address.url().unwrap(), "postgres://u:hunter2@h:5432/d?sslmode=prefer");
    let file = format!("{url}database.password_file = \"p\"");
    let Ok(Database::Postgres(address)) = check(&file, None) else { panic!("it is refused") };
    assert_eq!(address.password_file(), Some(Path::new("p")));
    let both = "database_url = \"postgres://u:hunter2@h/d\"";
    for refused in [check(&file, Some("hunter2")), check(both, Some("hunter2"))] {
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("say it in one place") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn keys_come_from_one_place() {
    let mut raw = Raw::default();
    raw.file("h.toml", "keys.file = \"k\"");
    raw.environment([("HOOKWRIGHT_KEY".to_owned(), "hunter2".to_owned())]);
    let bad = Loaded::check(raw).unwrap_err().to_string();
    assert!(bad.contains("HOOKWRIGHT_KEY holds the sealing keys too") && !bad.contains("hunter2"), "{bad}");
}
