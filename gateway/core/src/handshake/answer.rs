//! Whether a request is a handshake, and what it is answered.

use serde_json::Value;

use super::{Handshake, MacOfChallenge, Proof, Template, When, is_challenge_byte};
use crate::secret::{RawSecret, constant_time_eq};
use crate::signature::{Keyed, Place, Request, Scheme, SignatureScheme, Tier, Verifier, VerifyError, encode, text_at};

/// The longest body that is looked at for a handshake, in bytes.
const BODY_MAX: usize = 16 * 1024;
/// The longest challenge that is echoed, in bytes.
const ECHO_MAX: usize = 512;
/// The longest challenge that is answered with an HMAC, in bytes.
const MAC_CHALLENGE_MAX: usize = 128;
const ECHOED_VALUE_MAX: usize = 256;

/// What is answered, with status 200.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// `text/plain` or JSON.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// Headers of the request that go back as they came.
    pub headers: Vec<(String, String)>,
}

/// A challenge is nobody's to read in a log.
impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

/// Why a handshake is not answered. It holds nothing of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request does not verify.
    #[error("{0}")]
    Unverified(VerifyError),
    /// The source verifies nothing, so that a handshake that must verify cannot.
    #[error("the source verifies nothing, and this handshake must be verified")]
    NothingVerifies,
    /// The token that came along is none that we gave.
    #[error("the token of the handshake is not the one that was agreed")]
    Token,
    /// No token was agreed.
    #[error("the source has no token or secret for this handshake")]
    NoToken,
    /// There is no challenge, or one that no partner sends.
    #[error("the challenge is not one that is answered")]
    Challenge,
}

impl Refusal {
    /// The stable word for problem answers, logs and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unverified(error) => error.code(),
            Self::NothingVerifies => "handshake_unverified",
            Self::Token => "handshake_token",
            Self::NoToken => "handshake_no_token",
            Self::Challenge => "handshake_challenge",
        }
    }
}

/// The handshake that a request is, if it is one, and what it is answered. The first that fits decides.
pub fn answer<'h>(
    handshakes: &'h [Handshake],
    request: &Request<'_>,
    verifier: &Verifier<'_>,
    secrets: &[RawSecret],
) -> Option<(&'h Handshake, Result<Reply, Refusal>)> {
    let handshake = handshakes.iter().find(|handshake| handshake.when.fits(request))?;
    Some((handshake, handshake.reply(request, verifier, secrets)))
}

/// Whether a body could be the challenge of a handshake whose answer is an HMAC under the key of bodies. A source that answers such
/// handshakes takes no such body: else whoever asks for a handshake would get its signature.
pub fn is_mac_challenge(handshakes: &[Handshake], scheme: &Scheme, body: &[u8]) -> bool {
    body.len() <= MAC_CHALLENGE_MAX
        && body.iter().all(|byte| is_challenge_byte(*byte))
        && handshakes.iter().any(Handshake::answers_with_mac)
        && hmacs(scheme).iter().any(|scheme| !scheme.is_apart_from_challenges())
}

/// Checks that the answers of handshakes can never be signatures under a scheme.
pub fn check_apart(handshakes: &[Handshake], scheme: &Scheme) -> Result<(), super::BadHandshake> {
    let apart = |scheme: &&SignatureScheme| scheme.is_apart_from_challenges() || scheme.signs_whole_body();
    if handshakes.iter().any(Handshake::answers_with_mac) && !hmacs(scheme).iter().all(apart) {
        let why = "must not answer with an HMAC where the scheme signs neither {body} nor a text with other characters than a challenge may have: the answer could be a signature";
        return Err(super::BadHandshake { field: "answer/mac", why });
    }
    Ok(())
}

fn hmacs(scheme: &Scheme) -> Vec<&SignatureScheme> {
    match scheme {
        Scheme::Hmac(scheme) => vec![scheme],
        Scheme::Strongest { schemes } => schemes.iter().flat_map(hmacs).collect(),
        _ => Vec::new(),
    }
}

impl When {
    fn fits(&self, request: &Request<'_>) -> bool {
        let holds = |place: Place, expected: &Option<String>| {
            let found = text_at(request, &place).ok();
            found.is_some_and(|text| expected.as_ref().is_none_or(|expected| *text == *expected.as_bytes()))
        };
        self.method == request.method
            && self.query.iter().all(|(name, expected)| holds(Place::Query(name.clone()), expected))
            && self.body.iter().all(|(pointer, expected)| may_hold(request.body, pointer, expected.as_deref()))
            && self.body.iter().all(|(pointer, expected)| holds(Place::Body(pointer.clone()), expected))
    }
}

