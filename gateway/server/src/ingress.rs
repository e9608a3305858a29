//! The way in: partners' requests to `/webhooks/{source}/{hook…}`.
//!
//! A request is read within bounds, verified on its raw bytes, looked at by the source's plugin, and committed with everything that follows from it; only then is it
//! answered. Nothing of a body, header or query is ever logged.

mod acknowledge;
pub(crate) mod body;
mod handshake;
mod headers;
mod meters;
mod path;
mod receive;
mod reopen;
mod reply;
mod soundness;
mod verifiers;

pub use meters::Meters;
pub(crate) use reopen::{ParsedAgain, resubmit};
pub use reopen::{Reopening, reopen};
pub use verifiers::Verifiers;

use crate::app::App;
use crate::health;
use crate::problem::{Problem, RequestId, request_id};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderValue, StatusCode, header};
use tokio::time::Instant;

/// The source a request was found to be for, among its answer's extensions: for the log.
#[derive(Clone, Debug)]
struct Slug(String);

/// Everything that the public listener serves.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/webhooks/{*rest}", any(receive))
        .with_state(app.clone())
        .merge(health::routes(app))
        .fallback(nothing_here)
        .layer(middleware::from_fn(log))
        .layer(middleware::from_fn(request_id::carry))
}

async fn receive(State(app): State<App>, request: Request) -> Response {
    let (slug, result) = receive::receive(&app, request).await;
    let mut response = result.unwrap_or_else(IntoResponse::into_response);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(slug) = slug {
        response.extensions_mut().insert(Slug(slug));
    }
    response
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "partners post to /webhooks/{source}/{hook}")
}

/// One line for each request: the source only where it exists, and nothing that a partner wrote.
async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let id = request.extensions().get::<RequestId>().cloned();
    let response = next.run(request).await;
    let source = response.extensions().get::<Slug>().map_or("-", |slug| slug.0.as_str());
    tracing::info!(
        method = shown(&method),
        source,
        status = response.status().as_u16(),
        duration_ms = began.elapsed().as_secs_f64() * 1000.0,
        request_id = id.as_ref().map_or("-", |id| id.0.as_str()),
        "request",
    );
    response
}

/// A method of HTTP's own; another could be any text.
fn shown(method: &http::Method) -> &str {
    let own = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    if own.contains(&method.as_str()) { method.as_str() } else { "other" }
}
