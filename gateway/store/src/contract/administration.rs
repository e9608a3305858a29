//! Administration: subscriptions, sources and keys.

use super::operator::{change, claiming};
use super::subscriber::{draft, subscribe};
use super::trial::Trial;
use super::{Factory, answer};
use crate::{KeyRecord, KeyScope, StoreError};
use hookwright_core::delivery_options::{
    DeliveryMethod, DeliveryOptions, HeadOfLine, HeadPolicy, Ordering, TlsOptions,
};
use hookwright_core::fetch::{ClientAuthentication, Credentials, FetchPolicy};
use hookwright_core::handshake::Handshake;
use hookwright_core::id::SourceId;
use hookwright_core::idempotency::Claimed;
use hookwright_core::retry::RetryPolicy;
use hookwright_core::secret::{CredentialText, KeyKind, LiveSecret, RawSecret, SigningKey, SigningSecret};
use hookwright_core::signature::Scheme;
use hookwright_core::signature::{LegacySignature, SignedContent, Template};
use hookwright_core::source::{Ack, OnPluginFailure, Source, SourceSecret};
use hookwright_core::subscription::{OnError, Subscription, Transform};
use serde_json::json;

/// A change is seen by whoever looks after it was answered, and raises the version by one.
pub async fn subscriptions_are_made_changed_and_deleted(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    assert!(trial.store.subscriptions().is_empty());
    let made = subscribe(&trial, &["order.*"]).await;
    assert_eq!(trial.subscription(made.id).expect("it is there").name, "Klaviyo");

    let mut changed = Subscription::clone(&made);
    "Mailchimp".clone_into(&mut changed.name);
    changed.events = vec!["customer.created".parse().expect("a pattern")];
    let updated =
        trial.store.update_subscription(changed, made.version, change(&trial, "subscription.updated", made.id)).await;
    let updated = answer::saved(updated.unwrap()).expect("it is there");
    assert_eq!((updated.version, updated.name.as_str()), (made.version + 1, "Mailchimp"));
    let present = trial.subscription(made.id).expect("it is there");
    assert_eq!((present.version, present.name.as_str()), (made.version + 1, "Mailchimp"));
    assert!(trial.event(trial.publish("order.placed", "{}").await).await.fan_out.is_empty());

    assert!(trial.store.delete_subscription(made.id, change(&trial, "subscription.deleted", made.id)).await.unwrap());
    assert!(trial.store.subscriptions().is_empty());
    let gone = Subscription::clone(&present);
    let update = change(&trial, "subscription.updated", made.id);
    assert_eq!(
        answer::saved(trial.store.update_subscription(gone, present.version, update).await.unwrap()).map(|one| one.id),
        None
    );
    assert_eq!(trial.audited("subscription.updated").await, 1);
}

/// Every field comes back as it was given, secrets among them, also after a restart.
pub async fn every_field_of_a_subscription_is_kept(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let transform = Transform {
        plugin: "klaviyo-profile".to_owned(),
        version: "ab".repeat(32),
        settings: json!({"list": "VIP", "nested": [1, null, "ü"]}),
        on_error: OnError::DeadLetter,
        deadline_ms: Some(120),
    };
    let full = Subscription {
        secrets: secrets(&trial),
        retry_policy: RetryPolicy::None,
        max_retries: 0,
        description: Some("müde 'quoted' \\ \u{1f9ea}".to_owned()),
        transform: Some(transform),
        headers: vec![("x-b".to_owned(), "2".to_owned()), ("authorization".to_owned(), "Bearer abc".to_owned())],
        timeout_ms: 1,
        max_in_flight: 1,
        options: options(),
        active: false,
        disabled_reason: Some("operator".to_owned()),
        created_at: trial.now() - 7,
        updated_at: trial.now() - 3,
        ..draft(&trial, &["*", "order.*", "customer.created"])
    };
    let id = full.id;
    let made = trial.store.create_subscription(full.clone(), change(&trial, "subscription.created", id)).await.unwrap();
    let made = answer::saved(made);
    assert_same(&made, &full);
    trial.reopen().await;
    assert_same(&trial.subscription(id).expect("it survives"), &full);
}

