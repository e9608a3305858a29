//! A customer: who the compliance records are about.

use crate::catalogue;
use crate::region::{Address, RegionCode};
use serde_json::{Map, Value};
use std::fmt;

/// A customer as stored. The id is the platform's own and kept as given.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    /// The platform's id, which partners are given as `patient_external_id`.
    pub external_id: String,
    /// The name.
    pub name: Option<String>,
    /// The address the region is decided from.
    pub address: Option<Address>,
    /// The region, where it could be decided.
    pub region: Option<RegionCode>,
    /// How the region was decided, or why not: a stable word such as `state`, `zip`, `conflict`, `military`.
    pub region_outcome: String,
    /// Creation, unix milliseconds.
    pub created_at: i64,
    /// Last change, unix milliseconds.
    pub updated_at: i64,
}

/// Name and address are a patient's: they never reach a log.
impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer")
            .field("external_id", &self.external_id)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// The longest customer id that is accepted, in bytes.
pub const EXTERNAL_ID_MAX: usize = 200;

/// Whether `id` can be a customer's: 1 to 200 bytes of visible ASCII without `/`, `?`, `#`, `%`, quotes or backslash, so that it can stand in a path.
pub fn is_external_id(id: &str) -> bool {
    (1..=EXTERNAL_ID_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b'?' | b'#' | b'%' | b'"' | b'\'' | b'\\'))
        && id != "."
        && id != ".."
}

/// What is said of a customer: by an event, a partner or an operator.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerDraft {
    /// The platform's id.
    pub external_id: String,
    /// The name, if told.
    pub name: Option<String>,
    /// The address, if told.
    pub address: Option<Address>,
}

impl fmt::Debug for CustomerDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomerDraft").field("external_id", &self.external_id).finish_non_exhaustive()
    }
}

/// What is wrong with the data of a customer event: where, and why, without the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {why}")]
pub struct CustomerFault {
    /// JSON pointer into the event's data.
    pub pointer: String,
    /// Why, for a person.
    pub why: &'static str,
}

fn fault(pointer: &str, why: &'static str) -> CustomerFault {
    CustomerFault { pointer: pointer.to_owned(), why }
}

/// Reads the customer out of an event's data where the type is one that keeps customers current; `None` for every other type.
/// Members that are not the gateway's concern are left alone: the data is the platform's own.
pub fn from_event(event_type: &str, data: &str) -> Result<Option<CustomerDraft>, CustomerFault> {
    let moved = event_type == catalogue::CUSTOMER_ADDRESS_CHANGED;
    if event_type != catalogue::CUSTOMER_CREATED && !moved {
        return Ok(None);
    }
    let data: Value = serde_json::from_str(data).map_err(|_| fault("", "must be JSON"))?;
    let Value::Object(members) = &data else {
        return Err(fault("", "must be an object"));
    };
    let Some(Value::String(external_id)) = members.get("customer_id") else {
        return Err(fault("/customer_id", "is required: the customer's id, as text"));
    };
    if !is_external_id(external_id) {
        return Err(fault(
            "/customer_id",
            "must be 1 to 200 visible ASCII characters without / ? # % quotes or backslash",
        ));
    }
    let name = text(members, &["name"], "/name", 200)?;
    let address = match members.get("address") {
        None | Some(Value::Null) if moved => return Err(fault("/address", "is required when a customer moved")),
        None | Some(Value::Null) => None,
        Some(Value::Object(address)) => Some(read_address(address)?),
        Some(_) => return Err(fault("/address", "must be an object")),
    };
    Ok(Some(CustomerDraft { external_id: external_id.clone(), name, address }))
}

/// Platforms spell address members in several ways; each of these is unambiguous.
fn read_address(members: &Map<String, Value>) -> Result<Address, CustomerFault> {
    Ok(Address {
        line1: text(members, &["line1", "address1", "address_1", "street"], "/address/line1", 300)?,
        line2: text(members, &["line2", "address2", "address_2"], "/address/line2", 300)?,
        city: text(members, &["city"], "/address/city", 200)?,
        state: text(members, &["state", "province", "state_code", "province_code", "region"], "/address/state", 100)?,
        postal_code: text(members, &["postal_code", "zip", "zip_code", "postcode"], "/address/postal_code", 20)?,
        country: text(members, &["country", "country_code"], "/address/country", 100)?,
    })
}

fn text(
    members: &Map<String, Value>,
    names: &[&str],
    pointer: &str,
    bytes_max: usize,
) -> Result<Option<String>, CustomerFault> {
    match names.iter().find_map(|name| members.get(*name)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(value)) if value.len() <= bytes_max => Ok(Some(value.clone())),
        Some(Value::String(_)) => Err(fault(pointer, "is too long")),
        Some(_) => Err(fault(pointer, "must be text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_catalogue_shows() {
        for name in [catalogue::CUSTOMER_CREATED, catalogue::CUSTOMER_ADDRESS_CHANGED] {
            let example = catalogue::find(name).unwrap().example;
            let draft = from_event(name, example).unwrap().unwrap();
            assert_eq!(draft.external_id, "cus_xyz");
            assert!(draft.address.unwrap().state.is_some());
        }
    }

    #[test]
    fn leaves_other_types_alone() {
        assert_eq!(from_event("order.placed", "[]"), Ok(None));
    }

    #[test]
    fn says_where_the_data_is_wrong() {
        let cases = [
            ("[]", ""),
            ("{}", "/customer_id"),
            (r#"{"customer_id":7}"#, "/customer_id"),
            (r#"{"customer_id":"a/b"}"#, "/customer_id"),
            (r#"{"customer_id":"c","name":7}"#, "/name"),
            (r#"{"customer_id":"c","address":"Texas"}"#, "/address"),
            (r#"{"customer_id":"c","address":{"zip":78701}}"#, "/address/postal_code"),
        ];
        for (data, pointer) in cases {
            assert_eq!(from_event(catalogue::CUSTOMER_CREATED, data).unwrap_err().pointer, pointer, "{data}");
        }
        let moved = from_event(catalogue::CUSTOMER_ADDRESS_CHANGED, r#"{"customer_id":"c"}"#);
        assert_eq!(moved.unwrap_err().pointer, "/address");
    }
}
