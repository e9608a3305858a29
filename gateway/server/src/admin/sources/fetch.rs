//! Where and how a source's partner is asked back, as a body states it.

use crate::admin::body::{Faults, Object};
use crate::fetch::assertion;
use hookwright_core::egress::{AddressPolicy, URL_MAX, check_url};
use hookwright_core::fetch::{
    ALLOW_MAX, ATTEMPTS_DEFAULT, ATTEMPTS_MAX, ClientAuthentication, Credentials, FetchPolicy, GIVE_UP_SECONDS_DEFAULT,
    GIVE_UP_SECONDS_MAX, JwtAlgorithm, RATE_DEFAULT, RATE_MAX, TIMEOUT_MS_DEFAULT, TIMEOUT_MS_MAX,
};
use hookwright_core::secret::CredentialText;
use serde_json::{Value, json};

const TEXT_MAX: usize = 512;
const SECRET_MAX: usize = 8 * 1024;

#[derive(Clone, Copy)]
enum Kind {
    None,
    Bearer,
    Header,
    Basic,
    ClientCredentials,
    PrivateKeyJwt,
}

const KINDS: [(&str, Kind); 6] = [
    ("none", Kind::None),
    ("bearer", Kind::Bearer),
    ("header", Kind::Header),
    ("basic", Kind::Basic),
    ("oauth2_client_credentials", Kind::ClientCredentials),
    ("private_key_jwt", Kind::PrivateKeyJwt),
];
const AUTHENTICATIONS: [(&str, ClientAuthentication); 2] =
    [("basic", ClientAuthentication::Basic), ("body", ClientAuthentication::Body)];
const ALGORITHMS: [(&str, JwtAlgorithm); 2] = [("RS384", JwtAlgorithm::Rs384), ("ES384", JwtAlgorithm::Es384)];

/// Reads `fetch`. A secret that is not stated is the one that was kept, as long as it goes to the same places.
pub fn read(
    mut object: Object<'_>,
    kept: Option<&FetchPolicy<CredentialText>>,
    egress: &AddressPolicy,
    faults: &mut Faults,
) -> Option<FetchPolicy<CredentialText>> {
    let base_url = object.required_text("base_url", URL_MAX, faults).map(str::to_owned);
    let allow = addresses(&mut object, faults);
    let rate_per_second = object.number("rate_per_second", 1..=RATE_MAX, faults).unwrap_or(RATE_DEFAULT);
    let timeout_ms = object.number("timeout_ms", 1..=TIMEOUT_MS_MAX, faults).unwrap_or(TIMEOUT_MS_DEFAULT);
    let attempts_max = object.number("attempts_max", 1..=ATTEMPTS_MAX, faults).unwrap_or(ATTEMPTS_DEFAULT);
    let give_up_seconds =
        object.number("give_up_seconds", 0..=GIVE_UP_SECONDS_MAX, faults).unwrap_or(GIVE_UP_SECONDS_DEFAULT);
    let credentials = match object.object("credentials", faults) {
        None => Some(Credentials::None {}),
        Some(credentials) => self::credentials(credentials, faults),
    };
    object.finish(&[], faults);
    let stated = FetchPolicy {
        base_url: base_url?,
        allow,
        credentials: credentials?,
        rate_per_second,
        timeout_ms,
        attempts_max,
        give_up_seconds,
    };
    if let Err(fault) = stated.check() {
        faults.add(format!("/fetch{}", fault.pointer), fault.why);
        return None;
    }
    reachable(&stated, egress, faults);
    let policy = with_secret(&stated, kept, faults)?;
    if let Credentials::PrivateKeyJwt { private_key, algorithm, .. } = &policy.credentials
        && let Err(why) = assertion::check_key(private_key, *algorithm)
    {
        faults.add("/fetch/credentials/private_key", why);
    }
    Some(policy)
}

fn addresses(object: &mut Object<'_>, faults: &mut Faults) -> Vec<String> {
    let list = object.list("allow", ALLOW_MAX, faults).unwrap_or_default();
    let mut addresses = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        match value {
            Value::String(text) => addresses.push(text.clone()),
            _ => faults.add(format!("/fetch/allow/{index}"), "expected text"),
        }
    }
    addresses
}

/// A secret as a body states it, or does not.
type Stated = Option<CredentialText>;

fn credentials(mut object: Object<'_>, faults: &mut Faults) -> Option<Credentials<Stated>> {
    object.require("type", "one of none, bearer, header, basic, oauth2_client_credentials, private_key_jwt", faults);
    let kind = object.word("type", &KINDS, faults)?;
    let read = match kind {
        Kind::None => Some(Credentials::None {}),
        Kind::Bearer => Some(Credentials::Bearer { token: secret(&mut object, "token", faults) }),
        Kind::Header => header(&mut object, faults),
        Kind::Basic => {
            let username = object.required_text("username", TEXT_MAX, faults).map(str::to_owned);
            let password = secret(&mut object, "password", faults);
            // RFC 7617 §2: what stands before the first colon is the user.
            if username.as_ref().is_some_and(|name| name.contains(':')) {
                faults.add("/fetch/credentials/username", "must hold no colon");
            }
            username.map(|username| Credentials::Basic { username, password })
        }
        Kind::ClientCredentials | Kind::PrivateKeyJwt => tokens(&mut object, kind, faults),
    };
    object.finish(&["hint"], faults);
    read
}

