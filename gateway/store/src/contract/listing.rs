//! Lists: pages without gaps or repeats, and filters.

use super::Factory;
use super::partner::{accepted, completed, failed as failed_parse, receive, receiving, source_id};
use super::subscriber::{delivered, failed, subscribe, to_retry};
use super::trial::{Pages, START_MS, Trial};
use crate::{DeliveryFilter, EstablishmentFilter, EventFilter, MessageFilter};
use hookwright_core::delivery::DeliveryStatus;
use hookwright_core::intake::Receive;
use hookwright_core::message::{MessageStatus, RawMessage};
use std::sync::Arc;

/// Walking the pages shows each event that was there at the beginning once, newest first, though more are published between the pages.
pub async fn events_page_without_gaps_while_more_come(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let mut published = Vec::new();
    for number in 0..25 {
        let event_type = if number % 2 == 0 { "order.placed" } else { "order.paid" };
        published.push(trial.publish(event_type, "{}").await);
    }
    published.reverse();
    let placed: Vec<_> = published.iter().copied().step_by(2).collect();
    for (event_type, expected) in [(None, published), (Some("order.placed"), placed)] {
        for limit in [1, 7, 25, 1_000] {
            let filter = EventFilter { event_type: event_type.map(str::to_owned) };
            let mut pages = Pages::new(limit);
            while let Some(request) = pages.request() {
                pages.take(trial.store.events(filter.clone(), request).await);
                // Only what comes after the first page has been read is not to be seen.
                trial.publish("order.shipped", "{}").await;
            }
            let mut seen: Vec<_> = pages.rows.iter().map(|row| row.id).collect();
            seen.retain(|id| *id <= expected[0]);
            assert_eq!(seen, expected, "pages of {limit}, type {event_type:?}");
        }
    }
    assert!(trial.events(Some("order")).await.is_empty(), "a type is named exactly");
    let all =
        trial.store.events(EventFilter::default(), crate::PageRequest { before: None, limit: 10_000 }).await.unwrap();
    assert_eq!(all.next, None, "the last page leads nowhere");
}

/// Deliveries move from pending to settled while somebody walks the list: none is skipped or shown twice.
pub async fn deliveries_page_without_gaps_while_they_settle(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let mut pending = Vec::new();
    for _ in 0..60 {
        pending.push(trial.publish_for_one("order.placed").await);
    }
    let mut expected: Vec<_> = pending.iter().map(|pending| pending.id).collect();
    expected.reverse();
    let finishes: Vec<_> = pending.iter().map(|pending| delivered(&trial, pending, 1)).collect();
    let settling = tokio::spawn({
        let store = Arc::clone(&trial.store);
        async move {
            for finish in finishes {
                store.finish(finish).await.unwrap();
            }
        }
    });
    let mut walks = 0;
    while !settling.is_finished() || walks == 0 {
        let mut pages = Pages::new(9);
        while let Some(request) = pages.request() {
            pages.take(trial.store.deliveries(DeliveryFilter::default(), request).await);
        }
        let seen: Vec<_> = pages.rows.iter().map(|delivery| delivery.id).collect();
        assert_eq!(seen, expected, "walk {walks}");
        walks += 1;
    }
    settling.await.expect("no panic");
    let delivered = DeliveryFilter { status: Some(DeliveryStatus::Delivered), ..DeliveryFilter::default() };
    assert_eq!(trial.deliveries(delivered).await.len(), 60);
}

/// Deliveries by subscription, event and state, alone and together.
pub async fn deliveries_filter(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let first = subscribe(&trial, &["*"]).await.id;
    let second = subscribe(&trial, &["order.placed"]).await.id;
    let mut all = Vec::new();
    for number in 0..8 {
        let event =
            trial.event(trial.publish(if number < 4 { "order.placed" } else { "order.paid" }, "{}").await).await;
        for out in &event.fan_out {
            let pending = trial.pending_one(out.delivery_id).await.expect("it is pending");
            let status = match number % 4 {
                0 => DeliveryStatus::Pending,
                1 => DeliveryStatus::Retrying,
                2 => DeliveryStatus::Delivered,
                _ => DeliveryStatus::Failed,
            };
            let finish = match status {
                DeliveryStatus::Pending => None,
                DeliveryStatus::Retrying => Some(to_retry(&trial, &pending, 1, START_MS + 9)),
                DeliveryStatus::Delivered => Some(delivered(&trial, &pending, 1)),
                DeliveryStatus::Failed => Some(failed(&trial, &pending, 1)),
            };
            if let Some(finish) = finish {
                trial.store.finish(finish).await.unwrap();
            }
            all.push((out.delivery_id, out.subscription_id, event.id, status));
        }
    }
    all.sort_unstable_by_key(|(id, ..)| std::cmp::Reverse(*id));
    assert_eq!(all.len(), 12);
    let statuses =
        [DeliveryStatus::Pending, DeliveryStatus::Retrying, DeliveryStatus::Delivered, DeliveryStatus::Failed];
    for subscription_id in [None, Some(first), Some(second), Some(trial.ids.next())] {
        for event_id in [None, Some(all[0].2), Some(all[11].2), Some(trial.ids.next())] {
            for status in std::iter::once(None).chain(statuses.map(Some)) {
                let filter = DeliveryFilter { subscription_id, event_id, status };
                let expected: Vec<_> = all
                    .iter()
                    .filter(|(_, subscription, event, state)| {
                        subscription_id.is_none_or(|wanted| wanted == *subscription)
                            && event_id.is_none_or(|wanted| wanted == *event)
                            && status.is_none_or(|wanted| wanted == *state)
                    })
                    .map(|(id, _, _, state)| (*id, *state))
                    .collect();
                for limit in [2, 100] {
                    let mut pages = Pages::new(limit);
                    while let Some(request) = pages.request() {
                        pages.take(trial.store.deliveries(filter.clone(), request).await);
                    }
                    let seen: Vec<_> = pages.rows.iter().map(|delivery| (delivery.id, delivery.status)).collect();
                    assert_eq!(seen, expected, "{filter:?} in pages of {limit}");
                }
            }
        }
    }
}

