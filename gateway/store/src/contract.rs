//! The contract suite that every store passes.
//!
//! Each case is one promise of the ports, told through them alone: what it needs of a store is a [`Factory`]. [`contract_suite!`](crate::contract_suite) makes a test of
//! each case, so that a store's own test file is its factory and one line. A case opens its own store, with a clock that stands still until the case moves it.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "the suite is a test: to panic is how it reports"
)]

pub mod administration;
mod answer;
pub mod backlog;
pub mod chain;
pub mod crowd;
pub mod expiry;
mod factory;
pub mod faring;
pub mod finishing;
pub mod handover;
pub mod idempotency;
pub mod listing;
pub mod operator;
mod partner;
pub mod people;
mod plugin;
pub mod plugins;
pub mod pointers;
pub mod publication;
pub mod quarantine;
pub mod reception;
pub mod reopening;
pub mod repeats;
pub mod residence;
pub mod resumption;
pub mod retention;
pub mod retrying;
pub mod subscriber;
pub mod trial;

pub use factory::Factory;

/// Makes a test of every case of the suite, against the store of a [`Factory`](contract::Factory): an expression that makes a new one, over no data yet, or `None`.
#[macro_export]
macro_rules! contract_suite {
    ($factory:expr) => {
        $crate::contract_suite! { @each $factory;
            publication::an_event_goes_to_everybody_who_wants_its_type_and_nobody_else,
            publication::a_list_is_committed_whole_and_in_order,
            publication::data_comes_back_byte_for_byte,
            publication::a_dropped_future_does_not_undo_the_work,
            idempotency::a_replay_gets_the_first_answer_and_publishes_nothing,
            idempotency::another_body_under_a_used_key_is_refused,
            idempotency::one_of_many_at_once_publishes,
            idempotency::an_events_own_key_makes_it_once,
            idempotency::a_clash_of_one_event_stops_the_whole_list,
            idempotency::a_key_is_kept_a_day_and_forgotten_in_time,
            reception::a_consultation_is_processed_with_all_that_follows,
            reception::an_unknown_customer_makes_the_message_wait,
            reception::an_undecidable_region_holds_the_message,
            reception::a_test_is_ignored,
            reception::what_is_refused_or_failed_is_kept_as_such,
            reception::appointments_fire_events_of_their_own,
            reception::a_message_may_bring_the_customer_it_speaks_of,
            reception::the_request_comes_back_byte_for_byte,
            reception::a_message_whose_partner_is_asked_is_found_until_it_is_answered,
            repeats::a_repeat_by_the_transports_id_has_no_second_effect,
            repeats::a_repeat_by_the_partners_id_has_no_second_effect,
            repeats::a_repeat_by_content_counts_only_without_ids,
            repeats::repeats_in_one_moment_have_one_effect,
            repeats::a_rejected_message_leaves_its_ids_free,
            repeats::sources_do_not_share_ids,
            repeats::a_key_is_kept_seven_days_and_forgotten_in_time,
            resumption::the_customers_appearance_makes_messages_resumable,
            resumption::none_is_forgotten_when_message_and_customer_come_together,
            resumption::an_operators_region_releases_a_held_message,
            resumption::resumed_twice_at_once_it_has_its_effect_once,
            resumption::a_processed_message_is_not_taken_up_again,
            resumption::a_repeat_that_came_meanwhile_leaves_nothing_to_do,
            resumption::quarantined_messages_are_found_by_source,
            residence::fifty_consultations_at_once_make_one_record,
            residence::a_later_consultation_extends,
            residence::an_older_consultation_counts_and_the_same_one_does_not,
            residence::each_region_has_its_own_record_and_validity,
            expiry::what_lapses_is_marked_and_told_once,
            expiry::an_extension_in_between_saves_it,
            expiry::an_extension_in_the_same_moment_wins,
            expiry::as_many_lapse_at_once_as_are_asked_for,
            people::a_new_customer_needs_an_establishment,
            people::a_move_is_checked_against_what_is_established,
            people::a_put_replaces_and_an_event_adds,
            people::a_platform_event_keeps_customers_current,
            crowd::a_thousand_at_once_are_each_committed_once,
            crowd::all_kinds_of_work_share_a_moment,
            finishing::a_success_settles,
            finishing::attempts_are_kept_in_order_with_their_bodies,
            finishing::a_stale_number_moves_nothing,
            finishing::of_two_finishes_of_one_attempt_one_counts,
            finishing::a_late_success_is_true,
            finishing::a_gone_subscriber_is_switched_off_with_the_attempt,
            finishing::an_abandoned_delivery_failed_for_that_reason,
            faring::failing_is_remembered_until_it_is_over,
            faring::what_failed_for_too_long_is_off_and_told_of_once,
            faring::of_one_that_is_off_nothing_is_kept,
            retrying::a_failed_delivery_gets_a_fresh_budget_and_keeps_its_history,
            retrying::a_retry_asked_for_during_an_attempt_stands,
            retrying::a_waiting_delivery_is_due_at_once,
            retrying::a_claim_makes_a_retry_happen_once,
            retrying::what_is_not_there_cannot_be_retried,
            backlog::pending_is_read_in_order_from_where_one_left_off,
            backlog::paused_subscriptions_are_left_out_and_given_back,
            backlog::a_deleted_subscription_settles_what_is_pending,
            backlog::events_are_loaded_by_id,
            handover::what_is_committed_is_handed_over_with_its_event,
            handover::what_does_not_fit_is_missed_and_found_in_the_table,
            listing::events_page_without_gaps_while_more_come,
            listing::deliveries_page_without_gaps_while_they_settle,
            listing::messages_page_and_filter,
            listing::customers_page_by_id,
            listing::establishments_page_and_filter,
            listing::deliveries_filter,
            administration::subscriptions_are_made_changed_and_deleted,
            administration::every_field_of_a_subscription_is_kept,
            administration::a_stale_version_is_refused,
            administration::a_claim_makes_a_subscription_once,
            administration::sources_are_made_changed_and_deleted,
            administration::a_slug_is_one_sources_only,
            administration::keys_are_made_and_revoked,
            plugins::a_push_keeps_the_version_and_makes_it_serve,
            plugins::a_known_version_is_kept_as_it_was,
            plugins::versions_page_newest_first,
            plugins::two_plugins_share_a_component,
            plugins::files_are_remembered_by_name,
            pointers::each_write_raises_the_revision,
            pointers::a_plugin_may_serve_nothing,
            pointers::what_served_is_told_newest_first,
            pointers::a_candidate_and_a_policy_come_back_as_they_were,
            pointers::a_stale_revision_leaves_nothing_behind,
            pointers::of_writers_of_one_revision_one_wins,
            pointers::a_claim_makes_a_write_once,
            quarantine::it_begins_and_ends,
            quarantine::each_is_told_once,
            quarantine::a_version_that_is_not_there_has_none,
            chain::it_is_whole_and_names_every_change,
            chain::reading_is_recorded_too,
            retention::an_old_event_goes_with_all_that_belongs_to_it,
            retention::what_is_pending_stays_whatever_its_age,
            retention::batches_are_bounded_and_go_on,
            retention::messages_go_once_they_came_to_an_end,
            retention::an_unfinished_message_that_goes_is_named,
            retention::a_repeat_is_recognised_whatever_is_removed,
            retention::the_audit_is_verified_from_where_it_begins_now,
            reopening::everything_survives,
            reopening::keys_are_still_known,
            reopening::ids_ascend_though_the_clock_went_back,
            reopening::the_store_is_ready,
        }
    };
    (@each $factory:expr; $($topic:ident :: $case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            // A store whose server is not installed here is not tested, which whoever makes factories has said.
            let Some(factory) = $factory else { return };
            $crate::contract::$topic::$case(&factory).await;
        }
    )*};
}
