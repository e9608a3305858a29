//! A plugin's candidate: begun, read and ended.

use super::find;
use super::moves::{Ordered, whole_digest};
use crate::admin::answer;
use crate::admin::body::{self, Faults, Object, child};
use crate::admin::call::Call;
use crate::admin::etag::Condition;
use crate::app::App;
use crate::plugins::Sample;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hookwright_core::plugin::moves::Move;
use hookwright_core::plugin::{Canary, CanaryCounts, CanaryEnd, CanaryMode, Ended, PERMYRIAD, Stop};
use hookwright_core::timestamp::format_ms;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

const MODES: [(&str, CanaryMode); 2] = [("canary", CanaryMode::Canary), ("shadow", CanaryMode::Shadow)];
const BINDINGS_MAX: usize = 100;

/// A candidate and what was counted of it, since this process began to run it.
#[derive(Serialize)]
struct Shown {
    digest: String,
    mode: &'static str,
    percent: f64,
    bindings: Vec<String>,
    stop: ShownStop,
    started_at: String,
    started_by: String,
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<ShownEnd>,
    counts: ShownCounts,
    /// Comparisons that were not equal, the newest first; without values.
    samples: Vec<Sample>,
}

#[derive(Serialize)]
struct ShownStop {
    calls_min: u64,
    error_percent: f64,
    difference_percent: f64,
}

#[derive(Serialize)]
struct ShownEnd {
    at: String,
    outcome: CanaryEnd,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct ShownCounts {
    calls: u64,
    equal: u64,
    differs: u64,
    errors: u64,
    left_out: u64,
    /// Of the candidate's calls, in microseconds.
    mean_micros: Option<u64>,
    /// Of the calls that they are measured against.
    active_mean_micros: Option<u64>,
}

impl ShownCounts {
    fn of(counts: &CanaryCounts) -> Self {
        Self {
            calls: counts.calls,
            equal: counts.equal,
            differs: counts.differs,
            errors: counts.errors,
            left_out: counts.left_out,
            mean_micros: counts.micros.checked_div(counts.calls),
            active_mean_micros: counts.active_micros.checked_div(counts.active_calls),
        }
    }
}

fn percent(share: u32) -> f64 {
    f64::from(share) * 100.0 / f64::from(PERMYRIAD)
}

/// `GET /admin/plugins/{name}/canary`: the candidate that runs, or the last one that did.
pub async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    let plugin = find(&app, &name).await?;
    let canary = plugin.canary.ok_or_else(|| Problem::not_found("canary"))?;
    let (counts, samples) = match &canary.ended {
        None => app.plugins.candidate_counts(&name).unwrap_or_default(),
        Some(ended) => (ended.counts, Vec::new()),
    };
    answer::ok(&Shown {
        digest: canary.digest,
        mode: canary.mode.as_str(),
        percent: percent(canary.share),
        bindings: canary.bindings,
        stop: ShownStop {
            calls_min: canary.stop.calls_min,
            error_percent: percent(canary.stop.errors),
            difference_percent: percent(canary.stop.differences),
        },
        started_at: format_ms(canary.started_at),
        started_by: canary.started_by,
        running: canary.ended.is_none(),
        ended: canary.ended.map(|Ended { at, outcome, reason, .. }| ShownEnd { at: format_ms(at), outcome, reason }),
        counts: ShownCounts::of(&counts),
        samples,
    })
}

/// `POST /admin/plugins/{name}/canary`: a kept version runs beside the one that serves.
pub async fn begin(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let condition = Condition::of(request.headers());
    let bytes = body::sound_json(&app, request, body::JSON).await?;
    if let Some(response) = call.replay(&app, &bytes).await? {
        return Ok(response);
    }
    let mut canary = read(&body::value(&bytes)?)?;
    canary.digest = whole_digest(&app, &name, canary.digest, "/digest").await?;
    let order =
        Ordered { app: &app, call: &call, name: &name, condition, body: &bytes, action: "plugin.canary_started" };
    order.make(Move::Canary(Box::new(canary))).await
}

