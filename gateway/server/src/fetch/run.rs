//! Which messages are attended to, and when: as they come, and what the store holds besides.

use super::ask::{Asker, Told};
use crate::ingress::{Meters, ParsedAgain, Reopening, resubmit};
use crate::plugins::{ParseResult, Plugins, PluginsBusy};
use crate::problem::chain;
use crate::upkeep::Signals;
use hookwright_core::fetch::{Patience, PendingFetch};
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
    pub(super) meters: Arc<Meters>,
}

/// A message that is to be attended to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) message: MessageId,
    pub(super) source: SourceId,
    /// Whether an operator wants it now, even if the partner did not answer lately.
    pub(super) insists: bool,
}

/// A message that was attended to.
struct Done {
    message: MessageId,
    source: SourceId,
    began_ms: u64,
    came: Came,
}

/// What came of attending to a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    /// The partner answered, and there is another round.
    Again,
    /// The partner answered, whatever it said.
    Answered,
    /// The partner did not answer.
    NoAnswer {
        /// The version of the source that was asked with.
        version: i64,
        /// Whether the message waits, or has been given up.
        waits: bool,
    },
    /// There was nothing to ask, or the store could not be read or written.
    Nothing,
}

/// What is under way.
struct Desk {
    tasks: JoinSet<Done>,
    messages: HashSet<MessageId>,
    of_source: HashMap<SourceId, usize>,
    /// Where the next look goes on.
    after: Option<MessageId>,
    patience: Patience,
    /// Partners that are away, and the version of the source that they were asked with.
    away: HashMap<SourceId, i64>,
    /// What the times of `patience` are measured from, so that a clock that is set has no say.
    began: Instant,
}

pub(super) async fn run(work: Arc<Work>, mut offered: mpsc::Receiver<Offer>, mut shutdown: watch::Receiver<bool>) {
    let mut desk = Desk::new();
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
                Some(offer) if offer.insists => desk.begin(&work, offer.message, offer.source),
                Some(offer) => desk.begin_if_time(&work, offer.message, offer.source),
                None => return,
            },
            Some(done) = desk.tasks.join_next() => match done {
                Ok(done) => {
                    if desk.end(&work, &done) {
                        look_at = Instant::now();
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "a task that asks a partner died");
                    desk = Desk::new();
                }
            }
        }
    }
}

/// Begins what the store holds and nobody attends to.
async fn look(work: &Arc<Work>, desk: &mut Desk) {
    if !work.store.leads() {
        desk.forget();
        return;
    }
    desk.forget_changed(work);
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
            desk.begin_if_time(work, *message, *source);
        }
        // From the beginning next time: those that had no room are the oldest.
        desk.after = if rows.len() < PAGE as usize { None } else { rows.last().map(|(message, _)| *message) };
        if desk.after.is_none() {
            return;
        }
    }
}

impl Desk {
    fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            messages: HashSet::new(),
            of_source: HashMap::new(),
            after: None,
            patience: Patience::default(),
            away: HashMap::new(),
            began: Instant::now(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Begins with a message unless it, or its partner, is to be left alone for now. One that has waited long enough is tried for the last time whatever its
    /// partner does, so that somebody hears of it.
    fn begin_if_time(&mut self, work: &Arc<Work>, message: MessageId, source: SourceId) {
        let under_way = self.of_source.get(&source).copied().unwrap_or(0);
        if self.patience.may_begin(message, source, under_way, self.now_ms()) || is_over(work, message, source) {
            self.begin(work, message, source);
        }
    }

    fn begin(&mut self, work: &Arc<Work>, message: MessageId, source: SourceId) {
        let of_source = self.of_source.entry(source).or_default();
        if self.messages.len() >= UNDER_WAY_MAX || *of_source >= OF_SOURCE_MAX || !self.messages.insert(message) {
            return;
        }
        *of_source += 1;
        let began_ms = self.now_ms();
        let work = Arc::clone(work);
        self.tasks.spawn(async move {
            let came = attend(&work, message).await.unwrap_or_else(|error| {
                tracing::warn!(%message, error = %chain(&error), "a message that needs its partner's answer is tried again later");
                Came::Nothing
            });
            Done { message, source, began_ms, came }
        });
    }

    /// Notes that a message was attended to. Whether others may have become possible by it.
    fn end(&mut self, work: &Arc<Work>, done: &Done) -> bool {
        let Done { message, source, began_ms, came } = *done;
        // There was no room for what may be waiting.
        let was_full =
            self.messages.len() >= UNDER_WAY_MAX || self.of_source.get(&source).is_some_and(|of| *of >= OF_SOURCE_MAX);
        self.messages.remove(&message);
        if let Some(count) = self.of_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.of_source.remove(&source);
            }
        }
        let now_ms = self.now_ms();
        let is_back = match came {
            Came::Nothing => false,
            Came::Again | Came::Answered => {
                self.away.remove(&source);
                self.patience.heard(message, source, now_ms)
            }
            Came::NoAnswer { version, waits } => {
                self.away.insert(source, version);
                if waits {
                    let pause_ms = self.patience.missed(message, source, began_ms, now_ms);
                    tracing::warn!(%message, %source, pause_ms, "a partner does not answer; the message waits");
                } else {
                    self.patience.gave_up(message, source, began_ms, now_ms);
                    tracing::warn!(%message, %source, "a partner does not answer; the message has waited long enough");
                }
                false
            }
        };
        if came == Came::Again {
            self.begin(work, message, source);
        }
        was_full || is_back
    }

    /// Forgets who did not answer. Another node leads and finds out for itself.
    fn forget(&mut self) {
        self.patience = Patience::default();
        self.away.clear();
    }

    /// Forgets who did not answer if an operator has changed how one of them is asked.
    fn forget_changed(&mut self, work: &Work) {
        if self.away.is_empty() {
            return;
        }
        let sources = work.store.sources();
        let is_same =
            |(id, version): (&SourceId, &i64)| sources.iter().any(|it| it.id == *id && it.version == *version);
        if !self.away.iter().all(is_same) {
            self.forget();
        }
    }
}