fn header(object: &mut Object<'_>, faults: &mut Faults) -> Option<Credentials<Stated>> {
    let name = object.required_text("name", 128, faults);
    let value = secret(object, "value", faults);
    let legal = |name: &str| http::HeaderName::try_from(name).is_ok();
    if name.is_some_and(|name| !legal(name)) {
        faults.add("/fetch/credentials/name", "is not the name of a header");
    }
    if value.as_ref().is_some_and(|value| http::HeaderValue::from_str(value.reveal()).is_err()) {
        faults.add("/fetch/credentials/value", "holds characters that a header cannot have");
    }
    name.map(|name| Credentials::Header { name: name.to_ascii_lowercase(), value })
}

fn tokens(object: &mut Object<'_>, kind: Kind, faults: &mut Faults) -> Option<Credentials<Stated>> {
    let token_url = object.required_text("token_url", URL_MAX, faults).map(str::to_owned);
    let client_id = object.required_text("client_id", TEXT_MAX, faults).map(str::to_owned);
    let scope = object.text("scope", 2_048, faults).map(str::to_owned);
    if matches!(kind, Kind::ClientCredentials) {
        let client_secret = secret(object, "client_secret", faults);
        let client_authentication = object.word("client_authentication", &AUTHENTICATIONS, faults).unwrap_or_default();
        return Some(Credentials::ClientCredentials {
            token_url: token_url?,
            client_id: client_id?,
            client_secret,
            scope,
            client_authentication,
        });
    }
    let private_key = secret(object, "private_key", faults);
    let key_id = object.text("key_id", 256, faults).map(str::to_owned);
    object.require("algorithm", "RS384 or ES384", faults);
    let algorithm = object.word("algorithm", &ALGORITHMS, faults);
    Some(Credentials::PrivateKeyJwt {
        token_url: token_url?,
        client_id: client_id?,
        private_key,
        key_id,
        algorithm: algorithm?,
        scope,
    })
}

fn secret(object: &mut Object<'_>, name: &'static str, faults: &mut Faults) -> Stated {
    let text = object.text(name, SECRET_MAX, faults)?;
    match CredentialText::parse(text) {
        Ok(secret) => Some(secret),
        Err(error) => {
            faults.add(object.pointer(name), error.to_string());
            None
        }
    }
}

/// What could never be connected to is told now rather than with the first message.
fn reachable(policy: &FetchPolicy<Stated>, egress: &AddressPolicy, faults: &mut Faults) {
    let listed = policy.allow.iter().enumerate().map(|(at, text)| (format!("/fetch/allow/{at}"), text.as_str()));
    let token_url = policy.credentials.token_url().map(|text| ("/fetch/credentials/token_url".to_owned(), text));
    let base = ("/fetch/base_url".to_owned(), policy.base_url.as_str());
    for (pointer, text) in std::iter::once(base).chain(listed).chain(token_url) {
        if let Err(fault) = check_url(text, egress) {
            faults.add(pointer, fault.to_string());
        }
    }
}

fn with_secret(
    stated: &FetchPolicy<Stated>,
    kept: Option<&FetchPolicy<CredentialText>>,
    faults: &mut Faults,
) -> Option<FetchPolicy<CredentialText>> {
    let kind = |credentials: &Credentials<()>| std::mem::discriminant(credentials);
    let usable = kept.filter(|kept| {
        let (stated, kept) = (stated.try_map(|_| Some(())), kept.try_map(|_| Some(())));
        stated.zip(kept).is_some_and(|(stated, kept)| {
            stated.asks_where(&kept) && kind(&stated.credentials) == kind(&kept.credentials)
        })
    });
    let old = usable.and_then(|kept| kept.credentials.secret()).map(|(_, secret)| secret.clone());
    let policy = stated.try_map(|given| given.clone().or(old));
    if policy.is_none()
        && let Some((name, _)) = stated.credentials.secret()
    {
        let detail = if kept.is_some() {
            "must be stated again, since it would go to other places than it was given for"
        } else {
            "is required"
        };
        faults.add(format!("/fetch/credentials/{name}"), detail);
    }
    policy
}

/// The policy as reads show it: the secret as a hint.
pub fn shown(policy: &FetchPolicy<CredentialText>) -> Value {
    let mut shown = document(policy);
    if let Some((_, secret)) = policy.credentials.secret() {
        shown["credentials"]["hint"] = json!(secret.hint());
    }
    shown
}

/// The policy as it could be put without another secret: what a merge patch is applied to.
pub fn document(policy: &FetchPolicy<CredentialText>) -> Value {
    let bare = policy.try_map(|_| Some(()));
    // Names, numbers and addresses: there is nothing in it that could fail.
    let mut document = serde_json::to_value(&bare).unwrap_or_default();
    if let (Some((name, _)), Some(members)) = (policy.credentials.secret(), document["credentials"].as_object_mut()) {
        members.remove(name);
    }
    document
}
