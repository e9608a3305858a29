"""Outbound plugin: orders as messages for a chat room.

The README beside this folder says what it does; the same plugin is written in Rust and in JavaScript next door, and all
three pass the same fixtures.
"""

import json
from dataclasses import dataclass

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.dispatch import Decision, Decision_Send, Decision_Skip, Delivery, Event, Fault, NoSend, Outgoing
from wit_world.imports import log
from wit_world.imports.call import Context

CENTS_MAX = 1_000_000_000
TIME_MS_MAX = (2**32 - 1) * 1000


class Dispatch(exports.Dispatch):
    def transform(self, context: Context, event: Event, delivery: Delivery) -> Decision:
        settings = Settings.read(json.loads(context.settings))
        if event.event_type not in ("order.placed", "order.paid"):
            return skip("the event is not about a new order")
        order = Order.read(json.loads(event.data))
        if context.now_ms < order.announce_after_ms:
            raise fault("too-early", "the order is not to be announced yet", "/announce_after_ms", retryable=True)
        total_cents = sum(item.quantity * item.price_cents for item in order.items)
        if total_cents < settings.minimum_cents:
            return skip("the order is below the minimum")
        count = sum(item.quantity for item in order.items)
        log.write(log.Level.INFO, f"announces an order of {count} items")
        items = "item" if count == 1 else "items"
        total = f"{total_cents // 100}.{total_cents % 100:02d} {order.currency.upper()}"
        body = {
            "channel": settings.channel,
            "text": f"{order.store.upper()}: {order.id}, {count} {items} for {total}",
            "lines": [f"{item.quantity} × {item.name}" for item in order.items],
            "total_cents": total_cents,
        }
        return Decision_Send(
            Outgoing(
                method="POST",
                content_type="application/json",
                headers=[("idempotency-key", event.id)],
                body=json.dumps(body, ensure_ascii=False).encode(),
                attributes=[],
            )
        )


@dataclass
class Settings:
    channel: str
    minimum_cents: int

    @classmethod
    def read(cls, settings: dict) -> "Settings":
        channel = settings.get("channel")
        if channel is None:
            channel = "#orders"
        if not isinstance(channel, str) or not channel.startswith("#"):
            raise fault("settings", "expected a channel, such as #orders", "/channel")
        minimum = settings.get("minimum_cents")
        if minimum is None:
            minimum = 0
        if not is_whole(minimum, 0, CENTS_MAX):
            raise fault("settings", "expected a whole number of cents", "/minimum_cents")
        return cls(channel, int(minimum))


@dataclass
class Item:
    name: str
    quantity: int
    price_cents: int

    @classmethod
    def read(cls, item: object, at: str) -> "Item":
        fields = item if isinstance(item, dict) else {}
        return cls(
            name=text(fields.get("name"), f"{at}/name"),
            quantity=whole(fields.get("quantity"), f"{at}/quantity", 1, 1000, "a whole number from 1 to 1000"),
            price_cents=whole(fields.get("price_cents"), f"{at}/price_cents", 0, CENTS_MAX, "a whole number of cents"),
        )


@dataclass
class Order:
    id: str
    store: str
    currency: str
    items: list[Item]
    announce_after_ms: int

    @classmethod
    def read(cls, data: dict) -> "Order":
        if not isinstance(data.get("items"), list):
            raise mismatch("a list", "/items")
        items = [Item.read(item, f"/items/{index}") for index, item in enumerate(data["items"])]
        if not items:
            raise mismatch("at least one item", "/items")
        announce_after = data.get("announce_after_ms")
        if announce_after is None:
            announce_after = 0
        return cls(
            announce_after_ms=whole(announce_after, "/announce_after_ms", 0, TIME_MS_MAX, "a time in milliseconds"),
            id=text(data.get("order_id"), "/order_id"),
            store=text(data.get("store"), "/store"),
            currency=text(data.get("currency"), "/currency"),
            items=items,
        )


def skip(reason: str) -> Decision:
    return Decision_Skip(NoSend(reason=reason, attributes=[]))


def fault(code: str, message: str, location: str, retryable: bool = False) -> Err:
    """The contract's record `fault`, to be raised. Any other exception counts as a crash."""
    return Err(Fault(code=code, message=message, location=location, retryable=retryable, attributes=[]))


def mismatch(what: str, location: str) -> Err:
    """A message is of fixed words: values of the event must not get into it."""
    return fault("malformed", f"expected {what}", location)


def text(value: object, location: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise mismatch("a string that is not empty", location)
    return value


def whole(value: object, location: str, low: int, high: int, what: str) -> int:
    if not is_whole(value, low, high):
        raise mismatch(what, location)
    return int(value)


def is_whole(value: object, low: int, high: int) -> bool:
    """However it is spelt: 2, 2.0 and 2e0 are one number."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and low <= value <= high and value == int(value)
