// Outbound plugin: orders as messages for a chat room. The README beside this folder says what it does; the same plugin
// is written in Rust and in Python next door, and all three pass the same fixtures.

import { write } from "hookwright:plugin/log@0.1.0";

const CENTS_MAX = 1_000_000_000;

// What is thrown here is the contract's record `fault`. Anything else that is thrown counts as a crash.
const fault = (code, message, location, retryable = false) => ({ code, message, location, retryable, attributes: [] });
const skip = (reason) => ({ tag: "skip", val: { reason, attributes: [] } });

export const dispatch = {
  transform(context, event, _delivery) {
    const settings = readSettings(JSON.parse(context.settings));
    if (!["order.placed", "order.paid"].includes(event.eventType)) {
      return skip("the event is not about a new order");
    }
    const order = readOrder(JSON.parse(event.data));
    if (context.nowMs < order.announceAfterMs) {
      throw fault("too-early", "the order is not to be announced yet", "/announce_after_ms", true);
    }
    const totalCents = sum(order.items.map((item) => item.quantity * item.priceCents));
    if (totalCents < settings.minimumCents) {
      return skip("the order is below the minimum");
    }
    const count = sum(order.items.map((item) => item.quantity));
    write("info", `announces an order of ${count} items`);
    const total = `${Math.floor(totalCents / 100)}.${String(totalCents % 100).padStart(2, "0")}`;
    const items = count === 1 ? "item" : "items";
    return send(event, {
      channel: settings.channel,
      text: `${order.store.toUpperCase()}: ${order.id}, ${count} ${items} for ${total} ${order.currency.toUpperCase()}`,
      lines: order.items.map((item) => `${item.quantity} × ${item.name}`),
      total_cents: totalCents,
    });
  },
};

function send(event, body) {
  return {
    tag: "send",
    val: {
      method: "POST",
      contentType: "application/json",
      headers: [["idempotency-key", event.id]],
      body: utf8(JSON.stringify(body)),
      attributes: [],
    },
  };
}

function readSettings(settings) {
  const expect = (what, location) => fault("settings", `expected ${what}`, location);
  const channel = settings.channel ?? "#orders";
  if (typeof channel !== "string" || !channel.startsWith("#")) {
    throw expect("a channel, such as #orders", "/channel");
  }
  const minimumCents = settings.minimum_cents ?? 0;
  if (!isWhole(minimumCents, 0, CENTS_MAX)) {
    throw expect("a whole number of cents", "/minimum_cents");
  }
  return { channel, minimumCents };
}

function readOrder(data) {
  if (!Array.isArray(data.items)) {
    throw mismatch("a list", "/items");
  }
  const items = data.items.map(readItem);
  if (items.length === 0) {
    throw mismatch("at least one item", "/items");
  }
  const announceAfterMs = data.announce_after_ms ?? 0;
  if (!isWhole(announceAfterMs, 0, (2 ** 32 - 1) * 1000)) {
    throw mismatch("a time in milliseconds", "/announce_after_ms");
  }
  return {
    id: text(data, "order_id"),
    store: text(data, "store"),
    currency: text(data, "currency"),
    items,
    announceAfterMs,
  };
}

function readItem(item, index) {
  const name = text(item, "name", index);
  const quantity = item.quantity;
  if (!isWhole(quantity, 1, 1000)) {
    throw mismatch("a whole number from 1 to 1000", `/items/${index}/quantity`);
  }
  const priceCents = item.price_cents;
  if (!isWhole(priceCents, 0, CENTS_MAX)) {
    throw mismatch("a whole number of cents", `/items/${index}/price_cents`);
  }
  return { name, quantity, priceCents };
}

// A message is of fixed words: values of the event must not get into it.
function mismatch(what, location) {
  return fault("malformed", `expected ${what}`, location);
}

// Places are put together only where one is needed.
function text(fields, key, index) {
  const value = fields?.[key];
  if (typeof value !== "string" || value.trim() === "") {
    throw mismatch("a string that is not empty", index === undefined ? `/${key}` : `/items/${index}/${key}`);
  }
  return value;
}

function isWhole(value, min, max) {
  return Number.isInteger(value) && value >= min && value <= max;
}

function sum(numbers) {
  return numbers.reduce((one, other) => one + other, 0);
}

// QuickJS has no TextEncoder. Each character of this string is one byte of the text's UTF-8.
function utf8(text) {
  const binary = unescape(encodeURIComponent(text));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
