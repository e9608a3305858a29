"""Reads what the partner posts when a visit is over:
{"type":"visit.finished","patient":"cus_1","visit":"v_1","ended":"2026-01-04T22:30:00Z"}

The contract is in wit/. For an editor to know its types: `.hookwright/venv/bin/componentize-py -d wit -w inbound bindings .`
"""

import json
from datetime import datetime

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.intake import Accepted, Ignored, Outcome, Outcome_Accepted, Outcome_Ignored, Refusal, Request
from wit_world.exports.intake import Resumption
from wit_world.imports import log
from wit_world.imports.call import Context
from wit_world.imports.clinical import ConsultationCompleted, Precision, Report_ConsultationCompleted, Timestamp


class Intake(exports.Intake):
    def parse(self, context: Context, request: Request) -> Outcome:
        body = read_json(request.body)
        if text(body.get("type"), "/type") != "visit.finished":
            return Outcome_Ignored(Ignored(reason="not the end of a visit", reply=None, metadata=[], attributes=[]))
        visit = text(body.get("visit"), "/visit")
        consultation = ConsultationCompleted(
            patient_external_id=text(body.get("patient"), "/patient"),
            appointment_id=visit,
            provider_id=None,
            duration=None,
            completed_at=time(body.get("ended"), "/ended"),
            patient_location=None,
            test=False,
            attributes=[],
        )
        log.write(log.Level.INFO, "read the end of a visit")
        return Outcome_Accepted(
            Accepted(
                # A second message with the same id is a repetition, and has no second effect.
                message_id=visit,
                reports=[Report_ConsultationCompleted(consultation)],
                reply=None,
                metadata=[],
                attributes=[],
            )
        )

    def resume(self, context: Context, request: Request, resumption: Resumption) -> Outcome:
        """Only for plugins that answer with `Outcome_NeedFetch`."""
        raise Err(Refusal(code="unsupported", location=None, expected=None, reply=None, attributes=[]))


def refusal(expected: str, location: str | None) -> Err:
    """The contract's record `refusal`, to be raised: place and expectation, never a value of the request. Any other
    exception counts as a crash."""
    return Err(Refusal(code="malformed", location=location, expected=expected, reply=None, attributes=[]))


def read_json(body: bytes) -> dict:
    try:
        value = json.loads(body)
    except ValueError:
        raise refusal("JSON", None)
    if not isinstance(value, dict):
        raise refusal("an object", None)
    return value


def text(value: object, location: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise refusal("a string that is not empty", location)
    return value


def time(value: object, location: str) -> Timestamp:
    expected = "an RFC 3339 time with an offset"
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    # A time without an offset would be guesswork.
    if moment is None or moment.tzinfo is None:
        raise refusal(expected, location)
    return Timestamp(unix_ms=round(moment.timestamp() * 1000), precision=Precision.SECOND, zone_assumed=False)
