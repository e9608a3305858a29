//! `/admin/event-types`: the catalogue.

use super::answer;
use super::query::Query;
use crate::problem::Problem;
use axum::response::Response;
use hookwright_core::catalogue::{CATALOGUE, CatalogueEntry};
use http::Uri;
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct Shown {
    r#type: &'static str,
    domain: &'static str,
    description: &'static str,
    example: &'static RawValue,
}

impl Shown {
    fn of(entry: &CatalogueEntry) -> Result<Self, Problem> {
        Ok(Self {
            r#type: entry.event_type,
            domain: entry.domain,
            description: entry.description,
            example: answer::verbatim(entry.example)?,
        })
    }
}

/// `GET /admin/event-types`, in the order of the specification.
pub async fn list(uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let limit = query.limit();
    let from = query.read("cursor", "the next_cursor of the page before", after).unwrap_or(0);
    query.finish()?;
    let rest = CATALOGUE.get(from..).unwrap_or_default();
    let rows: Vec<Shown> = rest.iter().take(limit as usize).map(Shown::of).collect::<Result<_, _>>()?;
    let next = if rest.len() > rows.len() { rows.last().map(|row| row.r#type) } else { None };
    answer::list(rows, next)
}

/// The place after the entry of that type.
fn after(event_type: &str) -> Option<usize> {
    CATALOGUE.iter().position(|entry| entry.event_type == event_type).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_can_be_shown_and_paged_to() {
        for (at, entry) in CATALOGUE.iter().enumerate() {
            let shown = serde_json::to_value(Shown::of(entry).unwrap()).unwrap();
            assert!(shown["example"].as_object().is_some_and(|example| !example.is_empty()));
            assert_eq!(after(entry.event_type), Some(at + 1));
        }
        assert_eq!(after("nothing"), None);
    }
}