/// One that lasts, and one of the other kind whose end is near.
fn secrets(trial: &Trial<'_>) -> Vec<LiveSecret> {
    let ending = SigningKey::generate(KeyKind::Ed25519, [8; 32]).expect("a key");
    vec![
        LiveSecret::lasting(trial.ids.next(), SigningSecret::generate([9; 32]), trial.now() - 1),
        LiveSecret {
            expires_at: Some(trial.now() + 5),
            ..LiveSecret::lasting(trial.ids.next(), ending, trial.now() - 7)
        },
    ]
}

/// One of everything that is said less often.
fn options() -> DeliveryOptions {
    DeliveryOptions {
        method: DeliveryMethod::Patch,
        rate_per_second: Some(7),
        ordering: Ordering::Key,
        head_of_line: HeadOfLine { policy: HeadPolicy::DeadLetter, attempts: 5 },
        permanent_statuses: vec![400, 404],
        max_age_secs: Some(3_600),
        legacy_signatures: vec![LegacySignature {
            header: "x-hub-signature-256".to_owned(),
            template: Template::parse("sha256={sha256_hex}").expect("a template"),
            content: SignedContent::TimestampBody,
            secret: Some(RawSecret::parse("It's a Secret to Everybody").expect("a secret")),
        }],
        tls: Some(TlsOptions { ca: Some("ca".to_owned()), ..TlsOptions::default() }),
    }
}

fn assert_same(one: &Subscription, other: &Subscription) {
    // Debug shows every field but the secrets, which compare by themselves.
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
    assert!(one.secrets == other.secrets, "the secrets are kept, in their order");
    assert!(one.options == other.options, "and so are those of other kinds of signature");
}

/// Whoever edits an old version is told so, and changes nothing.
pub async fn a_stale_version_is_refused(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let made = subscribe(&trial, &["*"]).await;
    let named = |name: &str| Subscription { name: name.to_owned(), ..Subscription::clone(&made) };
    let update = || change(&trial, "subscription.updated", made.id);
    for wrong in [made.version - 1, made.version + 1] {
        let refused = trial.store.update_subscription(named("wrong"), wrong, update()).await;
        assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    }
    let mut tasks = Vec::new();
    for number in 0..8 {
        let store = std::sync::Arc::clone(&trial.store);
        let (mine, update) = (named(&format!("editor {number}")), update());
        let expected = made.version;
        tasks.push(tokio::spawn(async move { store.update_subscription(mine, expected, update).await }));
    }
    let mut won = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(saved) => won += usize::from(answer::saved(saved).is_some()),
            Err(StoreError::Stale) => {}
            Err(other) => panic!("expected to be told of the other editor, got {other:?}"),
        }
    }
    assert_eq!(won, 1, "of eight editors of one version, one wins");
    assert_eq!(trial.subscription(made.id).expect("it is there").version, made.version + 1);
    assert_eq!(trial.audited("subscription.updated").await, 1);
}

