//! Reads what the partner posts when a visit is over:
//! `{"type":"visit.finished","patient":"cus_1","visit":"v_1","ended":"2026-01-04T22:30:00Z"}`.

use hookwright_plugin_sdk::export_inbound;
use hookwright_plugin_sdk::inbound::{
    Accepted, ConsultationCompleted, Context, Ignored, Inbound, Outcome, Refusal, Report, Request,
};
use hookwright_plugin_sdk::json::Document;

pub struct {{type}};

impl Inbound for {{type}} {
    fn parse(_context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        // Every `?` becomes a refusal that tells the partner where something is wrong, never what was there.
        let document = Document::body(&request.body)?;
        let body = document.root();
        if body.get("type").text()? != "visit.finished" {
            return Ok(Ignored::new("not the end of a visit").into());
        }
        let visit = body.get("visit").id()?;
        let consultation = ConsultationCompleted {
            appointment_id: Some(visit.clone()),
            ..ConsultationCompleted::new(body.get("patient").text()?.to_owned(), body.get("ended").timestamp()?)
        };
        let reports = vec![Report::ConsultationCompleted(consultation)];
        // A second message with the same id is a repetition, and has no second effect.
        Ok(Accepted { message_id: Some(visit), ..Accepted::new(reports) }.into())
    }
}

export_inbound!({{type}});
