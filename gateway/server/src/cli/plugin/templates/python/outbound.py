"""Sends a greeting when a customer is new. Settings: `greeting`, a word; "Welcome" if it is left out.

The contract is in wit/. For an editor to know its types: `.hookwright/venv/bin/componentize-py -d wit -w outbound bindings .`
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.dispatch import Decision, Decision_Send, Decision_Skip, Delivery, Event, Fault, NoSend, Outgoing
from wit_world.imports import log
from wit_world.imports.call import Context


class Dispatch(exports.Dispatch):
    def transform(self, context: Context, event: Event, delivery: Delivery) -> Decision:
        settings = json.loads(context.settings)
        greeting = text(settings.get("greeting", "Welcome"), "settings", "/greeting")
        if event.event_type != "customer.created":
            return Decision_Skip(NoSend(reason="the event is not about a new customer", attributes=[]))
        data = json.loads(event.data)
        name = text(data.get("name"), "malformed", "/name")
        log.write(log.Level.INFO, "greets a customer")
        body = json.dumps({"text": f"{greeting}, {name}!"}, ensure_ascii=False).encode()
        return Decision_Send(
            Outgoing(method="POST", content_type="application/json", headers=[], body=body, attributes=[])
        )


def text(value: object, code: str, location: str) -> str:
    """What is raised is the contract's record `fault`: place and expectation, never a value of the event. Any other
    exception counts as a crash."""
    if not isinstance(value, str) or not value.strip():
        message = "expected a string that is not empty"
        raise Err(Fault(code=code, message=message, location=location, retryable=False, attributes=[]))
    return value
