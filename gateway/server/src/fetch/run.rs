//! Which messages are attended to, and when: as they come, and what the store holds besides.

use super::ask::{Asker, Told};
use crate::ingress::{ParsedAgain, Reopening, resubmit};
use crate::plugins::{ParseResult, Plugins, PluginsBusy};
use crate::problem::chain;
use crate::upkeep::Signals;
use hookwright_core::fetch::PendingFetch;
use hookwright_core::id::{MessageId, SourceId};
use hookwright_core::intake::{Answer, Received, Work as IntakeWork};
use hookwright_core::message::{Message, MessageStatus, Parsed, Reason};
use hookwright_core::source::Source;
use hookwright_store::{Store, StoreError};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Messages that are attended to at once.
const UNDER_WAY_MAX: usize = 256;
/// Of them, for one source: a partner that is slow or away keeps no other waiting.
const OF_SOURCE_MAX: usize = 64;
/// Messages that are read together.
const PAGE: u32 = 256;
/// Pages of one look.
const PAGES_MAX: usize = 8;
/// Between two looks, where others may have left something, or this node may have come to lead.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks of a gateway that is alone: a message that cannot be read or written now is tried again then.
const LOOK_ALONE: Duration = Duration::from_secs(5);
/// Before a plugin host that is busy is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// Lines of a message's log about what was asked, over all rounds.
const LINES_MAX: usize = 64;

/// What attending to a message works with.
pub(super) struct Work {
    pub(super) store: Arc<dyn Store>,
    pub(super) plugins: Arc<Plugins>,
    pub(super) asker: Asker,
    pub(super) signals: Arc<Signals>,
}

/// A message that was attended to.
struct Done {
    message: MessageId,
    source: SourceId,
    /// Whether there is another round.
    again: bool,
}

/// What is under way.
#[derive(Default)]
struct Desk {
    tasks: JoinSet<Done>,
    messages: HashSet<MessageId>,
    of_source: HashMap<SourceId, usize>,
    /// Where the next look goes on.
    after: Option<MessageId>,
}

pub(super) async fn run(
    work: Arc<Work>,
    mut offered: mpsc::Receiver<(MessageId, SourceId)>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut desk = Desk::default();
    let every = if work.store.is_shared() { LOOK_EVERY } else { LOOK_ALONE };
    let mut look_at = Instant::now();
    loop {
        tokio::select! {
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => return,
            () = tokio::time::sleep_until(look_at) => {
                look(&work, &mut desk).await;
                look_at = Instant::now() + every;
            }
            offer = offered.recv() => match offer {
                // Another node leads, and looks for itself.
                Some(_) if !work.store.leads() => {}
                Some((message, source)) => desk.begin(&work, message, source),
                None => return,
            },
            Some(done) = desk.tasks.join_next() => {
                let full = desk.messages.len() >= UNDER_WAY_MAX;
                match done {
                    Ok(done) => {
                        let at_bound = full || desk.of_source.get(&done.source) == Some(&OF_SOURCE_MAX);
                        desk.end(&done);
                        if done.again {
                            desk.begin(&work, done.message, done.source);
                        }
                        // There was no room for what may be waiting.
                        if at_bound {
                            look_at = Instant::now();
                        }
                    }
                    Err(error) => {
                        tracing::error!(%error, "a task that asks a partner died");
                        desk = Desk::default();
                    }
                }
            }
        }
    }
}

/// Begins what the store holds and nobody attends to.
async fn look(work: &Arc<Work>, desk: &mut Desk) {
    if !work.store.leads() {
        return;
    }
    for _ in 0..PAGES_MAX {
        if desk.messages.len() >= UNDER_WAY_MAX {
            return;
        }
        let rows = match work.store.fetching(desk.after, PAGE).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "cannot look for messages whose partner is to be asked");
                return;
            }
        };
        for (message, source) in &rows {
            desk.begin(work, *message, *source);
        }
        // From the beginning next time: those that had no room are the oldest.
        desk.after = if rows.len() < PAGE as usize { None } else { rows.last().map(|(message, _)| *message) };
        if desk.after.is_none() {
            return;
        }
    }
}

