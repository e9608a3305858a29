//! Outbound plugin: orders as messages for a chat room. The README beside this folder says what it does; the same plugin
//! is written in JavaScript and in Python next door, and all three pass the same fixtures.

use std::ops::RangeInclusive;

use hookwright_plugin_sdk::json::{Document, Mismatch, Node};
use hookwright_plugin_sdk::outbound::{Context, Decision, Delivery, Event, Fault, Outbound, Outgoing};
use hookwright_plugin_sdk::{export_outbound, log};
use serde_json::{Value, json};

const CENTS_MAX: i64 = 1_000_000_000;

/// The plugin.
pub struct OrderNotice;

impl Outbound for OrderNotice {
    fn transform(context: &Context, event: &Event, _delivery: &Delivery) -> Result<Decision, Fault> {
        let settings = Document::settings(context)?;
        let settings = Settings::read(&settings.root())?;
        if !["order.placed", "order.paid"].contains(&event.event_type.as_str()) {
            return Ok(Decision::skip("the event is not about a new order"));
        }
        let data = Document::data(event)?;
        let order = Order::read(&data.root())?;
        if context.now_ms < order.announce_after_ms {
            let too_early = Fault::new("too-early", "the order is not to be announced yet");
            return Err(Fault { location: Some("/announce_after_ms".to_owned()), retryable: true, ..too_early });
        }
        let total_cents = order.total_cents();
        if total_cents < settings.minimum_cents {
            return Ok(Decision::skip("the order is below the minimum"));
        }
        let count = order.items.iter().map(|item| item.quantity).sum::<i64>();
        log::info(&format!("announces an order of {count} items"));
        let text = format!(
            "{}: {}, {count} {} for {}.{:02} {}",
            order.store.to_uppercase(),
            order.id,
            if count == 1 { "item" } else { "items" },
            total_cents / 100,
            total_cents % 100,
            order.currency.to_uppercase(),
        );
        let lines: Vec<String> = order.items.iter().map(|item| format!("{} × {}", item.quantity, item.name)).collect();
        let body = json!({ "channel": settings.channel, "text": text, "lines": lines, "total_cents": total_cents });
        Ok(Outgoing::json(&body)?.header("idempotency-key", &event.id).into())
    }
}

/// What the operator asked for.
struct Settings<'a> {
    channel: &'a str,
    minimum_cents: i64,
}

impl<'a> Settings<'a> {
    fn read(settings: &Node<'a>) -> Result<Self, Mismatch> {
        let channel = match settings.get("channel").optional() {
            None => "#orders",
            Some(node) => {
                let named = node.value().and_then(Value::as_str).filter(|text| text.starts_with('#'));
                named.ok_or_else(|| node.mismatch("a channel, such as #orders"))?
            }
        };
        let minimum = settings.get("minimum_cents").optional();
        let minimum_cents = minimum.map_or(Ok(0), |node| whole(&node, 0..=CENTS_MAX, "a whole number of cents"))?;
        Ok(Self { channel, minimum_cents })
    }
}

/// One kind of thing that was ordered.
struct Item<'a> {
    name: &'a str,
    quantity: i64,
    price_cents: i64,
}

/// What was ordered, and where.
struct Order<'a> {
    id: &'a str,
    store: &'a str,
    currency: &'a str,
    items: Vec<Item<'a>>,
    announce_after_ms: i64,
}

impl<'a> Order<'a> {
    fn read(data: &Node<'a>) -> Result<Self, Mismatch> {
        let announce_after = data.get("announce_after_ms").optional();
        let list = data.get("items");
        let items = list.items()?.map(|item| Item::read(&item)).collect::<Result<Vec<_>, _>>()?;
        if items.is_empty() {
            return Err(list.mismatch("at least one item"));
        }
        Ok(Self {
            id: data.get("order_id").text()?,
            store: data.get("store").text()?,
            currency: data.get("currency").text()?,
            items,
            announce_after_ms: announce_after
                .map_or(Ok(0), |node| whole(&node, 0..=i64::from(u32::MAX) * 1000, "a time in milliseconds"))?,
        })
    }

    fn total_cents(&self) -> i64 {
        self.items.iter().map(|item| item.quantity * item.price_cents).sum()
    }
}

impl<'a> Item<'a> {
    fn read(item: &Node<'a>) -> Result<Self, Mismatch> {
        Ok(Self {
            name: item.get("name").text()?,
            quantity: whole(&item.get("quantity"), 1..=1000, "a whole number from 1 to 1000")?,
            price_cents: whole(&item.get("price_cents"), 0..=CENTS_MAX, "a whole number of cents")?,
        })
    }
}

/// A whole number, however it is spelt: 2, 2.0 and 2e0 are one number.
fn whole(node: &Node<'_>, range: RangeInclusive<i64>, expected: &'static str) -> Result<i64, Mismatch> {
    let number = node.value().and_then(Value::as_f64).filter(|number| number.fract() == 0.0);
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is out of every range")]
    let whole = number.map(|number| number as i64).filter(|whole| range.contains(whole));
    whole.ok_or_else(|| node.mismatch(expected))
}

export_outbound!(OrderNotice);
