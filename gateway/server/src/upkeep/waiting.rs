//! Messages that waited for a customer who is known by now.

use super::{ChoreError, Parts};
use crate::ingress::{ParsedAgain, Reopening, reopen, resubmit};
use futures_util::future::try_join_all;
use hookwright_core::id::MessageId;
use hookwright_core::intake::{Answer, Resume, Work};
use hookwright_core::message::{Message, Parsed, Reason};
use std::time::Duration;

/// Messages that are submitted together, in their order; a store commits them as one group.
const BATCH: u32 = 64;
/// Between two looks without a nudge.
const LOOK_EVERY: Duration = Duration::from_mins(1);

pub(super) async fn round(parts: &Parts) -> Result<Duration, ChoreError> {
    let mut before: Vec<MessageId> = Vec::new();
    loop {
        let ids = parts.store.resumable(BATCH).await?;
        if ids.is_empty() {
            return Ok(LOOK_EVERY);
        }
        if ids == before {
            return Err(ChoreError::Stuck);
        }
        let mut works = Vec::with_capacity(ids.len());
        for id in &ids {
            if let Some(message) = parts.store.message(*id).await? {
                works.push(resume(parts, message).await?);
            }
        }
        submit(parts, works).await?;
        before = ids;
    }
}

async fn resume(parts: &Parts, message: Message) -> Result<Resume, ChoreError> {
    let sources = parts.store.sources();
    let source = sources.iter().find(|source| source.id == message.raw.source_id);
    match source {
        Some(source) => Ok(reopen(&parts.plugins, source, message, Reopening::by_itself()).await?),
        None => Ok(without_source(&message)),
    }
}

/// A message whose source was deleted was accepted all the same; what its plugin found is on record.
fn without_source(message: &Message) -> Resume {
    let parsed = message.parsed.clone().unwrap_or_else(|| {
        Parsed::Failed(Reason::new("source_deleted", "the message's source is deleted; nothing can parse it"))
    });
    let again = ParsedAgain { parsed, plugin_digest: message.plugin_digest.clone(), logs: message.logs.clone() };
    resubmit(None, message, again, Reopening::by_itself())
}

/// Submits a batch in its order and waits for all of it.
pub(super) async fn submit(parts: &Parts, works: Vec<Resume>) -> Result<(), ChoreError> {
    let submitted = works.into_iter().map(|resume| parts.store.submit(Work::Resume(Box::new(resume))));
    let answers = try_join_all(submitted).await?;
    for answer in answers {
        if let Answer::Resumed(Some(received)) = answer {
            tracing::info!(message = %received.message_id, status = received.status.as_str(), "message taken up again");
        }
    }
    Ok(())
}