/// Under one claim a subscription is made once; the answer is remembered with it, and a change that fails leaves its claim free.
pub async fn a_claim_makes_a_subscription_once(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let create = |body: &str| {
        let draft = draft(&trial, &["*"]);
        let change = claiming(change(&trial, "subscription.created", draft.id), "k", body);
        trial.store.create_subscription(draft, change)
    };
    let made = answer::saved(create("one").await.unwrap());
    let replay = create("one").await.unwrap();
    let Claimed::Replayed(answer) = &replay else { panic!("expected the first answer, got {replay:?}") };
    assert_eq!((answer.status, answer.body.as_slice()), (201, br#"{"of":"one"}"#.as_slice()));
    assert!(matches!(create("two").await.unwrap(), Claimed::Mismatch));
    assert_eq!(trial.store.subscriptions().len(), 1);
    assert_eq!(trial.audited("subscription.created").await, 1);

    let stale = claiming(change(&trial, "subscription.updated", made.id), "k2", "one");
    let refused = trial.store.update_subscription(Subscription::clone(&made), 99, stale.clone()).await;
    assert!(matches!(refused, Err(StoreError::Stale)));
    let again = trial.store.update_subscription(Subscription::clone(&made), made.version, stale).await.unwrap();
    assert!(answer::saved(again).is_some(), "the claim of the refused change is free");
}

fn handshake() -> Handshake {
    let document = json!({
        "name": "crc",
        "when": { "method": "GET", "query": { "crc_token": null } },
        "challenge": "query:crc_token",
        "answer": { "json": { "response_token": "{mac}" }, "mac": { "prefix": "sha256=" } },
    });
    serde_json::from_value(document).expect("a handshake")
}

fn fetch() -> FetchPolicy<CredentialText> {
    FetchPolicy {
        base_url: "https://api.partner.example/fhir/".to_owned(),
        allow: vec!["https://files.partner.example/".to_owned()],
        credentials: Credentials::ClientCredentials {
            token_url: "https://api.partner.example/token".to_owned(),
            client_id: "hookwright".to_owned(),
            client_secret: CredentialText::parse("a secret of the client's").expect("a credential"),
            scope: Some("system/Encounter.rs".to_owned()),
            client_authentication: ClientAuthentication::Body,
        },
        rate_per_second: 7,
        timeout_ms: 900,
        attempts_max: 2,
        give_up_seconds: 3_600,
    }
}

fn source(trial: &Trial<'_>, slug: &str) -> Source {
    let id: SourceId = trial.ids.next();
    Source {
        id,
        slug: slug.to_owned(),
        name: "An EMR".to_owned(),
        verification: Scheme::STANDARD,
        secrets: vec![SourceSecret {
            id: trial.ids.next(),
            secret: RawSecret::parse("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").expect("a secret"),
        }],
        preset: Some("zoom".to_owned()),
        handshakes: vec![handshake()],
        public_url: Some("https://hooks.example.com/webhooks/emr".to_owned()),
        ack: Ack::OnProcessed,
        heartbeat_seconds: Some(3_600),
        fetch: Some(fetch()),
        plugin: "emr-video-call".to_owned(),
        settings: json!({"zone": "America/Chicago"}),
        methods: vec!["POST".to_owned(), "PUT".to_owned()],
        on_error: OnPluginFailure::Reject,
        deadline_ms: Some(2_000),
        updates_customers: true,
        active: true,
        created_at: trial.now(),
        updated_at: trial.now(),
        version: 1,
    }
}

fn stored_source(trial: &Trial<'_>, id: SourceId) -> Option<std::sync::Arc<Source>> {
    trial.store.sources().iter().find(|source| source.id == id).cloned()
}

/// Sources likewise: made, changed, kept over a restart with their secrets, deleted.
pub async fn sources_are_made_changed_and_deleted(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let draft = source(&trial, "emr");
    let id = draft.id;
    let made =
        answer::saved(trial.store.create_source(draft.clone(), change(&trial, "source.created", id)).await.unwrap());
    assert_eq!(format!("{made:?}"), format!("{draft:?}"));

    let changed = Source { active: false, name: "The EMR".to_owned(), ..draft.clone() };
    let update = |trial: &Trial<'_>| change(trial, "source.updated", id);
    let updated = trial.store.update_source(changed.clone(), made.version, update(&trial)).await.unwrap();
    assert_eq!(answer::saved(updated).expect("it is there").version, made.version + 1);
    let stale = trial.store.update_source(changed.clone(), made.version, update(&trial)).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");

    trial.reopen().await;
    let kept = stored_source(&trial, id).expect("it survives");
    assert_eq!(format!("{kept:?}"), format!("{:?}", Source { version: made.version + 1, ..changed.clone() }));
    assert!(kept.secrets == draft.secrets && kept.fetch == draft.fetch && kept.handshakes == draft.handshakes);

    assert!(trial.store.delete_source(id, change(&trial, "source.deleted", id)).await.unwrap());
    assert!(!trial.store.delete_source(id, change(&trial, "source.deleted", id)).await.unwrap());
    assert!(trial.store.sources().is_empty());
    let gone = trial.store.update_source(changed, made.version + 1, update(&trial)).await.unwrap();
    assert!(answer::saved(gone).is_none());
    assert_eq!((trial.audited("source.updated").await, trial.audited("source.deleted").await), (1, 1));
}

/// A slug names one source; freed by its deletion, it can be another's.
pub async fn a_slug_is_one_sources_only(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let create = |slug: &str| {
        let draft = source(&trial, slug);
        let change = change(&trial, "source.created", draft.id);
        trial.store.create_source(draft, change)
    };
    let first = answer::saved(create("emr").await.unwrap());
    let second = answer::saved(create("lab").await.unwrap());
    let taken = create("emr").await;
    assert!(matches!(taken, Err(StoreError::Taken { what: "slug" })), "{taken:?}");

    let update = |id: SourceId| change(&trial, "source.updated", id);
    let renamed = Source { slug: "emr".to_owned(), ..Source::clone(&second) };
    let taken = trial.store.update_source(renamed.clone(), second.version, update(second.id)).await;
    assert!(matches!(taken, Err(StoreError::Taken { what: "slug" })), "{taken:?}");
    assert_eq!(stored_source(&trial, second.id).expect("it is there").slug, "lab");
    let same = trial.store.update_source(Source::clone(&first), first.version, update(first.id)).await.unwrap();
    assert!(answer::saved(same).is_some(), "its own slug is not taken");

    assert!(trial.store.delete_source(first.id, change(&trial, "source.deleted", first.id)).await.unwrap());
    let renamed = trial.store.update_source(renamed, second.version, update(second.id)).await.unwrap();
    assert_eq!(answer::saved(renamed).map(|source| source.slug.clone()).as_deref(), Some("emr"));
    assert_eq!(trial.audited("source.created").await, 2);
}

/// Keys are listed newest first until they are revoked; under one claim a key is made once.
pub async fn keys_are_made_and_revoked(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let key = |trial: &Trial<'_>, name: &str, scopes: &[KeyScope], expires_at| KeyRecord {
        id: trial.ids.next(),
        name: name.to_owned(),
        hash: hookwright_core::idempotency::hash(&[name.as_bytes()]),
        scopes: scopes.to_vec(),
        expires_at,
        revoked: false,
        created_at: trial.now(),
    };
    let first = key(&trial, "first", &[KeyScope::Publish], None);
    let second = key(&trial, "second", &KeyScope::ALL, Some(trial.now() + 1));
    for one in [&first, &second] {
        let made =
            trial.store.create_key(one.clone(), claiming(change(&trial, "key.created", one.id), &one.name, "x")).await;
        assert_eq!(answer::saved(made.unwrap()), *one);
    }
    let again = key(&trial, "first", &[KeyScope::Publish], None);
    let replay =
        trial.store.create_key(again, claiming(change(&trial, "key.created", first.id), "first", "x")).await.unwrap();
    assert!(matches!(replay, Claimed::Replayed(_)), "{replay:?}");
    assert_eq!(*trial.store.keys(), [second.clone(), first.clone()]);

    assert!(trial.store.revoke_key(second.id, change(&trial, "key.revoked", second.id)).await.unwrap());
    assert!(!trial.store.revoke_key(second.id, change(&trial, "key.revoked", second.id)).await.unwrap());
    assert_eq!(*trial.store.keys(), std::slice::from_ref(&first));
    assert_eq!((trial.audited("key.created").await, trial.audited("key.revoked").await), (2, 1));
    trial.reopen().await;
    assert_eq!(*trial.store.keys(), [first], "revoked keys stay revoked");
}
