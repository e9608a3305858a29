//! The way to the writer: bounded in entries and in bytes.

use crate::config::QueueBounds;
use crate::desk::Job;
use crate::finish::Ending;
use hookwright_core::audit::AuditDraft;
use hookwright_core::intake::{Answer, Work};
use hookwright_core::message::RawMessage;
use hookwright_store::{Finished, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Where an answer goes. Nobody may be there any more; the work was done all the same.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
pub(crate) enum Command {
    /// Plan a piece of work and commit what follows.
    Intake(Work, Reply<Answer>),
    /// Record an attempt and move its delivery on, or end a delivery without an attempt.
    Finish(Ending, Reply<Finished>),
    /// Record something that changed nothing.
    Record(Box<AuditDraft>, Reply<()>),
    /// A change with a transaction of its own.
    Alone(Job),
    /// Write everything that is queued before this, and end.
    Close,
}

/// The senders' end.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Command>,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

/// The writer's end.
pub(crate) struct Inbox {
    receiver: mpsc::Receiver<Command>,
    bytes: Arc<AtomicUsize>,
}

/// Both ends of a new queue.
pub(crate) fn queue(bounds: QueueBounds) -> (Queue, Inbox) {
    let (sender, receiver) = mpsc::channel(bounds.entries.max(1));
    let bytes = Arc::new(AtomicUsize::new(0));
    let queue = Queue { sender, bytes: Arc::clone(&bytes), bytes_max: bounds.bytes };
    (queue, Inbox { receiver, bytes })
}

impl Queue {
    /// Puts work in, or says at once that there is no room: its sender can come again, and must not pile up here.
    pub(crate) fn offer(&self, command: Command) -> Result<(), StoreError> {
        let weight = command.weight();
        if self.bytes.fetch_add(weight, Ordering::Relaxed) > self.bytes_max {
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            return Err(StoreError::Busy);
        }
        self.sender.try_send(command).map_err(|error| {
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Busy,
                mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
            }
        })
    }

    /// Puts in what the gateway itself must get done, waiting for room.
    pub(crate) async fn put(&self, command: Command) -> Result<(), StoreError> {
        let weight = command.weight();
        self.bytes.fetch_add(weight, Ordering::Relaxed);
        self.sender.send(command).await.map_err(|_| {
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            StoreError::Closed
        })
    }

    /// Whether the writer is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Inbox {
    /// Waits for the next command, on a thread that may wait; `None` when nobody can send any more.
    pub(crate) fn next(&mut self) -> Option<Command> {
        let command = self.receiver.blocking_recv()?;
        Some(self.taken(command))
    }

    /// The next command if it is there already.
    pub(crate) fn next_now(&mut self) -> Option<Command> {
        let command = self.receiver.try_recv().ok()?;
        Some(self.taken(command))
    }

    fn taken(&self, command: Command) -> Command {
        self.bytes.fetch_sub(command.weight(), Ordering::Relaxed);
        command
    }
}

impl Command {
    /// About how many bytes of content it carries.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Intake(work, _) => work_weight(work),
            Self::Finish(Ending::Attempt(_, exchange), _) => exchange.len(),
            Self::Finish(Ending::Abandoned(_), _) | Self::Record(..) | Self::Alone(_) | Self::Close => 0,
        }
    }
}

fn work_weight(work: &Work) -> usize {
    match work {
        Work::Receive(receive) => raw_weight(&receive.raw),
        Work::Publish(publish) => publish.events.iter().map(|event| event.draft.data.len()).sum(),
        Work::Resume(_) | Work::PutCustomer(_) | Work::Expire(_) => 0,
    }
}

fn raw_weight(raw: &RawMessage) -> usize {
    raw.body.len() + raw.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_core::event::EventDraft;
    use hookwright_core::intake::{Publication, Publish};
    use hookwright_core::pattern::EventType;

    fn publishing(bytes: usize) -> Command {
        let draft = EventDraft {
            event_type: EventType::try_new("a.b".to_owned()).unwrap(),
            data: "x".repeat(bytes).into(),
            ordering_key: None,
        };
        let events = vec![Publication { draft, customer: None, claim: None, only: None }];
        let publish = Publish { events, as_list: false, claim: None, origin: String::new(), request_id: None };
        Command::Intake(Work::Publish(Box::new(publish)), oneshot::channel().0)
    }

    #[test]
    fn it_holds_so_many_entries() {
        let (queue, mut inbox) = queue(QueueBounds { entries: 4, bytes: 1_000 });
        let taken = (0..10).filter(|_| queue.offer(publishing(1)).is_ok()).count();
        assert_eq!(taken, 4);
        assert!(matches!(queue.offer(publishing(1)), Err(StoreError::Busy)));
        inbox.next_now().unwrap();
        queue.offer(publishing(1)).unwrap();
    }

    #[test]
    fn it_holds_so_many_bytes_and_one_more_command() {
        let (queue, mut inbox) = queue(QueueBounds { entries: 100, bytes: 1_000 });
        // What is held when a command comes decides, so that one which is larger than the bound is still taken.
        let taken = (0..10).filter(|_| queue.offer(publishing(900)).is_ok()).count();
        assert_eq!(taken, 2);
        while inbox.next_now().is_some() {}
        queue.offer(publishing(5_000)).unwrap();
        assert!(matches!(queue.offer(publishing(1)), Err(StoreError::Busy)));
    }

    #[test]
    fn nothing_is_taken_for_a_writer_that_is_gone() {
        let (queue, inbox) = queue(QueueBounds::default());
        drop(inbox);
        assert!(matches!(queue.offer(publishing(1)), Err(StoreError::Closed)));
    }
}