/// Most bodies are messages: these are told from handshakes by a search for the word, before they are parsed for it. A partner that escapes
/// the word is not answered, and none does.
fn may_hold(body: &[u8], pointer: &str, expected: Option<&str>) -> bool {
    let word = expected.or_else(|| pointer.rsplit('/').next()).unwrap_or_default().as_bytes();
    body.len() <= BODY_MAX && (word.is_empty() || body.windows(word.len()).any(|window| window == word))
}

impl Handshake {
    fn reply(&self, request: &Request<'_>, verifier: &Verifier<'_>, secrets: &[RawSecret]) -> Result<Reply, Refusal> {
        // While a secret is changed the partner may still use the one before it: whichever it proved itself with is what it expects.
        let secret = secrets.get(self.proof.check(request, verifier, secrets)?);
        let challenge = text_at(request, &self.challenge).map_err(|_| Refusal::Challenge)?;
        let challenge = self.accepted(&challenge)?;
        self.answer.fill(challenge, request, secret)
    }

    /// The challenge, where it is one that is answered.
    fn accepted<'c>(&self, challenge: &'c [u8]) -> Result<&'c str, Refusal> {
        let padding = challenge.iter().rev().take_while(|byte| **byte == b'=').count();
        let core = &challenge[..challenge.len() - padding];
        let fits = if self.answers_with_mac() {
            challenge.len() <= MAC_CHALLENGE_MAX
                && padding <= 2
                && core.iter().all(|byte| is_challenge_byte(*byte) && *byte != b'=')
        } else {
            // Nothing that a browser could take for markup goes back.
            challenge.len() <= ECHO_MAX && core.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'))
        };
        match str::from_utf8(challenge) {
            Ok(text) if fits && !core.is_empty() => Ok(text),
            _ => Err(Refusal::Challenge),
        }
    }
}

impl Proof {
    /// Checks it; the place of the secret that it was made with, or of the newest where it was made with none.
    fn check(&self, request: &Request<'_>, verifier: &Verifier<'_>, secrets: &[RawSecret]) -> Result<usize, Refusal> {
        match self {
            Self::None {} => Ok(0),
            Self::SignatureIfOffered if !verifier.is_offered(request) => Ok(0),
            Self::Signature | Self::SignatureIfOffered => match verifier.verify(request) {
                Ok(outcome) if outcome.tier == Tier::Unauthenticated => Err(Refusal::NothingVerifies),
                Ok(outcome) => Ok(outcome.matched_secret.unwrap_or(0)),
                Err(error) => Err(Refusal::Unverified(error)),
            },
            Self::Secret { at } => {
                let token = text_at(request, at).map_err(|_| Refusal::Token)?;
                let fits = secrets.iter().position(|own| constant_time_eq(own.key(), &token));
                fits.ok_or(if secrets.is_empty() { Refusal::NoToken } else { Refusal::Token })
            }
            Self::VerifyToken { at, token } => {
                let agreed = token.as_ref().ok_or(Refusal::NoToken)?;
                let shown = text_at(request, at).map_err(|_| Refusal::Token)?;
                if agreed.fits(&shown) { Ok(0) } else { Err(Refusal::Token) }
            }
        }
    }
}

impl Template {
    fn fill(&self, challenge: &str, request: &Request<'_>, secret: Option<&RawSecret>) -> Result<Reply, Refusal> {
        let headers = self.echo_headers.iter().filter_map(|name| echoed(request, name)).collect();
        let Some(json) = &self.json else {
            return Ok(Reply { content_type: "text/plain; charset=utf-8", body: challenge.to_owned(), headers });
        };
        let mac = match &self.mac {
            None => String::new(),
            Some(mac) => mac.of(challenge, secret.ok_or(Refusal::NoToken)?),
        };
        // Neither text holds a brace, so that the order of the two does not matter.
        let filled = |text: &String| Value::String(text.replace("{mac}", &mac).replace("{challenge}", challenge));
        let object = json.iter().map(|(name, text)| (name.clone(), filled(text))).collect();
        Ok(Reply { content_type: "application/json", body: Value::Object(object).to_string(), headers })
    }
}

impl MacOfChallenge {
    fn of(&self, challenge: &str, secret: &RawSecret) -> String {
        let code = Keyed::new(self.digest, secret.key()).of(&[challenge]);
        format!("{}{}", self.prefix, encode(self.encoding, &code))
    }
}

fn echoed(request: &Request<'_>, name: &str) -> Option<(String, String)> {
    let value = text_at(request, &Place::Header(name.to_owned())).ok()?;
    let fits = value.len() <= ECHOED_VALUE_MAX && value.iter().all(u8::is_ascii_graphic);
    let value = str::from_utf8(&value).ok().filter(|_| fits)?;
    Some((name.to_owned(), value.to_owned()))
}
