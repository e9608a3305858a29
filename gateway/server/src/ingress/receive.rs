//! One request, from its first header to the answer.

use super::acknowledge::Hl7Request;
use super::headers::Wire;
use super::meters::Meters;
use super::path::{Target, check_method};
use super::verifiers::Prepared;
use super::{body, handshake, headers, reply, soundness};
use crate::app::App;
use crate::listener::PeerCertificate;
use crate::plugins::ParseResult;
use crate::problem::{Problem, RequestId};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use hookwright_core::handshake::is_mac_challenge;
use hookwright_core::id::MessageId;
use hookwright_core::intake::{Answer, Receive, Received, Work};
use hookwright_core::message::{Fact, MessageStatus, Parsed, RawMessage};
use hookwright_core::signature::{self, Verified, VerifyError};
use hookwright_core::source::Source;
use http::StatusCode;
use http::request::Parts;
use std::sync::Arc;

/// Receives a request; the slug is told where the source exists.
pub(super) async fn receive(app: &App, request: Request) -> (Option<String>, Result<Response, Problem>) {
    let (parts, body) = request.into_parts();
    let source = match find(app, &parts) {
        Ok(source) => source,
        Err(problem) => {
            body::discard(body, &app.config.public).await;
            return (None, Err(problem));
        }
    };
    let slug = source.slug.clone();
    (Some(slug), take(app, &source, &parts, body).await)
}

fn find(app: &App, parts: &Parts) -> Result<Arc<Source>, Problem> {
    Target::of(&parts.uri)?.source(&app.store.sources())
}

async fn take(app: &App, source: &Source, parts: &Parts, body: Body) -> Result<Response, Problem> {
    // Handshakes have methods of their own, and which requests are one is known once they are read.
    if !handshake::may_be(source, &parts.method)
        && let Err(problem) = check_method(source, &parts.method)
    {
        body::discard(body, &app.config.public).await;
        return Err(problem);
    }
    if parts.headers.len() > headers::HEADERS_MAX {
        body::discard(body, &app.config.public).await;
        let detail = format!("a request may have {} headers", headers::HEADERS_MAX);
        return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_headers", detail));
    }
    let body = body::read(body, &app.config.public).await?;
    let now_ms = app.clock.now_ms();
    let target = Target::of(&parts.uri)?;
    let verified = match look(app, source, parts, target, &body, now_ms)? {
        Found::Handshake(answer) => return Ok(answer),
        Found::Message(verified) => verified,
    };
    let raw = raw(source, parts, target, &body, &verified, now_ms);
    let id: MessageId = app.ids.next();
    let result = match soundness::fault(&parts.headers, &body) {
        Some(reason) => ParseResult { parsed: Parsed::Refused(reason), digest: None, logs: Vec::new(), reply: None },
        None => app.plugins.parse(source, id, &raw).await?,
    };
    commit(
        app,
        source,
        parts,
        Read { id, raw, transport_id: verified.id, result, hl7: Hl7Request::of(&parts.headers, &body) },
    )
    .await
}

/// What a request is found to be.
enum Found {
    /// A handshake, which is answered at once.
    Handshake(Response),
    /// A message, which verified.
    Message(Verified),
}

fn look(
    app: &App,
    source: &Source,
    parts: &Parts,
    target: Target<'_>,
    body: &Bytes,
    now_ms: i64,
) -> Result<Found, Problem> {
    let headers = Wire(&parts.headers);
    let request = signature::Request {
        method: parts.method.as_str(),
        path: target.below,
        query: target.query,
        public_url: source.public_url.as_deref(),
        peer_certificate: parts.extensions.get::<PeerCertificate>().map(|certificate| &*certificate.0),
        ..signature::Request::new(&headers, body, now_ms.div_euclid(1000))
    };
    let prepared = app.verifiers.of(source, &app.store.sources());
    if handshake::may_be(source, &parts.method) {
        if let Some(answer) = handshake::answer(source, &prepared, &request, &app.meters) {
            return answer.map(Found::Handshake);
        }
        check_method(source, &parts.method)?;
    }
    verify(source, &prepared, &request, &app.meters).map(Found::Message)
}

