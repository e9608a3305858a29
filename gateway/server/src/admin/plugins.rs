//! `/admin/plugins`: the plugins, their versions, and which of them serves.

mod canary;
mod moves;
mod push;
mod record;
mod reprocess;
mod show;
mod trial;

pub use canary::{begin as begin_canary, end as end_canary, show as show_canary};
pub use moves::{activate, patch, rollback};
pub use push::push;
pub use record::record;
pub use reprocess::reprocess;
pub use show::{get, history, list, version, versions};
pub use trial::try_version;

use crate::admin::etag;
use crate::app::App;
use crate::plugins::{MoveError, PushError};
use crate::problem::{Problem, chain};
use hookwright_core::plugin::PluginRecord;
use hookwright_core::plugin::moves::MoveRefused;
use http::StatusCode;

/// A plugin's record, or 404.
async fn find(app: &App, name: &str) -> Result<PluginRecord, Problem> {
    app.plugins.record(name).await?.ok_or_else(|| Problem::not_found("plugin"))
}

fn not_moved(error: MoveError) -> Problem {
    match error {
        MoveError::NotFound => Problem::not_found("plugin"),
        MoveError::Refused(refused) => refused_move(refused),
        MoveError::Unfit(error) => not_pushed(error),
        MoveError::Stale => etag::stale(),
        MoveError::Store(error) => error.into(),
        MoveError::Answer(problem) => problem,
    }
}

fn refused_move(refused: MoveRefused) -> Problem {
    let code = match refused {
        MoveRefused::UnknownVersion => "unknown_version",
        MoveRefused::Quarantined => "version_quarantined",
        MoveRefused::NothingBefore => "nothing_to_roll_back_to",
        MoveRefused::CandidateServes => "candidate_serves",
        MoveRefused::NothingServes => "nothing_serves",
        MoveRefused::NoCanary => "no_canary",
    };
    Problem::new(StatusCode::CONFLICT, code, refused.to_string())
}

fn not_pushed(error: PushError) -> Problem {
    let (detail, faults) = (chain(&error), error.faults());
    let unfit = |code: &'static str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail.clone());
    match error {
        PushError::Name => Problem::field("{name}", detail),
        PushError::Load(_) => unfit("plugin_refused"),
        PushError::Fixtures { .. } => unfit("fixtures_failed").errors(faults),
        PushError::OtherWorld { .. } => Problem::new(StatusCode::CONFLICT, "plugin_world", detail),
        PushError::Refused(refused) => refused_move(refused),
        PushError::Store(error) => error.into(),
        PushError::Stale => etag::stale(),
        PushError::Interrupted => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the gateway is stopping").retry_after(5)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_that_the_end_interrupts_may_be_repeated() {
        let problem = not_pushed(PushError::Interrupted);
        insta::assert_snapshot!(String::from_utf8(problem.body("req_1")).unwrap());
    }
}
