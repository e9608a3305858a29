//! One instance: the store that it lives in, and its exports once its start code has run. It serves one call, or, where a
//! binding allows it, some calls one after the other: each with limits, a log, a clock and randomness of its own.

use wasmtime::{Engine, Store, UpdateDeadline};

use crate::guest::Guest;
use crate::limits::{CallLimits, epochs_in};
use crate::linked::{Exports, Linked};
use crate::wasi::Circumstances;

/// An instance and what it has done.
pub(crate) struct Instance {
    store: Store<Guest>,
    /// `None` until its first call.
    exports: Option<Exports>,
    /// Calls that it has served or is serving.
    calls: u32,
}

impl Instance {
    /// A fresh one, for a call with these limits. The guest's own code has not run yet.
    pub(crate) fn new(engine: &Engine, circumstances: Circumstances, limits: &CallLimits) -> Self {
        let mut store = Store::new(engine, Guest::new(circumstances, limits));
        store.limiter(Guest::meter);
        store.epoch_deadline_callback(|store| {
            let left = store.data().time_left();
            // Ticks that came late come together, so epochs alone could end a call before its time.
            Ok(if left.is_zero() { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(epochs_in(left)) })
        });
        arm(&mut store, limits);
        Self { store, exports: None, calls: 1 }
    }

    /// The same instance for another call. What the guest has in its memory stays; all that the host gave it is new.
    pub(crate) fn renew(&mut self, circumstances: Circumstances, limits: &CallLimits) {
        self.store.data_mut().renew(circumstances, limits);
        arm(&mut self.store, limits);
        self.calls += 1;
    }

    /// Runs the guest's start code unless it has run, and gives what calls need.
    pub(crate) async fn start(&mut self, linked: &Linked) -> wasmtime::Result<(&mut Store<Guest>, &Exports)> {
        let exports = match &mut self.exports {
            Some(exports) => exports,
            none => none.insert(linked.instantiate(&mut self.store).await?),
        };
        Ok((&mut self.store, exports))
    }

    /// Makes an instance of a component that is no version yet, and checks its exports.
    pub(crate) async fn check(&mut self, linked: &Linked) -> wasmtime::Result<()> {
        linked.check(&mut self.store).await
    }

    /// Calls that it served before the present one.
    pub(crate) fn calls_before(&self) -> u32 {
        self.calls - 1
    }

    pub(crate) fn guest(&self) -> &Guest {
        self.store.data()
    }

    /// Whether it may go on to another call after one with these limits that went well. One that has filled half of its
    /// memory is let go before it runs out in the middle of a call.
    pub(crate) fn may_serve_again(&self, limits: &CallLimits) -> bool {
        !self.is_spent(limits) && self.fits(limits)
    }

    /// Whether it has served as many calls as these limits allow.
    pub(crate) fn is_spent(&self, limits: &CallLimits) -> bool {
        self.calls >= limits.reuse
    }

    /// Whether its memory leaves room for a call with these limits.
    pub(crate) fn fits(&self, limits: &CallLimits) -> bool {
        self.guest().memory_bytes() <= limits.effective_memory_bytes() / 2
    }
}

/// Gives the store what one call may use.
fn arm(store: &mut Store<Guest>, limits: &CallLimits) {
    store.set_hostcall_fuel(limits.output_bytes);
    store.set_epoch_deadline(epochs_in(limits.effective_deadline()));
}
