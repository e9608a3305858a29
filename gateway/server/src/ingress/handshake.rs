//! The requests by which a partner checks that an address is ours: answered at once, without a message.
//!
//! Whatever methods a source takes for its messages, its handshakes have their own. Neither a challenge nor a token is ever logged.

use super::meters::Meters;
use super::receive::unverified;
use super::verifiers::Prepared;
use crate::problem::Problem;
use axum::body::Body;
use axum::response::Response;
use hookwright_core::handshake::{self, Handshake, Refusal, Reply};
use hookwright_core::signature::Request;
use hookwright_core::source::Source;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

/// Whether a request of this method may be a handshake of the source.
pub(super) fn may_be(source: &Source, method: &Method) -> bool {
    source.handshakes.iter().any(|handshake| handshake.when.method == method.as_str())
}

/// The answer, where the request is a handshake.
pub(super) fn answer(
    source: &Source,
    prepared: &Prepared,
    request: &Request<'_>,
    meters: &Meters,
) -> Option<Result<Response, Problem>> {
    if source.handshakes.is_empty() {
        return None;
    }
    let verifier = match &prepared.verifier {
        Ok(verifier) => verifier,
        Err(error) => return Some(Err(unverified(source, &(*error).into()))),
    };
    let (handshake, reply) = handshake::answer(&source.handshakes, request, verifier, &prepared.secrets)?;
    Some(match reply {
        Ok(reply) => {
            meters.answered(source, handshake, request.now_secs);
            answered(source, handshake, reply)
        }
        Err(refusal) => {
            meters.refused(source, handshake, &refusal);
            Err(refused(source, handshake, &refusal))
        }
    })
}

fn answered(source: &Source, handshake: &Handshake, reply: Reply) -> Result<Response, Problem> {
    tracing::info!(source = source.slug, handshake = handshake.name, "a handshake was answered");
    let mut response = Response::new(Body::from(reply.body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    // What is echoed is plain text, and no browser shall think it more.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    for (name, value) in reply.headers {
        let name = HeaderName::try_from(name).map_err(|error| Problem::unexpected(&error))?;
        headers.insert(name, HeaderValue::try_from(value).map_err(|error| Problem::unexpected(&error))?);
    }
    Ok(response)
}

fn refused(source: &Source, handshake: &Handshake, refusal: &Refusal) -> Problem {
    tracing::warn!(source = source.slug, handshake = handshake.name, code = refusal.code(), "a handshake was refused");
    match refusal {
        Refusal::Unverified(error) => unverified(source, error),
        Refusal::NothingVerifies | Refusal::Token | Refusal::NoToken => {
            Problem::new(StatusCode::UNAUTHORIZED, refusal.code(), refusal.to_string())
        }
        Refusal::Challenge => Problem::new(StatusCode::BAD_REQUEST, refusal.code(), refusal.to_string()),
    }
}
