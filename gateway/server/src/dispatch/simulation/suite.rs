//! The model keeps the contract that every store keeps, as far as the dispatcher relies on it.

use super::disk::Disk;
use super::model::ModelStore;
use hookwright_core::intake::Policy;
use hookwright_store::contract::Factory;
use hookwright_store::{Answering, Ids, Store, Waiting};
use std::sync::{Arc, Mutex};

/// As many deliveries as the real hand-over holds.
const HELD_MAX: usize = 16_384;

#[derive(Default)]
struct ModelFactory(Arc<Mutex<Disk>>);

impl Factory for ModelFactory {
    fn open(&self, ids: Ids, policy: Policy) -> Answering<'_, Arc<dyn Store>> {
        let store = ModelStore::open(Arc::clone(&self.0), ids, policy, HELD_MAX, None);
        Box::pin(async { Ok(Arc::new(store) as Arc<dyn Store>) })
    }

    fn close(&self) -> Waiting<'_, ()> {
        Box::pin(async {})
    }
}

hookwright_store::contract_suite! { @each Some(ModelFactory::default());
    publication::an_event_goes_to_everybody_who_wants_its_type_and_nobody_else,
    publication::a_list_is_committed_whole_and_in_order,
    publication::data_comes_back_byte_for_byte,
    idempotency::a_replay_gets_the_first_answer_and_publishes_nothing,
    finishing::a_success_settles,
    finishing::attempts_are_kept_in_order_with_their_bodies,
    finishing::a_stale_number_moves_nothing,
    finishing::of_two_finishes_of_one_attempt_one_counts,
    finishing::a_late_success_is_true,
    finishing::a_gone_subscriber_is_switched_off_with_the_attempt,
    finishing::an_abandoned_delivery_failed_for_that_reason,
    retrying::a_failed_delivery_gets_a_fresh_budget_and_keeps_its_history,
    retrying::a_waiting_delivery_is_due_at_once,
    retrying::a_claim_makes_a_retry_happen_once,
    retrying::what_is_not_there_cannot_be_retried,
    backlog::pending_is_read_in_order_from_where_one_left_off,
    backlog::paused_subscriptions_are_left_out_and_given_back,
    backlog::a_deleted_subscription_settles_what_is_pending,
    backlog::events_are_loaded_by_id,
    handover::what_does_not_fit_is_missed_and_found_in_the_table,
    administration::a_stale_version_is_refused,
    reopening::ids_ascend_though_the_clock_went_back,
}
