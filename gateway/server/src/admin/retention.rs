//! `/admin/retention`: how long records are kept, how old the oldest is, and what was removed.

use super::answer;
use crate::app::App;
use crate::config::format_keep;
use crate::problem::Problem;
use crate::upkeep::Run;
use axum::extract::State;
use axum::response::Response;
use hookwright_core::timestamp::format_ms;
use hookwright_store::{AuditAnchor, RecordKind, Stock};
use serde::Serialize;

/// Records that are still to go are counted up to this many.
const COUNT_MAX: u32 = 10_000;

#[derive(Serialize)]
struct Shown {
    data: Vec<Kept>,
    /// Where the audit begins, if something was removed from its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_anchor: Option<Anchor>,
}

#[derive(Serialize)]
struct Anchor {
    id: String,
    hash: String,
}

#[derive(Serialize)]
struct Kept {
    kind: &'static str,
    keep: String,
    oldest_at: Option<String>,
    /// Records past their time; `at_least` where there are more than are counted.
    to_go: u32,
    to_go_at_least: bool,
    last_run: Option<LastRun>,
}

#[derive(Serialize)]
struct LastRun {
    state: &'static str,
    started_at: String,
    finished_at: Option<String>,
    before: String,
    removed: u64,
    rows: u64,
}

impl From<Run> for LastRun {
    fn from(run: Run) -> Self {
        let state = match (run.finished_at, run.interrupted) {
            (Some(_), _) => "finished",
            (None, true) => "interrupted",
            (None, false) => "running",
        };
        Self {
            state,
            started_at: format_ms(run.started_at),
            finished_at: run.finished_at.map(format_ms),
            before: format_ms(run.before_ms),
            removed: run.removed,
            rows: run.rows,
        }
    }
}

/// `GET /admin/retention`.
pub async fn show(State(app): State<App>) -> Result<Response, Problem> {
    let mut data = Vec::with_capacity(RecordKind::ALL.len());
    for kind in RecordKind::ALL {
        data.push(kind_of(&app, kind).await?);
    }
    let anchor = app.store.audit_anchor().await?;
    let audit_anchor = anchor.map(|AuditAnchor { id, hash }| Anchor { id: id.to_string(), hash: hex::encode(hash) });
    answer::ok(&Shown { data, audit_anchor })
}

async fn kind_of(app: &App, kind: RecordKind) -> Result<Kept, Problem> {
    let retention = app.upkeep.retention();
    let run = retention.progress.run(kind);
    // A run under way has looked at what lies behind it; what it left there stays for another reason than its age.
    let after = run.filter(|run| run.finished_at.is_none()).map_or(0, |run| run.after);
    let before_ms = retention.before_ms(kind, app.clock.now_ms()).unwrap_or(i64::MIN);
    let Stock { oldest_ms, expired } = app.store.stock(kind, before_ms, after, COUNT_MAX).await?;
    Ok(Kept {
        kind: kind.as_str(),
        keep: format_keep(retention.config.of(kind)),
        oldest_at: oldest_ms.map(format_ms),
        to_go: expired,
        to_go_at_least: expired == COUNT_MAX,
        last_run: run.map(LastRun::from),
    })
}
