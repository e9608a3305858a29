//! One delivery's way: transform, envelope, signature, exchange, decision, record.

use super::client::{Client, Exchange};
use super::decide::{DEAD_LETTER, Decision, Defaults, Ending, Moment, Rules, decide, expires_at, over};
use super::endpoint::Endpoint;
use super::lane::Settled;
use super::notice::Ticket;
use super::outgoing::{Outgoing, Shaped};
use super::report::Report;
use super::transform::{Reshaped, reshape};
use crate::chance;
use crate::plugins::Plugins;
use crate::problem::chain;
use hookwright_core::delivery::{AttemptError, Next, Pending};
use hookwright_core::delivery_options::{HeadPolicy, Ordering as Order};
use hookwright_core::envelope;
use hookwright_core::event::Event;
use hookwright_core::id::{AttemptId, DeliveryId};
use hookwright_core::retry::{Schedule, parse_retry_after};
use hookwright_core::subscription::{OnError, Subscription};
use hookwright_store::{Clock, Finished, Store, StoreError};
use http::header::RETRY_AFTER;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// The first pause after a store refused a record; each one after it is twice as long.
pub(super) const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A store that fails is complained of once in so many milliseconds.
const COMPLAINT_MS: i64 = 1_000;

/// What every exchange needs.
pub(super) struct Courier {
    /// Where records go.
    pub(super) store: Arc<dyn Store>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// The plugins that reshape deliveries.
    pub(super) plugins: Arc<Plugins>,
    /// The HTTP client.
    pub(super) client: Client,
    /// How far apart attempts are.
    pub(super) schedule: Schedule,
    /// What holds for a subscription that does not say.
    pub(super) defaults: Defaults,
    /// When a store's failure was last complained of, unix milliseconds.
    pub(super) complained_at: AtomicI64,
    /// Told when a notice to operators was left in the store.
    pub(super) noticed: Arc<Notify>,
}

/// An attempt that has begun.
struct Begun<'a> {
    endpoint: &'a Endpoint,
    pending: &'a Pending,
    id: AttemptId,
    started_at: i64,
    since: Instant,
    plugin_digest: Option<String>,
    logs: Vec<String>,
}

impl Courier {
    /// Makes one attempt and sees to its record.
    pub(super) async fn deliver(
        &self,
        endpoint: Arc<Endpoint>,
        pending: Pending,
        event: Arc<Event>,
        id: AttemptId,
        mut ticket: Ticket,
    ) {
        if let Some(reason) = over(&pending, endpoint.subscription(), &self.defaults, self.clock.now_ms()) {
            ticket.settled(self.abandon(pending.id, reason).await);
            return;
        }
        let begun = Begun {
            endpoint: &endpoint,
            pending: &pending,
            id,
            started_at: self.clock.now_ms(),
            since: Instant::now(),
            plugin_digest: None,
            logs: Vec::new(),
        };
        let report = Box::new(self.attempt(begun, &event).await);
        drop(event);
        // The slot is free as soon as the subscriber has answered; the record takes a disk's time more.
        ticket.answered(report.reply());
        ticket.settled(self.record(&report, &pending).await);
    }

    async fn attempt(&self, mut begun: Begun<'_>, event: &Event) -> Report {
        let body = envelope::build(event, begun.pending.subscription_id);
        let Some(binding) = &begun.endpoint.subscription().transform else {
            let shaped = Shaped::envelope(begun.endpoint, body);
            return self.send(begun, shaped).await;
        };
        // Its future is large, and most deliveries have no transform.
        let call =
            reshape(&self.plugins, begun.endpoint.subscription(), binding, event, begun.pending, begun.started_at);
        let reshaped = Box::pin(call).await;
        begun.plugin_digest = reshaped.digest;
        begun.logs = reshaped.logs;
        match reshaped.outcome {
            Reshaped::Send(shaped) => self.send(begun, shaped).await,
            Reshaped::Skip(reason) => self.end(begun, None, Exchange::default(), Some(reason), Ending::Skipped),
            Reshaped::Failed { error, .. } if binding.on_error == OnError::PassThrough => {
                begun
                    .logs
                    .push(format!("hookwright: the transform failed ({}); the envelope was sent as it is", error.kind));
                let shaped = Shaped::envelope(begun.endpoint, body);
                self.send(begun, shaped).await
            }
            Reshaped::Failed { error, permanent } => {
                let ending = Ending::PluginFailed { on_error: binding.on_error, permanent };
                self.end(begun, None, Exchange::default(), Some(error), ending)
            }
        }
    }