/// Asks the partner what a message needs, and its plugin what follows from the answers.
async fn attend(work: &Work, id: MessageId) -> Result<Came, StoreError> {
    let Some(message) = work.store.message(id).await? else { return Ok(Came::Nothing) };
    let pending = match &message.parsed {
        Some(Parsed::NeedFetch(pending)) if message.status == MessageStatus::Fetching => pending.clone(),
        _ => return Ok(Came::Nothing),
    };
    let sources = work.store.sources();
    let source = sources.iter().find(|source| source.id == message.raw.source_id).cloned();
    let (asked, slug) = match source.as_deref() {
        Some(source) => (ask(work, source, &message, &pending).await, source.slug.clone()),
        None => {
            (Asked { result: without_source(), is_answered: true, waits: false }, message.raw.source_id.to_string())
        }
    };
    let resume = resubmit(source.as_deref(), &message, asked.result, Reopening::by_itself());
    let answer = work.store.submit(IntakeWork::Resume(Box::new(resume))).await?;
    let Answer::Resumed(Some(received)) = answer else { return Ok(Came::Nothing) };
    tracing::info!(
        message = %id,
        source = slug,
        round = pending.round,
        fetches = pending.fetches.len(),
        status = received.status.as_str(),
        waits = asked.waits,
        "partner asked"
    );
    if let Some(source) = &source {
        work.meters.asked_back(source, asked.is_answered);
    }
    nudge(work, &received);
    Ok(match (asked.is_answered, &source) {
        (false, Some(source)) => Came::NoAnswer { version: source.version, waits: asked.waits },
        _ if received.status == MessageStatus::Fetching => Came::Again,
        _ => Came::Answered,
    })
}

fn without_source() -> ParsedAgain {
    let reason = Reason::new("source_deleted", "the message's source is deleted; its partner cannot be asked");
    ParsedAgain { parsed: Parsed::Failed(reason), plugin_digest: None, logs: Vec::new() }
}

/// What came of asking everything that a message needs.
struct Asked {
    result: ParsedAgain,
    /// Whether the partner answered everything, whatever it said.
    is_answered: bool,
    /// The message waits as it is.
    waits: bool,
}

async fn ask(work: &Work, source: &Source, message: &Message, pending: &PendingFetch) -> Asked {
    let told = work.asker.all(source, pending).await;
    let mut lines = message.logs.clone();
    lines.extend(told.iter().map(|told| told.line.clone()));
    let digest = message.plugin_digest.as_deref();
    let is_answered = !told.iter().any(|told| told.may_pass);
    if !is_answered && may_wait(source, message.raw.received_at, work.asker.clock.now_ms()) {
        lines.push("host: the partner does not answer; it is asked again later".to_owned());
        let parsed = Parsed::NeedFetch(pending.clone());
        let result = ParsedAgain { parsed, plugin_digest: digest.map(str::to_owned), logs: newest(lines) };
        return Asked { result, is_answered, waits: true };
    }
    let failures = failures(&told);
    let answers: Vec<_> = told.into_iter().map(|told| told.answer).collect();
    let result = loop {
        match resumed(work, source, message, digest, pending, &answers).await {
            Ok(result) => break result,
            Err(PluginsBusy) => tokio::time::sleep(BUSY_PAUSE).await,
        }
    };
    lines.extend(result.logs);
    let parsed = match result.parsed {
        Parsed::Failed(reason) if !failures.is_empty() => Parsed::Failed(without_answer(reason, &failures)),
        other => other,
    };
    let result = ParsedAgain { parsed, plugin_digest: result.digest, logs: newest(lines) };
    Asked { result, is_answered, waits: false }
}

/// Whether a message is young enough to wait for a partner that does not answer.
fn may_wait(source: &Source, came_at_ms: i64, now_ms: i64) -> bool {
    let policy = source.fetch.as_ref();
    policy.is_some_and(|policy| now_ms.saturating_sub(came_at_ms) < i64::from(policy.give_up_seconds) * 1_000)
}

/// Whether a message has waited long enough, by its id, which is made when it comes.
fn is_over(work: &Work, message: MessageId, source: SourceId) -> bool {
    let sources = work.store.sources();
    let source = sources.iter().find(|it| it.id == source);
    source.is_none_or(|source| !may_wait(source, message.created_at_ms(), work.asker.clock.now_ms()))
}

/// The newest lines tell the most.
fn newest(mut lines: Vec<String>) -> Vec<String> {
    lines.split_off(lines.len().saturating_sub(LINES_MAX))
}

/// What was answered instead of what was wanted: a status, or why there was none. Each once.
fn failures(told: &[Told]) -> Vec<String> {
    let mut failures: Vec<String> =
        told.iter().filter(|told| !told.is_of_use()).map(|told| told.came.clone()).collect();
    failures.sort_unstable();
    failures.dedup();
    failures
}

/// A plugin that cannot go on without an answer has no fault of its own: whoever looks at the message is told what the partner said.
fn without_answer(reason: Reason, failures: &[String]) -> Reason {
    if reason.code != "plugin_internal" {
        return reason;
    }
    let detail = format!("what the plugin asked the partner for came to: {}", failures.join(", "));
    Reason { code: "fetch_failed".to_owned(), detail, ..reason }
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
