//! Sends a greeting when a customer is new. Settings: `greeting`, a word; `Welcome` if it is left out.

use hookwright_plugin_sdk::json::Document;
use hookwright_plugin_sdk::outbound::{Context, Decision, Delivery, Event, Fault, Outbound, Outgoing};
use hookwright_plugin_sdk::{export_outbound, log};
use serde_json::json;

pub struct {{type}};

impl Outbound for {{type}} {
    fn transform(context: &Context, event: &Event, _delivery: &Delivery) -> Result<Decision, Fault> {
        // Every `?` becomes a fault that tells the operator where something is wrong, never what was there.
        let settings = Document::settings(context)?;
        let greeting = settings.root().get("greeting").optional().map_or(Ok("Welcome"), |node| node.text())?;
        if event.event_type != "customer.created" {
            return Ok(Decision::skip("the event is not about a new customer"));
        }
        let data = Document::data(event)?;
        let name = data.root().get("name").text()?;
        log::info("greets a customer");
        Ok(Outgoing::json(&json!({ "text": format!("{greeting}, {name}!") }))?.into())
    }
}

export_outbound!({{type}});
