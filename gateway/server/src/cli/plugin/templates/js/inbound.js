// Reads what the partner posts when a visit is over:
// {"type":"visit.finished","patient":"cus_1","visit":"v_1","ended":"2026-01-04T22:30:00Z"}
//
// The contract is in wit/: records are objects with camelCase fields, variants are { tag, val }, and what is missing is
// undefined.

import { write } from "hookwright:plugin/log@0.1.0";

export const intake = {
  parse(_context, request) {
    const body = readJson(request.body);
    if (text(body.type, "/type") !== "visit.finished") {
      return { tag: "ignored", val: { reason: "not the end of a visit", metadata: [], attributes: [] } };
    }
    const visit = text(body.visit, "/visit");
    const consultation = {
      patientExternalId: text(body.patient, "/patient"),
      appointmentId: visit,
      completedAt: time(body.ended, "/ended"),
      test: false,
      attributes: [],
    };
    write("info", "read the end of a visit");
    return {
      tag: "accepted",
      val: {
        // A second message with the same id is a repetition, and has no second effect.
        messageId: visit,
        reports: [{ tag: "consultation-completed", val: consultation }],
        metadata: [],
        attributes: [],
      },
    };
  },

  // Only for plugins that answer "need-fetch".
  resume(_context, _request, _resumption) {
    throw { code: "unsupported", attributes: [] };
  },
};

// What is thrown is the contract's record `refusal`: code, place and expectation, never a value of the request. Anything
// else that is thrown counts as a crash.
function refusal(expected, location) {
  return { code: "malformed", location, expected, attributes: [] };
}

function readJson(bytes) {
  let body;
  try {
    body = JSON.parse(utf8(bytes));
  } catch {
    throw refusal("JSON", undefined);
  }
  if (typeof body !== "object" || body === null) throw refusal("an object", undefined);
  return body;
}

function text(value, location) {
  if (typeof value !== "string" || value.trim() === "") throw refusal("a string that is not empty", location);
  return value;
}

// A time without an offset would be guesswork.
function time(value, location) {
  const unixMs = /(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(unixMs)) throw refusal("an RFC 3339 time with an offset", location);
  return { unixMs, precision: "second", zoneAssumed: false };
}

// QuickJS has no TextDecoder. Throws if the bytes are not UTF-8.
function utf8(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return decodeURIComponent(escape(binary));
}
