//! Deliveries that keep an order: for each key the one whose turn it is, and those behind it, in the order of their ids.

use hookwright_core::delivery::Pending;
use hookwright_core::id::DeliveryId;
use std::collections::{HashMap, VecDeque};

#[derive(Debug)]
struct Line {
    /// Ready, waiting for its time, or under way.
    head: DeliveryId,
    behind: VecDeque<Pending>,
}

/// The lines of one subscription.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: HashMap<i64, Line>,
    behind: usize,
}

impl Lines {
    /// Deliveries that wait for another.
    pub(super) const fn behind(&self) -> usize {
        self.behind
    }

    /// Whether a delivery would have to wait for another.
    pub(super) fn has(&self, order: i64) -> bool {
        self.lines.contains_key(&order)
    }

    /// Whether it is this delivery's turn.
    pub(super) fn is_head(&self, order: i64, id: DeliveryId) -> bool {
        self.lines.get(&order).is_some_and(|line| line.head == id)
    }

    /// Puts a delivery that found no line at the head of a new one.
    pub(super) fn begin(&mut self, order: i64, id: DeliveryId) {
        self.lines.insert(order, Line { head: id, behind: VecDeque::new() });
    }

    /// Puts a delivery behind those that came before it. One that an operator brought back may be older than they are.
    pub(super) fn join(&mut self, order: i64, pending: Pending) {
        let Some(line) = self.lines.get_mut(&order) else { return };
        let at = line.behind.partition_point(|other| other.id < pending.id);
        line.behind.insert(at, pending);
        self.behind += 1;
    }

    /// The head is gone: the next one's turn has come.
    pub(super) fn advance(&mut self, order: i64) -> Option<Pending> {
        let line = self.lines.get_mut(&order)?;
        if let Some(next) = line.behind.pop_front() {
            line.head = next.id;
            self.behind -= 1;
            return Some(next);
        }
        self.lines.remove(&order);
        None
    }

    /// A delivery that waits for another.
    pub(super) fn find(&mut self, order: i64, id: DeliveryId) -> Option<&mut Pending> {
        self.lines.get_mut(&order)?.behind.iter_mut().find(|pending| pending.id == id)
    }

    /// Lets go of those that wait, and of the lines whose head is not `under_way`.
    pub(super) fn let_go(&mut self, under_way: impl Fn(DeliveryId) -> bool) -> Vec<Pending> {
        let gone = self.lines.values_mut().flat_map(|line| line.behind.drain(..)).collect();
        self.behind = 0;
        self.lines.retain(|_, line| under_way(line.head));
        gone
    }
}
