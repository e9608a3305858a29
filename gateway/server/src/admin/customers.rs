//! `/admin/customers`: whom the compliance records are about.

use super::answer;
use super::body::{self, Faults, Object};
use super::call::Call;
use super::query::Query;
use crate::app::App;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hookwright_core::customer::{Customer, CustomerDraft, is_external_id};
use hookwright_core::intake::{Answer, PutCustomer, Work};
use hookwright_core::region::Address;
use hookwright_core::timestamp::format_ms;
use http::{StatusCode, Uri};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

const NAME_CHARACTERS_MAX: usize = 200;
const LINE_CHARACTERS_MAX: usize = 200;

/// A customer; name and address only where the caller may see them.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a Address>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redacted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    region_outcome: &'a str,
    created_at: String,
    updated_at: String,
}

impl<'a> Shown<'a> {
    fn of(customer: &'a Customer, whole: bool) -> Self {
        let seen = whole.then_some(customer);
        Self {
            id: &customer.external_id,
            name: seen.and_then(|customer| customer.name.as_deref()),
            address: seen.and_then(|customer| customer.address.as_ref()),
            redacted: !whole,
            region: customer.region.map(|region| region.to_string()),
            region_outcome: &customer.region_outcome,
            created_at: format_ms(customer.created_at),
            updated_at: format_ms(customer.updated_at),
        }
    }
}

/// `GET /admin/customers`, by id. Names and addresses are left to the single record, whose reading is audited.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let limit = query.limit();
    let after = query
        .read("cursor", "the next_cursor of the page before", |text| is_external_id(text).then(|| text.to_owned()));
    query.finish()?;
    let rows = app.store.customers(after, limit).await?;
    let full = rows.len() == limit as usize;
    let next = rows.last().filter(|_| full).map(|row| row.external_id.clone());
    answer::list(rows.iter().map(|customer| Shown::of(customer, false)).collect(), next)
}

/// `GET /admin/customers/{id}`.
pub async fn get(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    if !is_external_id(&id) {
        return Err(Problem::not_found("customer"));
    }
    let customer = app.store.customer(id).await?.ok_or_else(|| Problem::not_found("customer"))?;
    if call.sees_bodies() {
        call.record_reading(&app, "customer.read", &customer.external_id).await?;
    }
    answer::ok(&Shown::of(&customer, call.sees_bodies()))
}

/// `PUT /admin/customers/{id}`: creates the customer or replaces what is known of them.
pub async fn put(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::sound_json(&app, request, body::JSON).await?;
    let draft = read(id, &body::value(&bytes)?)?;
    let work = Work::PutCustomer(Box::new(PutCustomer {
        draft,
        actor: call.caller.actor.clone(),
        reason: call.reason.clone(),
        request_id: Some(call.request_id.clone()),
    }));
    let Answer::Customer(customer, fresh) = app.store.submit(work).await? else {
        return Err(Problem::unexpected(&"a customer was answered as something else"));
    };
    app.upkeep.customer_changed();
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    let stored = answer::store(status, &Shown::of(&customer, true))?;
    Ok(answer::stored(&stored, "/admin/customers"))
}

fn read(external_id: String, body: &Value) -> Result<CustomerDraft, Problem> {
    let mut faults = Faults::default();
    if !is_external_id(&external_id) {
        let detail = "the id in the path must be 1 to 200 visible ASCII characters without / ? # % quotes or backslash";
        faults.add("", detail);
    }
    let mut draft = CustomerDraft { external_id, name: None, address: None };
    if let Some(mut object) = Object::read(body, "", &mut faults) {
        draft.name = object.text("name", NAME_CHARACTERS_MAX, &mut faults).map(str::to_owned);
        draft.address = object.object("address", &mut faults).map(|object| address(object, &mut faults));
        let given = ["id", "region", "region_outcome", "created_at", "updated_at", "redacted"];
        object.finish(&given, &mut faults);
    }
    faults.finish()?;
    Ok(draft)
}

fn address(mut object: Object<'_>, faults: &mut Faults) -> Address {
    let mut line = |name| object.text(name, LINE_CHARACTERS_MAX, faults).map(str::to_owned);
    let address = Address {
        line1: line("line1"),
        line2: line("line2"),
        city: line("city"),
        state: line("state"),
        postal_code: line("postal_code"),
        country: line("country"),
    };
    object.finish(&[], faults);
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_customer_is_read() {
        let draft = read("cus_1".into(), &json!({"name": "Ada", "address": {"state": "TX", "city": null}})).unwrap();
        assert_eq!(draft.name.as_deref(), Some("Ada"));
        assert_eq!(draft.address.unwrap().state.as_deref(), Some("TX"));
        assert!(read("cus_1".into(), &json!({})).unwrap().address.is_none());
    }

    #[test]
    fn what_is_wrong_is_named_without_what_was_sent() {
        for (id, body, pointer) in [
            ("a b", json!({}), "\"\""),
            ("c", json!({"name": 7}), "\"/name\""),
            ("c", json!({"address": "1 Main St"}), "\"/address\""),
            ("c", json!({"address": {"zip": "78701"}}), "\"/address/zip\""),
            ("c", json!({"address": {"state": 7}}), "\"/address/state\""),
            ("c", json!({"region": "US-TX"}), "\"/region\""),
        ] {
            let text = String::from_utf8(read(id.into(), &body).unwrap_err().body("r")).unwrap();
            assert!(text.contains(&format!("\"pointer\":{pointer}")), "{body}: {text}");
            assert!(!text.contains("Main St") && !text.contains("78701"));
        }
    }

    #[test]
    fn name_and_address_are_shown_to_those_who_may_see_them() {
        let customer = Customer {
            external_id: "cus_1".into(),
            name: Some("Ada".into()),
            address: Some(Address { city: Some("Austin".into()), ..Address::default() }),
            region: "US-TX".parse().ok(),
            region_outcome: "state".into(),
            created_at: 0,
            updated_at: 0,
        };
        insta::assert_snapshot!(serde_json::to_string(&Shown::of(&customer, true)).unwrap(), @r#"{"id":"cus_1","name":"Ada","address":{"city":"Austin"},"region":"US-TX","region_outcome":"state","created_at":"1970-01-01T00:00:00Z","updated_at":"1970-01-01T00:00:00Z"}"#);
        insta::assert_snapshot!(serde_json::to_string(&Shown::of(&customer, false)).unwrap(), @r#"{"id":"cus_1","redacted":true,"region":"US-TX","region_outcome":"state","created_at":"1970-01-01T00:00:00Z","updated_at":"1970-01-01T00:00:00Z"}"#);
    }
}
