//! What the tasks tell the engine.

use super::board::PageWanted;
use super::lane::{Reply, Settled};
use hookwright_core::delivery::Pending;
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EventId, SubscriptionId};
use hookwright_store::FailingSince;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// What a task tells the engine.
#[derive(Debug)]
pub(super) enum Notice {
    /// An exchange is over, and its record is on its way to the store.
    Answered {
        /// To whom.
        subscription: SubscriptionId,
        /// Which delivery.
        delivery: DeliveryId,
        /// What it says about the subscriber.
        reply: Reply,
    },
    /// What became of a delivery is on record, or never will be.
    Settled {
        /// The delivery as it was before.
        pending: Pending,
        /// What became of it.
        settled: Settled,
    },
    /// A page of a subscription's deliveries was read, or could not be.
    Page(PageWanted, Option<Vec<Pending>>),
    /// A page of the whole table was read, or could not be.
    Scanned(Option<Vec<Pending>>),
    /// What is on record of subscriptions that do nothing but fail was read, for those that appeared here.
    Failing {
        /// Which appeared.
        gained: Vec<SubscriptionId>,
        /// All of which that is on record.
        failing: Vec<FailingSince>,
    },
    /// Events were loaded, or could not be.
    Loaded {
        /// For this subscription.
        subscription: SubscriptionId,
        /// What was asked for.
        asked: Vec<EventId>,
        /// What was found.
        events: Option<Vec<Arc<Event>>>,
    },
}

/// Where notices go. It is not bounded itself: each task that holds one sends two notices at most, and the board bounds the tasks.
pub(super) type Notices = UnboundedSender<Notice>;

/// A task's word for its delivery: however the task ends, by a panic or by being aborted too, the engine hears of it.
pub(super) struct Ticket {
    notices: Notices,
    pending: Option<Pending>,
    in_flight: bool,
}

impl Ticket {
    /// For a delivery whose exchange begins now.
    pub(super) fn in_flight(notices: Notices, pending: Pending) -> Self {
        Self { notices, pending: Some(pending), in_flight: true }
    }

    /// For a delivery that ends without an exchange.
    pub(super) fn without_exchange(notices: Notices, pending: Pending) -> Self {
        Self { notices, pending: Some(pending), in_flight: false }
    }

    /// Tells that the exchange is over: another one may begin while this one's record is on its way to the store.
    pub(super) fn answered(&mut self, reply: Reply) {
        if let Some(pending) = &self.pending
            && std::mem::take(&mut self.in_flight)
        {
            let (subscription, delivery) = (pending.subscription_id, pending.id);
            self.tell(Notice::Answered { subscription, delivery, reply });
        }
    }

    /// Tells what became of the delivery.
    pub(super) fn settled(mut self, settled: Settled) {
        self.end(settled);
    }

    fn end(&mut self, settled: Settled) {
        self.answered(Reply::Other);
        if let Some(pending) = self.pending.take() {
            self.tell(Notice::Settled { pending, settled });
        }
    }

    fn tell(&self, notice: Notice) {
        // Nobody listens once the engine has ended: then nothing is left to be told either.
        let _ = self.notices.send(notice);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end(Settled::Lost);
    }
}
