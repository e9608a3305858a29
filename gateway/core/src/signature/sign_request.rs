//! Signing a request as a partner would: for tests, and for trying a source by hand.

use super::encoding::encode;
use super::key::hmac_keys;
use super::verify::Urls;
use super::{Format, Headers, Place, Request, Scheme, SignatureScheme, VerifyError, sign};
use crate::secret::{BadSecret, Ed25519Secret, RawSecret, SigningKey};

/// What is to be added to a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// Headers, in the order to send them.
    pub headers: Vec<(String, String)>,
    /// The whole query, where it changes.
    pub query: Option<String>,
}

/// Why a request cannot be signed here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotSign {
    /// Something that is signed is not there.
    #[error("{0}")]
    Request(#[from] VerifyError),
    /// The secret is of another kind.
    #[error("{0}")]
    Secret(#[from] BadSecret),
    /// The scheme has nothing that could be made here.
    #[error("{0}")]
    Scheme(&'static str),
}

/// What a partner would add to a request under a scheme: the time of `request.now_secs`, the id, digests, and the signature or credential.
/// Headers that the request already has are left as they are.
pub fn sign_request(
    scheme: &Scheme,
    secret: &RawSecret,
    request: &Request<'_>,
    id: &str,
) -> Result<Signed, CannotSign> {
    match scheme {
        Scheme::StandardWebhooks { .. } => {
            let key = SigningKey::parse(secret.reveal())?;
            let signature = sign([&key], id, request.now_secs, request.body);
            let timestamp = request.now_secs.to_string();
            let headers =
                [("webhook-id", id.to_owned()), ("webhook-timestamp", timestamp), ("webhook-signature", signature)];
            Ok(Signed { headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(), query: None })
        }
        Scheme::Hmac(scheme) | Scheme::Ed25519(scheme) => scheme.sign_request(secret, request, id),
        Scheme::Token(token) => {
            let mut signed = Signed::default();
            if let Some(name) = missing(request.headers, token.id_header.as_deref()) {
                signed.headers.push((name.to_owned(), id.to_owned()));
            }
            signed.put(&token.location, format!("{}{}", token.prefix, secret.reveal()), request)?;
            Ok(signed)
        }
        Scheme::Basic {} => {
            scheme.check_secret(secret)?;
            Ok(authorization(&format!("Basic {}", encode(super::Encoding::Base64, secret.key()))))
        }
        Scheme::Bearer {} => Ok(authorization(&format!("Bearer {}", secret.reveal()))),
        Scheme::Strongest { schemes } => {
            let mut outcome = Err(CannotSign::Scheme("the scheme has no members"));
            for member in schemes {
                outcome = sign_request(member, secret, request, id);
                if outcome.is_ok() {
                    break;
                }
            }
            outcome
        }
        Scheme::ClientCertificate {} => {
            Err(CannotSign::Scheme("a certificate is shown by the connection, not in a request"))
        }
        Scheme::None {} => Err(CannotSign::Scheme("the scheme `none` signs nothing")),
    }
}

impl SignatureScheme {
    /// The text at the signature's place for a request with these headers. A header that the scheme signs must be among them.
    pub fn sign(&self, secret: &RawSecret, headers: &dyn Headers, body: &[u8]) -> Result<String, CannotSign> {
        self.value(secret, &Request::new(headers, body, 0), None)
    }

    fn sign_request(&self, secret: &RawSecret, request: &Request<'_>, id: &str) -> Result<Signed, CannotSign> {
        let mut signed = Signed::default();
        let timestamp = self.timestamp_unit.write(request.now_secs);
        if let Some(name) = missing(request.headers, self.timestamp_header.as_deref()) {
            signed.headers.push((name.to_owned(), timestamp.clone()));
        }
        if let Some(name) = missing(request.headers, self.id_header.as_deref()) {
            signed.headers.push((name.to_owned(), id.to_owned()));
        }
        if let Some(digest) = self.body_digest.as_ref().filter(|_| !request.body.is_empty() && !request.is_form()) {
            match &digest.location {
                Place::Header(name) if missing(request.headers, Some(name)).is_none() => {}
                place => signed.put(place, digest.text(request.body), request)?,
            }
        }
        let query = signed.query.clone().unwrap_or_else(|| request.query.to_owned());
        let complete = Complete { own: request.headers, added: &signed.headers };
        let complete = Request { headers: &complete, query: &query, ..*request };
        let value = self.value(secret, &complete, Some(&timestamp))?;
        signed.put(&self.place(), value, request)?;
        Ok(signed)
    }

    fn value(&self, secret: &RawSecret, request: &Request<'_>, beside: Option<&str>) -> Result<String, CannotSign> {
        let sent =
            self.timestamp_header.as_deref().map(|name| super::headers::single(request.headers, name)).transpose()?;
        let timestamp = sent.or(beside.map(str::as_bytes));
        let parts = self.parts();
        let urls = Urls::of(self, &parts, request);
        let contents = urls.contents(&parts, request, timestamp)?;
        let content = contents.into_iter().next().unwrap_or_default();
        let keys = hmac_keys(self, std::slice::from_ref(secret));
        let (code, method) = match (Ed25519Secret::parse(secret.reveal()), keys.into_iter().next()) {
            (Ok(private), _) => (private.sign(&content.concat()).to_vec(), None),
            (Err(_), Some(key)) => (key.key.of(&content), Some(key.key.digest())),
            (Err(_), None) => {
                return Err(CannotSign::Secret(self.key.derive(secret).err().unwrap_or(BadSecret::Empty)));
            }
        };
        let method = method.filter(|_| !self.methods.is_empty()).map(|digest| format!("{}=", digest.word()));
        let code = format!("{}{}", method.unwrap_or_else(|| self.prefix.clone()), encode(self.encoding, &code));
        let code = format!("{code}{}", self.suffix);
        let time = || String::from_utf8_lossy(timestamp.unwrap_or_default()).into_owned();
        Ok(match &self.format {
            Format::Plain | Format::Positional { timestamp_prefix: None, .. } => code,
            Format::Pairs { key, timestamp: None, .. } => format!("{key}={code}"),
            Format::Pairs { delimiter, key, timestamp: Some(name) } => {
                format!("{name}={}{delimiter}{key}={code}", time())
            }
            Format::Tagged { tag } => format!("{tag},{code}"),
            Format::Positional { delimiter, timestamp_prefix: Some(prefix) } => {
                format!("{prefix}{}{delimiter}{code}", time())
            }
        })
    }
}

impl Signed {
    /// Puts a text at a place.
    fn put(&mut self, place: &Place, text: String, request: &Request<'_>) -> Result<(), CannotSign> {
        match place {
            Place::Header(name) => self.headers.push((name.clone(), text)),
            Place::NumberedHeaders(start) => self.headers.push((format!("{start}1"), text)),
            Place::Query(name) => {
                let own = self.query.take().unwrap_or_else(|| request.query.to_owned());
                let separator = if own.is_empty() { "" } else { "&" };
                self.query = Some(format!("{own}{separator}{}={}", percent(name), percent(&text)));
            }
            Place::Form(_) | Place::Body(_) => {
                return Err(CannotSign::Scheme("a signature or token inside the body is put there by its sender"));
            }
        }
        Ok(())
    }
}

fn authorization(value: &str) -> Signed {
    Signed { headers: vec![("Authorization".to_owned(), value.to_owned())], query: None }
}

/// The name of a header that a scheme needs and a request lacks.
fn missing<'n>(headers: &dyn Headers, name: Option<&'n str>) -> Option<&'n str> {
    name.filter(|name| headers.values(name).is_empty())
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A request's headers with those that are added.
struct Complete<'a> {
    own: &'a dyn Headers,
    added: &'a Vec<(String, String)>,
}

impl Headers for Complete<'_> {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        let mut values = self.own.values(name);
        values.extend(self.added.values(name));
        values
    }
}