fn verify(
    source: &Source,
    prepared: &Prepared,
    request: &signature::Request<'_>,
    meters: &Meters,
) -> Result<Verified, Problem> {
    const CHALLENGE: &str = "body_could_be_a_challenge";
    let verified = match &prepared.verifier {
        Ok(verifier) => verifier.verify(request),
        Err(error) => Err((*error).into()),
    };
    match verified {
        Err(error) => {
            meters.request(source, error.code());
            Err(unverified(source, &error))
        }
        Ok(_) if is_mac_challenge(&source.handshakes, &source.verification, request.body) => {
            meters.request(source, CHALLENGE);
            let detail = "the body could be a handshake's challenge, and this source answers those with a signature";
            Err(Problem::new(StatusCode::UNAUTHORIZED, CHALLENGE, detail))
        }
        Ok(verified) => {
            meters.request(source, verified.tier.as_str());
            Ok(verified)
        }
    }
}

/// What is told names headers, never what they hold.
pub(super) fn unverified(source: &Source, error: &VerifyError) -> Problem {
    if error.is_of_the_source() {
        tracing::error!(source = source.slug, code = error.code(), "a source cannot verify its requests");
    }
    Problem::new(StatusCode::UNAUTHORIZED, error.code(), error.to_string())
}

fn raw(
    source: &Source,
    parts: &Parts,
    target: Target<'_>,
    body: &Bytes,
    verified: &Verified,
    now_ms: i64,
) -> RawMessage {
    RawMessage {
        source_id: source.id,
        hook: target.hook.to_owned(),
        method: parts.method.as_str().to_owned(),
        query: headers::kept_query(target.query, &source.verification),
        headers: headers::kept(&parts.headers, &source.verification),
        body: body.to_vec(),
        received_at: now_ms,
        tier: verified.tier.as_str().to_owned(),
        secret_id: verified.matched_secret.and_then(|at| source.secrets.get(at)).map(|secret| secret.id),
    }
}

/// A request that was read to its end, with what the plugin made of it.
struct Read {
    id: MessageId,
    raw: RawMessage,
    transport_id: Option<String>,
    result: ParseResult,
    hl7: Option<Hl7Request>,
}

async fn commit(app: &App, source: &Source, parts: &Parts, read: Read) -> Result<Response, Problem> {
    let ParseResult { parsed, digest, logs, reply } = read.result;
    let touches = Touches::of(&parsed);
    let work = Work::Receive(Box::new(Receive {
        message_id: read.id,
        raw: read.raw,
        slug: source.slug.clone(),
        updates_customers: source.updates_customers,
        parsed,
        plugin_digest: digest,
        logs,
        transport_id: read.transport_id,
        request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()),
    }));
    let Answer::Received(received) = app.store.submit(work).await? else {
        return Err(Problem::unexpected(&"a received message was answered as something else"));
    };
    touches.nudge(app, &received);
    if received.status == MessageStatus::Fetching && !received.duplicate {
        app.fetcher.offer(received.message_id, source.id);
    }
    match (reply, read.hl7) {
        // The plugin said nothing, or could not: the sender reads HL7 all the same.
        (None, Some(hl7)) => Ok(hl7.answer(source.ack, &received, app.clock.now_ms())),
        (reply, _) => reply::of(&received, reply),
    }
}

/// Which records a message may have changed that others wait for.
#[derive(Clone, Copy, Debug, Default)]
struct Touches {
    customers: bool,
    establishments: bool,
}

impl Touches {
    fn of(parsed: &Parsed) -> Self {
        let Parsed::Accepted { facts, .. } = parsed else {
            return Self::default();
        };
        Self {
            customers: facts.iter().any(|fact| matches!(fact, Fact::Platform(_) | Fact::PatientUpdated(_))),
            establishments: facts.iter().any(|fact| matches!(fact, Fact::ConsultationCompleted(_))),
        }
    }

    fn nudge(self, app: &App, received: &Received) {
        if received.status != MessageStatus::Processed || received.duplicate {
            return;
        }
        if self.customers {
            app.upkeep.customer_changed();
        }
        if self.establishments {
            app.upkeep.establishment_changed();
        }
    }
}
