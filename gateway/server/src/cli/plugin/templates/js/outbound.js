// Sends a greeting when a customer is new. Settings: `greeting`, a word; "Welcome" if it is left out.
//
// The contract is in wit/: records are objects with camelCase fields, variants are { tag, val }, and what is missing is
// undefined.

import { write } from "hookwright:plugin/log@0.1.0";

export const dispatch = {
  transform(context, event, _delivery) {
    const settings = JSON.parse(context.settings);
    const greeting = text(settings.greeting ?? "Welcome", "settings", "/greeting");
    if (event.eventType !== "customer.created") {
      return { tag: "skip", val: { reason: "the event is not about a new customer", attributes: [] } };
    }
    const data = JSON.parse(event.data);
    const name = text(data.name, "malformed", "/name");
    write("info", "greets a customer");
    return {
      tag: "send",
      val: {
        method: "POST",
        contentType: "application/json",
        headers: [],
        body: utf8(JSON.stringify({ text: `${greeting}, ${name}!` })),
        attributes: [],
      },
    };
  },
};

// What is thrown is the contract's record `fault`: code, message and place, never a value of the event. Anything else that
// is thrown counts as a crash.
function text(value, code, location) {
  if (typeof value !== "string" || value.trim() === "") {
    throw { code, message: "expected a string that is not empty", location, retryable: false, attributes: [] };
  }
  return value;
}

// QuickJS has no TextEncoder. Each character of this string is one byte of the text's UTF-8.
function utf8(text) {
  const binary = unescape(encodeURIComponent(text));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
