//! The administration's front: publications go straight to their handler, everything else by way of the router.
//!
//! A router clones and boxes a service and a future for itself and for each layer around it, which was 6 % of all the processor's time while
//! publications were measured. What the layers do is done here by the same functions.

use super::in_flight::InFlight;
use super::{call, events};
use crate::app::App;
use crate::problem::{RequestId, request_id};
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::Method;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;

/// Serves the administration.
#[derive(Clone)]
pub struct Front {
    app: Arc<App>,
    /// Publications come this way alone.
    in_flight: InFlight,
    router: Router,
}

impl Front {
    /// In front of `router`, which answers everything itself if asked.
    pub fn new(app: App, router: Router) -> Self {
        Self { app: Arc::new(app), in_flight: InFlight::default(), router }
    }
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if *request.method() == Method::POST && request.uri().path() == "/admin/events" {
            let (app, in_flight) = (Arc::clone(&self.app), self.in_flight.clone());
            return Box::pin(async move { Ok(publish(&app, &in_flight, request).await) });
        }
        Box::pin(self.router.call(request))
    }
}

async fn publish(app: &App, in_flight: &InFlight, request: Request) -> Response {
    let id = RequestId::of(request.headers());
    let response = match call::admitted(app, in_flight, &request, id.0.clone()) {
        Ok((call, _underway)) => events::take(app, &call, request).await.into_response(),
        Err(problem) => problem.into_response(),
    };
    request_id::told(response, &id)
}
