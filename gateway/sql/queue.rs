//! The way to a writer: bounded in entries and in bytes.

use hookwright_core::intake::Work;
use hookwright_core::message::RawMessage;
use hookwright_store::StoreError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, oneshot};

/// How much may wait for a writer before new work is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueBounds {
    /// Pieces of work.
    pub entries: usize,
    /// Their bodies' bytes together.
    pub bytes: usize,
}

impl Default for QueueBounds {
    fn default() -> Self {
        Self { entries: 8_192, bytes: 64 * 1024 * 1024 }
    }
}

/// Where an answer goes. Nobody may be there any more; the work was done all the same.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What carries content whose bytes count.
pub(crate) trait Weighed {
    /// About how many bytes of content it carries.
    fn weight(&self) -> usize;
}

/// The senders' end.
pub(crate) struct Queue<C> {
    pub(crate) sender: mpsc::Sender<C>,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

/// The writer's end.
pub(crate) struct Inbox<C> {
    pub(crate) receiver: mpsc::Receiver<C>,
    bytes: Arc<AtomicUsize>,
}

/// Both ends of a new queue.
pub(crate) fn queue<C: Weighed>(bounds: QueueBounds) -> (Queue<C>, Inbox<C>) {
    let (sender, receiver) = mpsc::channel(bounds.entries.max(1));
    let bytes = Arc::new(AtomicUsize::new(0));
    let queue = Queue { sender, bytes: Arc::clone(&bytes), bytes_max: bounds.bytes };
    (queue, Inbox { receiver, bytes })
}

impl<C: Weighed> Queue<C> {
    /// Puts work in, or says at once that there is no room: its sender can come again, and must not pile up here.
    pub(crate) fn offer(&self, command: C) -> Result<(), StoreError> {
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
    pub(crate) async fn put(&self, command: C) -> Result<(), StoreError> {
        let weight = command.weight();
        self.bytes.fetch_add(weight, Ordering::Relaxed);
        self.sender.send(command).await.map_err(|_| {
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            StoreError::Closed
        })
    }
}

impl<C: Weighed> Inbox<C> {
    /// The next command if it is there already.
    pub(crate) fn next_now(&mut self) -> Option<C> {
        let command = self.receiver.try_recv().ok()?;
        Some(self.taken(command))
    }

    /// Notes that a command was taken out.
    pub(crate) fn taken(&self, command: C) -> C {
        self.bytes.fetch_sub(command.weight(), Ordering::Relaxed);
        command
    }
}

/// About how many bytes of content a piece of work carries.
pub(crate) fn work_weight(work: &Work) -> usize {
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

    impl Weighed for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    #[test]
    fn it_holds_so_many_entries() {
        let (queue, mut inbox) = queue(QueueBounds { entries: 4, bytes: 1_000 });
        let taken = (0..10).filter(|_| queue.offer(1).is_ok()).count();
        assert_eq!(taken, 4);
        assert!(matches!(queue.offer(1), Err(StoreError::Busy)));
        inbox.next_now().unwrap();
        queue.offer(1).unwrap();
    }

    #[test]
    fn it_holds_so_many_bytes_and_one_more_command() {
        let (queue, mut inbox) = queue(QueueBounds { entries: 100, bytes: 1_000 });
        // What is held when a command comes decides, so that one which is larger than the bound is still taken.
        let taken = (0..10).filter(|_| queue.offer(900).is_ok()).count();
        assert_eq!(taken, 2);
        while inbox.next_now().is_some() {}
        queue.offer(5_000).unwrap();
        assert!(matches!(queue.offer(1), Err(StoreError::Busy)));
    }

    #[test]
    fn nothing_is_taken_for_a_writer_that_is_gone() {
        let (queue, inbox) = queue(QueueBounds::default());
        drop(inbox);
        assert!(matches!(queue.offer(1), Err(StoreError::Closed)));
    }
}
