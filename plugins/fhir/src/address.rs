//! Which of a patient's addresses counts, and how it reads.

use hookwright_plugin_sdk::inbound::{Address, Precision};
use hookwright_plugin_sdk::iso8601::{Assumed, Coarseness};
use hookwright_plugin_sdk::json::{Mismatch, Node};
use hookwright_plugin_sdk::timestamp::to_rfc3339;

const ADDRESSES_MAX: usize = 64;
const LINES_MAX: usize = 8;

/// An address with what is told about it.
pub(crate) struct Chosen {
    pub address: Address,
    /// `address-use`, `address-as-of` and `address-period`.
    pub attributes: Vec<(String, String)>,
}

/// The address where somebody lived at that time: of those whose period holds it, a home before a temporary one before
/// one of no stated use. Where people work, are billed or once lived says nothing about where they are.
pub(crate) fn lived_at(addresses: &Node<'_>, at_unix_ms: i64, zone: Assumed) -> Result<Option<Chosen>, Mismatch> {
    let mut best: Option<(u8, Node<'_>)> = None;
    for address in addresses.each().take(ADDRESSES_MAX) {
        let rank = match address.get("use").as_text() {
            Some("home") => 0,
            Some("temp") => 2,
            None => 4,
            Some(_) => continue,
        };
        let rank = rank + u8::from(address.get("type").as_text() == Some("postal"));
        if is_current(&address.get("period"), at_unix_ms, zone) && best.as_ref().is_none_or(|(held, _)| rank < *held) {
            best = Some((rank, address));
        }
    }
    let Some((_, address)) = best else { return Ok(None) };
    let used = address.get("use").as_text().unwrap_or("unspecified").to_owned();
    let mut attributes = vec![("address-use".to_owned(), used), ("address-as-of".to_owned(), to_rfc3339(at_unix_ms))];
    let period = |key: &str| {
        let at = address.get("period").get(key);
        at.moment(zone).ok().and_then(|_| at.as_text()).unwrap_or_default()
    };
    let (start, end) = (period("start"), period("end"));
    if !(start.is_empty() && end.is_empty()) {
        attributes.push(("address-period".to_owned(), format!("{start}/{end}")));
    }
    Ok(read(&address)?.map(|address| Chosen { address, attributes }))
}

/// The parts of an address; nothing if it has none.
pub(crate) fn read(place: &Node<'_>) -> Result<Option<Address>, Mismatch> {
    place.object()?;
    let part = |key| place.get(key).told().map(|it| it.line()).transpose();
    let told: Vec<_> = place.get("line").each().filter_map(Node::told).collect();
    if told.len() > LINES_MAX {
        return Err(place.get("line").mismatch("at most 8 lines"));
    }
    let mut lines: Vec<String> = told.into_iter().map(|line| line.line()).collect::<Result<_, _>>()?;
    let (city, state) = (part("city")?, part("state")?);
    let (postal_code, country) = (part("postalCode")?, part("country")?);
    let parts = [&city, &state, &postal_code, &country];
    if lines.is_empty() && parts.iter().all(|it| it.is_none()) {
        lines.extend(part("text")?);
        if lines.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(Address { lines, city, state, postal_code, country, attributes: Vec::new() }))
}

/// Whether the period holds the time. An end that is told to the day, month or year holds until that is over, and what
/// cannot be read does not exclude anything.
fn is_current(period: &Node<'_>, at_unix_ms: i64, zone: Assumed) -> bool {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let start = period.get("start").moment(zone).ok().map(|it| it.timestamp.unix_ms);
    let end = period.get("end").moment(zone).ok().map(|it| {
        let span = match (it.coarser, it.timestamp.precision) {
            (Some(Coarseness::Year), _) => 366 * DAY_MS,
            (Some(Coarseness::Month), _) => 31 * DAY_MS,
            (None, Precision::Day) => DAY_MS,
            (None, _) => 0,
        };
        it.timestamp.unix_ms + span
    });
    start.is_none_or(|start| start <= at_unix_ms) && end.is_none_or(|end| at_unix_ms <= end)
}
