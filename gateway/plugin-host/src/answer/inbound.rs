//! Outcomes and refusals.

use super::bound::{ID_BYTES_MAX, Invalid, TEXT_BYTES_MAX, at_most, attributes, code, metadata, optional, text};
use super::clinical::report;
use super::http::{headers, method, reply};
use crate::bindings::inbound::exports::hookwright::plugin::intake as wit;
use crate::inbound::{Accepted, Fetch, Ignored, NeedFetch, Outcome, Refusal};

const REPORTS_MAX: usize = 256;
const FETCHES_MAX: usize = 16;
const FETCH_METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const URL_BYTES_MAX: usize = 4096;
const STATE_BYTES_MAX: usize = 64 << 10;

/// Checks what became of a request.
pub(crate) fn outcome(outcome: wit::Outcome) -> Result<Outcome, Invalid> {
    match outcome {
        wit::Outcome::Accepted(record) => {
            accepted(record).map(Outcome::Accepted).map_err(|invalid| invalid.within("accepted"))
        }
        wit::Outcome::Ignored(record) => {
            ignored(record).map(Outcome::Ignored).map_err(|invalid| invalid.within("ignored"))
        }
        wit::Outcome::NeedFetch(record) => {
            need_fetch(record).map(Outcome::NeedFetch).map_err(|invalid| invalid.within("need-fetch"))
        }
    }
}

fn accepted(record: wit::Accepted) -> Result<Accepted, Invalid> {
    at_most("reports", &record.reports, REPORTS_MAX)?;
    let reports = record.reports.into_iter().enumerate();
    let reports = reports.map(|(at, one)| report(one).map_err(|invalid| invalid.within(&format!("reports[{at}]"))));
    Ok(Accepted {
        message_id: optional("message-id", record.message_id, ID_BYTES_MAX)?,
        reports: reports.collect::<Result<_, _>>()?,
        reply: reply(record.reply)?,
        metadata: metadata(record.metadata)?,
        attributes: attributes(record.attributes)?,
    })
}

fn ignored(record: wit::Ignored) -> Result<Ignored, Invalid> {
    Ok(Ignored {
        reason: text("reason", record.reason, TEXT_BYTES_MAX)?,
        reply: reply(record.reply)?,
        metadata: metadata(record.metadata)?,
        attributes: attributes(record.attributes)?,
    })
}

fn need_fetch(record: wit::NeedFetch) -> Result<NeedFetch, Invalid> {
    if record.fetches.is_empty() {
        return Err(Invalid::new("fetches", "must not be empty"));
    }
    at_most("fetches", &record.fetches, FETCHES_MAX)?;
    if record.state.len() > STATE_BYTES_MAX {
        return Err(Invalid::new("state", format!("must have at most {STATE_BYTES_MAX} bytes")));
    }
    let mut fetches = Vec::with_capacity(record.fetches.len());
    for one in record.fetches {
        let one = fetch(one).map_err(|invalid| invalid.within("fetches"))?;
        if fetches.iter().any(|other: &Fetch| other.id == one.id) {
            return Err(Invalid::new("fetches.id", "must be unique"));
        }
        fetches.push(one);
    }
    Ok(NeedFetch {
        fetches,
        state: record.state,
        message_id: optional("message-id", record.message_id, ID_BYTES_MAX)?,
        reply: reply(record.reply)?,
        metadata: metadata(record.metadata)?,
        attributes: attributes(record.attributes)?,
    })
}

fn fetch(record: wit::Fetch) -> Result<Fetch, Invalid> {
    Ok(Fetch {
        id: text("id", record.id, ID_BYTES_MAX)?,
        method: method(&record.method, &FETCH_METHODS)?,
        url: text("url", record.url, URL_BYTES_MAX)?,
        headers: headers(record.headers, &[])?,
        body: record.body,
        attributes: attributes(record.attributes)?,
    })
}

/// Checks why a request is not taken.
pub(crate) fn refusal(refusal: wit::Refusal) -> Result<Refusal, Invalid> {
    checked_refusal(refusal).map_err(|invalid| invalid.within("refusal"))
}

fn checked_refusal(refusal: wit::Refusal) -> Result<Refusal, Invalid> {
    Ok(Refusal {
        code: code(refusal.code)?,
        location: optional("location", refusal.location, TEXT_BYTES_MAX)?,
        expected: optional("expected", refusal.expected, TEXT_BYTES_MAX)?,
        reply: reply(refusal.reply)?.map(Box::new),
        attributes: attributes(refusal.attributes)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetch_of(id: &str) -> wit::Fetch {
        wit::Fetch {
            id: id.to_owned(),
            method: "GET".to_owned(),
            url: "/patients/1".to_owned(),
            headers: Vec::new(),
            body: None,
            attributes: Vec::new(),
        }
    }

    fn need(ids: &[&str]) -> wit::Outcome {
        wit::Outcome::NeedFetch(wit::NeedFetch {
            fetches: ids.iter().map(|id| fetch_of(id)).collect(),
            state: Vec::new(),
            message_id: None,
            reply: None,
            metadata: Vec::new(),
            attributes: Vec::new(),
        })
    }

    #[test]
    fn fetches_are_few_and_told_apart() {
        assert!(outcome(need(&["patient", "visit"])).is_ok());
        assert!(outcome(need(&[])).is_err());
        let twice = outcome(need(&["patient", "patient"]));
        assert_eq!(twice.err().map(|invalid| invalid.field).as_deref(), Some("need-fetch.fetches.id"));
        let ids: Vec<String> = (0..17).map(|id| id.to_string()).collect();
        assert!(outcome(need(&ids.iter().map(String::as_str).collect::<Vec<_>>())).is_err());
    }
}
