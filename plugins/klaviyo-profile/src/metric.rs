//! Which event types go out, under which name, with which properties. What is not named here stays: it is a list of
//! what may leave, not of what must not.

/// An event type in the words of the marketing API.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) properties: &'static [Property],
}

/// A property, and the path in the event's data that it comes from.
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) path: &'static [&'static str],
}

const fn property(name: &'static str, path: &'static [&'static str]) -> Property {
    Property { name, path }
}

const ORDER: &[Property] = &[
    property("OrderId", &["order_id"]),
    property("Value", &["total"]),
    property("Currency", &["currency"]),
    property("ItemCount", &["item_count"]),
];
const SHIPMENT: &[Property] = &[
    property("OrderId", &["order_id"]),
    property("Carrier", &["carrier"]),
    property("TrackingUrl", &["tracking_url"]),
];
/// Of compliance, that a region is open to the customer, and nothing of the consultation behind it.
const REGION: &[Property] = &[
    property("Region", &["region_code"]),
    property("Established", &["establishment", "established"]),
    property("EstablishedSince", &["establishment", "since"]),
    property("EstablishedUntil", &["establishment", "until"]),
];
const NOTHING: &[Property] = &[];

impl Metric {
    /// The metric of an event type; none for types that are not for marketing.
    pub(crate) fn of(event_type: &str) -> Option<Self> {
        let (name, properties) = match event_type {
            "compliance.establishment_fulfilled" => ("Region Established", REGION),
            "compliance.establishment_expired" => ("Region Establishment Expired", REGION),
            "order.placed" => ("Placed Order", ORDER),
            "order.paid" => ("Paid Order", ORDER),
            "order.shipped" => ("Shipped Order", SHIPMENT),
            "order.delivered" => ("Delivered Order", SHIPMENT),
            "order.cancelled" => ("Cancelled Order", ORDER),
            "customer.created" => ("Created Account", NOTHING),
            "customer.address_changed" => ("Changed Address", NOTHING),
            _ => return None,
        };
        Some(Self { name, properties })
    }
}