    async fn send(&self, begun: Begun<'_>, shaped: Shaped) -> Report {
        let endpoint = begun.endpoint;
        let outgoing = Outgoing::sign(endpoint, begun.pending.event_id, shaped, self.clock.now_ms());
        let exchange = match endpoint.peer() {
            Ok(peer) => self.client.exchange(peer, || outgoing.request(), endpoint.timeout()).await,
            Err(failure) => Exchange { failure: Some(failure.clone()), ..Exchange::default() },
        };
        let ending = match (exchange.status, &exchange.failure) {
            (Some(status), None) => {
                let asked = exchange.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let now_ms = self.clock.now_ms();
                Ending::Answered { status, retry_after_ms: asked.and_then(|value| parse_retry_after(value, now_ms)) }
            }
            _ => Ending::Broken,
        };
        self.end(begun, Some(outgoing), exchange, None, ending)
    }

    fn end(
        &self,
        begun: Begun<'_>,
        outgoing: Option<Outgoing>,
        exchange: Exchange,
        error: Option<AttemptError>,
        ending: Ending,
    ) -> Report {
        let subscription = begun.endpoint.subscription();
        let rules = Rules {
            policy: subscription.retry_policy,
            max_retries: subscription.max_retries,
            schedule: &self.schedule,
            permanent_statuses: self.defaults.permanent_statuses(&subscription.options),
            expires_at: expires_at(begun.pending, &subscription.options, &self.defaults),
        };
        let moment = Moment {
            budget_used: begun.pending.budget_used().saturating_add(1),
            now_ms: self.clock.now_ms(),
            jitter_unit: chance::unit(),
        };
        Report {
            id: begun.id,
            started_at: begun.started_at,
            duration_ms: u32::try_from(begun.since.elapsed().as_millis()).unwrap_or(u32::MAX),
            outgoing,
            exchange,
            error,
            plugin_digest: begun.plugin_digest,
            logs: begun.logs,
            decision: held_up(decide(ending, rules, moment), begun.pending, subscription),
        }
    }

    /// Asks the store to record an attempt until it does: what was sent and answered must not be forgotten while this process lives.
    async fn record(&self, report: &Report, pending: &Pending) -> Settled {
        let mut pause = PAUSE_FIRST;
        loop {
            match self.store.finish(report.finish(pending)).await {
                Ok(Finished::Applied) => {
                    if report.decision.disable.is_some() {
                        self.noticed.notify_one();
                    }
                    return report.settled();
                }
                // Someone else moved it on: an operator's retry, or the subscription's deletion.
                Ok(Finished::Stale) => return Settled::Stale,
                Err(StoreError::Closed) => return Settled::Done,
                Err(error) => self.pause("recording an attempt failed", &error, &mut pause).await,
            }
        }
    }

    /// Ends a delivery without an attempt.
    pub(super) async fn abandon(&self, id: DeliveryId, reason: &str) -> Settled {
        let mut pause = PAUSE_FIRST;
        loop {
            match self.store.abandon(id, reason.to_owned()).await {
                Ok(_) | Err(StoreError::Closed) => return Settled::Done,
                Err(error) => self.pause("ending a delivery failed", &error, &mut pause).await,
            }
        }
    }

    /// Waits before something is tried again, ever longer.
    pub(super) async fn pause(&self, what: &str, error: &StoreError, pause: &mut Duration) {
        self.complain(what, error);
        sleep(*pause).await;
        *pause = (*pause * 2).min(PAUSE_MAX);
    }

    /// Says that the store failed, once for all that it fails at the moment.
    pub(super) fn complain(&self, what: &str, error: &StoreError) {
        let now_ms = self.clock.now_ms();
        let before = self.complained_at.swap(now_ms, Ordering::Relaxed);
        if now_ms.saturating_sub(before) >= COMPLAINT_MS || now_ms < before {
            tracing::warn!(error = %chain(error), "{what}; trying again");
        } else {
            self.complained_at.store(before, Ordering::Relaxed);
        }
    }
}

/// A delivery that holds up its line ends after as many failures as the subscription lets it: those behind it go on, and an operator looks at it.
fn held_up(decision: Decision, pending: &Pending, subscription: &Subscription) -> Decision {
    let (options, used) = (&subscription.options, pending.budget_used().saturating_add(1));
    let keeps_order = options.ordering == Order::Key && pending.order.is_some();
    let is_over = options.head_of_line.policy == HeadPolicy::DeadLetter && used >= options.head_of_line.attempts;
    match decision.next {
        Next::Retry { .. } if keeps_order && is_over => {
            Decision { next: Next::Failed { reason: DEAD_LETTER.to_owned() }, ..decision }
        }
        _ => decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of<F, T>(_: F) -> usize
    where
        F: FnOnce(&'static Courier, Arc<Endpoint>, Pending, Arc<Event>, AttemptId, Ticket) -> T,
    {
        size_of::<T>()
    }

    #[test]
    fn an_exchange_s_task_stays_small() {
        let bytes = bytes_of(Courier::deliver);
        assert!(bytes < 4_096, "{bytes} bytes are allocated for every delivery");
    }
}