/// Messages by source and state, newest first, without their content, though more come between the pages.
pub async fn messages_page_and_filter(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let mut all = Vec::new();
    for number in 0..24_i64 {
        let processed = number % 3 == 0;
        let parsed = if processed { accepted(vec![completed("cus_xyz", START_MS - number)]) } else { failed_parse() };
        let one = receive(&trial, parsed);
        let source = source_id(1 + number % 2);
        let raw = RawMessage { source_id: source, ..one.raw.clone() };
        all.push((
            one.message_id,
            source,
            if processed { MessageStatus::Processed } else { MessageStatus::Quarantined },
        ));
        trial.submit(receiving(Receive { raw, ..one })).await;
    }
    all.reverse();
    let newest = all[0].0;
    for source in [None, Some(source_id(1)), Some(source_id(2)), Some(source_id(9))] {
        for status in
            [None, Some(MessageStatus::Processed), Some(MessageStatus::Quarantined), Some(MessageStatus::Held)]
        {
            let filter = MessageFilter { source_id: source, status };
            let mut pages = Pages::new(5);
            while let Some(request) = pages.request() {
                pages.take(trial.store.messages(filter.clone(), request).await);
                trial.receive(failed_parse()).await;
            }
            let seen: Vec<_> = pages
                .rows
                .iter()
                .filter(|row| row.id <= newest)
                .map(|row| (row.id, row.source_id, row.status))
                .collect();
            let wanted =
                |source_id, state| source.is_none_or(|one| one == source_id) && status.is_none_or(|one| one == state);
            let expected: Vec<_> = all.iter().copied().filter(|(_, source, state)| wanted(*source, *state)).collect();
            assert_eq!(seen, expected, "{filter:?}");
        }
    }
    let row = trial
        .messages(MessageFilter { status: Some(MessageStatus::Processed), ..MessageFilter::default() })
        .await
        .remove(0);
    let message = trial.message(row.id).await;
    assert_eq!(
        (row.hook, row.method, row.received_at),
        (message.raw.hook, message.raw.method, message.raw.received_at)
    );
    assert_eq!(
        (row.metadata, row.plugin_digest, row.reason),
        (message.metadata, message.plugin_digest, message.reason)
    );
    assert_eq!((row.events, row.waiting_for), (message.events, message.waiting_for));
}

/// Customers in the order of their ids, from after a given one, though more appear behind whoever walks.
pub async fn customers_page_by_id(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let mut expected: Vec<String> = ["b", "B", "a-1", "a", "~", "cus_10", "cus_9", "0"].map(str::to_owned).into();
    for id in &expected {
        trial.put_customer(id, Some("TX")).await;
    }
    // Byte order, so that it does not depend on where a database was made.
    expected.sort_unstable();
    for limit in [1, 3, 100] {
        let mut seen: Vec<String> = Vec::new();
        loop {
            let page = trial.store.customers(seen.last().cloned(), limit).await.unwrap();
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                break;
            }
            seen.extend(page.into_iter().map(|customer| customer.external_id));
            trial.put_customer(&format!("!{limit}"), Some("TX")).await;
        }
        seen.retain(|id| !id.starts_with('!'));
        assert_eq!(seen, expected, "pages of {limit}");
    }
}

/// Establishments by customer and region, newest first, though more come between the pages.
pub async fn establishments_page_and_filter(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    for number in 0..12_i64 {
        for state in ["TX", "NM"].into_iter().take(1 + usize::from(number % 3 == 0)) {
            let customer = format!("cus_{number}");
            trial.put_customer(&customer, Some(state)).await;
            trial.receive(accepted(vec![completed(&customer, START_MS - number)])).await;
        }
    }
    let all = trial.establishments(EstablishmentFilter::default()).await;
    assert_eq!(all.len(), 16);
    assert!(all.is_sorted_by(|one, next| one.id > next.id));
    let texas = "US-TX".parse().ok();
    for (customer_id, region, count) in
        [(None, None, 16), (Some("cus_3"), None, 2), (None, texas, 12), (Some("cus_3"), texas, 1)]
    {
        let filter = EstablishmentFilter { customer_id: customer_id.map(str::to_owned), region };
        let mut pages = Pages::new(3);
        let mut round = 0;
        while let Some(request) = pages.request() {
            pages.take(trial.store.establishments(filter.clone(), request).await);
            let customer = format!("cus_late_{count}_{round}");
            trial.put_customer(&customer, Some("TX")).await;
            trial.receive(accepted(vec![completed(&customer, START_MS)])).await;
            round += 1;
        }
        pages.rows.retain(|record| record.id <= all[0].id);
        let wanted = |record: &&hookwright_core::establishment::Establishment| {
            customer_id.is_none_or(|id| id == record.customer_id) && region.is_none_or(|one| one == record.region)
        };
        assert_eq!(pages.rows, all.iter().filter(wanted).cloned().collect::<Vec<_>>(), "{filter:?}");
        assert_eq!(pages.rows.len(), count);
    }
}
