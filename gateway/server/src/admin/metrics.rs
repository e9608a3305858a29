//! `GET /metrics`: what is measured, in the text format of `OpenMetrics`.

use crate::app::App;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

/// The format and its version.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`.
pub async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let unexpected = |error| Problem::unexpected(&error);
    // The last part ends the text.
    let sources = app.meters.text().map_err(unexpected)?;
    let retention = app.upkeep.retention().progress.text().map_err(unexpected)?;
    let text = sources + &retention + &app.plugins.metrics().map_err(unexpected)?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