impl Desk {
    fn begin(&mut self, work: &Arc<Work>, message: MessageId, source: SourceId) {
        let of_source = self.of_source.entry(source).or_default();
        if self.messages.len() >= UNDER_WAY_MAX || *of_source >= OF_SOURCE_MAX || !self.messages.insert(message) {
            return;
        }
        *of_source += 1;
        let work = Arc::clone(work);
        self.tasks.spawn(async move {
            let again = attend(&work, message).await.unwrap_or_else(|error| {
                tracing::warn!(%message, error = %chain(&error), "a message that needs its partner's answer is tried again later");
                false
            });
            Done { message, source, again }
        });
    }

    fn end(&mut self, done: &Done) {
        self.messages.remove(&done.message);
        if let Some(count) = self.of_source.get_mut(&done.source) {
            *count -= 1;
            if *count == 0 {
                self.of_source.remove(&done.source);
            }
        }
    }
}

/// Asks the partner what a message needs, and its plugin what follows from the answers. Whether there is another round.
async fn attend(work: &Work, id: MessageId) -> Result<bool, StoreError> {
    let Some(message) = work.store.message(id).await? else { return Ok(false) };
    let pending = match &message.parsed {
        Some(Parsed::NeedFetch(pending)) if message.status == MessageStatus::Fetching => pending.clone(),
        _ => return Ok(false),
    };
    let sources = work.store.sources();
    let source = sources.iter().find(|source| source.id == message.raw.source_id).cloned();
    let (result, slug) = match source.as_deref() {
        Some(source) => (ask(work, source, &message, &pending).await, source.slug.clone()),
        None => (without_source(), message.raw.source_id.to_string()),
    };
    let resume = resubmit(source.as_deref(), &message, result, Reopening::by_itself());
    let answer = work.store.submit(IntakeWork::Resume(Box::new(resume))).await?;
    let Answer::Resumed(Some(received)) = answer else { return Ok(false) };
    tracing::info!(
        message = %id,
        source = slug,
        round = pending.round,
        fetches = pending.fetches.len(),
        status = received.status.as_str(),
        "partner asked"
    );
    nudge(work, &received);
    Ok(received.status == MessageStatus::Fetching)
}

fn without_source() -> ParsedAgain {
    let reason = Reason::new("source_deleted", "the message's source is deleted; its partner cannot be asked");
    ParsedAgain { parsed: Parsed::Failed(reason), plugin_digest: None, logs: Vec::new() }
}

async fn ask(work: &Work, source: &Source, message: &Message, pending: &PendingFetch) -> ParsedAgain {
    let told = work.asker.all(source, pending).await;
    let mut lines = message.logs.clone();
    lines.extend(told.iter().map(|told| told.line.clone()));
    let answers: Vec<_> = told.into_iter().map(|Told { answer, .. }| answer).collect();
    let digest = message.plugin_digest.as_deref();
    let result = loop {
        match resumed(work, source, message, digest, pending, &answers).await {
            Ok(result) => break result,
            Err(PluginsBusy) => tokio::time::sleep(BUSY_PAUSE).await,
        }
    };
    lines.extend(result.logs);
    // The newest tell the most.
    let logs = lines.split_off(lines.len().saturating_sub(LINES_MAX));
    ParsedAgain { parsed: result.parsed, plugin_digest: result.digest, logs }
}

/// What the plugin makes of the answers. Another version than the one that wanted them begins anew.
async fn resumed(
    work: &Work,
    source: &Source,
    message: &Message,
    digest: Option<&str>,
    pending: &PendingFetch,
    answers: &[hookwright_plugin_host::inbound::FetchAnswer],
) -> Result<ParseResult, PluginsBusy> {
    let answered = work.plugins.resume(source, message.id, &message.raw, digest, pending, answers.to_vec()).await?;
    match answered {
        Some(result) => Ok(result),
        None => work.plugins.parse(source, message.id, &message.raw).await,
    }
}

/// What a message did may be what a background task waits for.
fn nudge(work: &Work, received: &Received) {
    if received.status == MessageStatus::Processed {
        work.signals.message_processed();
    }
}