/// `DELETE /admin/plugins/{name}/canary`: the candidate runs no more.
pub async fn end(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let condition = Condition::of(request.headers());
    body::none(&app, request).await?;
    let reason = call.reason.clone();
    let order = Ordered { app: &app, call: &call, name: &name, condition, body: b"", action: "plugin.canary_stopped" };
    order.make(Move::EndCanary { outcome: CanaryEnd::Stopped, reason, counts: CanaryCounts::default() }).await
}

fn read(value: &Value) -> Result<Canary, Problem> {
    let mut faults = Faults::default();
    let mut canary = None;
    if let Some(mut object) = Object::read(value, "", &mut faults) {
        let digest = object.required_text("digest", 64, &mut faults).map(str::to_lowercase);
        let mode = object.word("mode", &MODES, &mut faults).unwrap_or(CanaryMode::Canary);
        let usual = if mode == CanaryMode::Shadow { PERMYRIAD } else { 500 };
        let share = share(&mut object, "percent", &mut faults).unwrap_or(usual);
        let bindings = bindings(&mut object, &mut faults);
        let usual = Stop::default();
        let stop = Stop {
            calls_min: object.number("calls_min", 1..=1_000_000, &mut faults).map_or(usual.calls_min, u64::from),
            errors: share_of(&mut object, "error_percent", &mut faults, usual.errors),
            differences: share_of(&mut object, "difference_percent", &mut faults, usual.differences),
        };
        object.finish(&[], &mut faults);
        canary = digest.map(|digest| Canary {
            digest,
            mode,
            share,
            bindings,
            stop,
            started_at: 0,
            started_by: String::new(),
            ended: None,
        });
    }
    faults.finish()?;
    canary.ok_or_else(|| Problem::field("/digest", "expected the digest of a version"))
}

fn share_of(object: &mut Object<'_>, name: &'static str, faults: &mut Faults, usual: u32) -> u32 {
    share(object, name, faults).unwrap_or(usual)
}

/// A number of percent, with up to two places, in ten-thousandths.
fn share(object: &mut Object<'_>, name: &'static str, faults: &mut Faults) -> Option<u32> {
    let value = object.get(name)?;
    let hundredths = value.as_f64().map(|percent| percent * 100.0);
    match hundredths {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10,000")]
        Some(share) if (0.0..=f64::from(PERMYRIAD)).contains(&share) => Some(share.round() as u32),
        _ => {
            faults.add(object.pointer(name), "expected a number of percent, from 0 to 100");
            None
        }
    }
}

fn bindings(object: &mut Object<'_>, faults: &mut Faults) -> Vec<String> {
    let Some(list) = object.list("bindings", BINDINGS_MAX, faults) else { return Vec::new() };
    let is_id = |text: &str| text.starts_with("src_") || text.starts_with("sub_");
    let mut bindings = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        match value.as_str().filter(|text| is_id(text) && text.len() <= 32) {
            Some(text) => bindings.push(text.to_owned()),
            None => faults.add(child("/bindings", &index.to_string()), "expected the id of a source or subscription"),
        }
    }
    bindings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_candidate_is_read_with_its_defaults() {
        let canary = read(&json!({"digest": "AB12"})).unwrap();
        assert_eq!((canary.digest.as_str(), canary.mode, canary.share), ("ab12", CanaryMode::Canary, 500));
        assert_eq!(canary.stop, Stop::default());
        let shadow = read(&json!({"digest": "ab", "mode": "shadow", "difference_percent": 0.5})).unwrap();
        assert_eq!((shadow.share, shadow.stop.differences), (PERMYRIAD, 50));
    }

    #[test]
    fn what_makes_no_sense_is_told_where() {
        let bad = json!({"digest": 1, "mode": "half", "percent": 101, "bindings": ["cus_1"], "calls_min": 0, "x": 1});
        let body = String::from_utf8(read(&bad).unwrap_err().body("r")).unwrap();
        for pointer in ["/digest", "/mode", "/percent", "/bindings/0", "/calls_min", "/x"] {
            assert!(body.contains(pointer), "{pointer} in {body}");
        }
    }
}
