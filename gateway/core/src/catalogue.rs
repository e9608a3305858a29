//! The catalogue of event types: the eleven of the specification, and what the gateway itself adds.

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The type.
    pub event_type: &'static str,
    /// The domain it belongs to.
    pub domain: &'static str,
    /// What it says, for a person.
    pub description: &'static str,
    /// Example data, JSON text.
    pub example: &'static str,
}

/// Fired when a customer needs to be established in a region and is not.
pub const REQUIREMENT_CREATED: &str = "compliance.requirement_created";
/// Fired when a consultation established a customer in a region.
pub const ESTABLISHMENT_FULFILLED: &str = "compliance.establishment_fulfilled";
/// Fired when an establishment lapsed.
pub const ESTABLISHMENT_EXPIRED: &str = "compliance.establishment_expired";
/// Fired when a partner booked or moved an appointment.
pub const CONSULTATION_SCHEDULED: &str = "compliance.consultation_scheduled";
/// Fired when a partner cancelled an appointment. The gateway's own addition: a cancellation under the name of a booking would be misread.
pub const CONSULTATION_CANCELLED: &str = "compliance.consultation_cancelled";
/// Published by the platform: a new customer.
pub const CUSTOMER_CREATED: &str = "customer.created";
/// Published by the platform: a customer moved.
pub const CUSTOMER_ADDRESS_CHANGED: &str = "customer.address_changed";

/// Fired when a source that should be heard of regularly has not been for too long.
pub const SOURCE_SILENT: &str = "source.silent";
/// Fired when such a source is heard of again.
pub const SOURCE_HEARD: &str = "source.heard";

/// Fired when a version of a plugin failed too often and was taken out of service.
pub const PLUGIN_QUARANTINED: &str = "plugin.quarantined";

/// Fired when a subscription has done nothing but fail for half the time after which it is switched off.
pub const SUBSCRIPTION_FAILING: &str = "subscription.failing";
/// Fired when the gateway switched a subscription off.
pub const SUBSCRIPTION_DISABLED: &str = "subscription.disabled";
/// Sent to one subscription because an operator wants to see whether it arrives.
pub const WEBHOOK_TEST: &str = "webhook.test";

/// Every entry, in the order of the specification; what the gateway adds comes last.
pub const CATALOGUE: &[CatalogueEntry] = &[
    CatalogueEntry {
        event_type: REQUIREMENT_CREATED,
        domain: "compliance",
        description: "Validation needed: the customer lives in a region in which they are not established.",
        example: r#"{"customer_id":"cus_xyz","region_code":"US-TX","cause":"customer.created"}"#,
    },
    CatalogueEntry {
        event_type: ESTABLISHMENT_FULFILLED,
        domain: "compliance",
        description: "User verified in region: a consultation established the customer there.",
        example: r#"{"customer_id":"cus_xyz","region_code":"US-TX","establishment":{"id":"est_01hv2m0000000","established":true,"since":"2026-01-04T22:30:00Z","until":"2027-01-04T22:30:00Z","appointment_id":"appt_789"},"consultation":{"appointment_id":"appt_789","provider_id":"dr_abc","duration_minutes":15,"duration_source":"actual","completed_at":"2026-01-04T22:30:00Z","completed_at_precision":"second"},"provenance":{"region_source":"customer_address","region_decided_by":"state","address_as_of":"2025-11-02T09:00:00Z"}}"#,
    },
    CatalogueEntry {
        event_type: ESTABLISHMENT_EXPIRED,
        domain: "compliance",
        description: "Verification lapsed: the validity of the establishment ended without a further consultation.",
        example: r#"{"customer_id":"cus_xyz","region_code":"US-TX","establishment":{"id":"est_01hv2m0000000","established":false,"since":"2026-01-04T22:30:00Z","until":"2027-01-04T22:30:00Z","appointment_id":"appt_789"}}"#,
    },
    CatalogueEntry {
        event_type: CONSULTATION_SCHEDULED,
        domain: "compliance",
        description: "Appointment booked; `state` tells whether it was scheduled or rescheduled.",
        example: r#"{"customer_id":"cus_xyz","region_code":"US-TX","appointment_id":"appt_790","provider_id":"dr_abc","state":"scheduled","starts_at":"2026-02-01T15:00:00Z","duration_minutes":20}"#,
    },
    CatalogueEntry {
        event_type: "order.placed",
        domain: "orders",
        description: "New order created.",
        example: r#"{"order_id":"ord_123","customer_id":"cus_xyz","total":{"amount":"49.00","currency":"USD"}}"#,
    },
    CatalogueEntry {
        event_type: "order.paid",
        domain: "orders",
        description: "Payment captured.",
        example: r#"{"order_id":"ord_123","customer_id":"cus_xyz","payment_id":"pay_456","total":{"amount":"49.00","currency":"USD"}}"#,
    },
    CatalogueEntry {
        event_type: "order.shipped",
        domain: "orders",
        description: "Fulfillment created.",
        example: r#"{"order_id":"ord_123","customer_id":"cus_xyz","carrier":"UPS","tracking_number":"1Z999AA10123456784"}"#,
    },
    CatalogueEntry {
        event_type: "order.delivered",
        domain: "orders",
        description: "Shipment arrived.",
        example: r#"{"order_id":"ord_123","customer_id":"cus_xyz","delivered_at":"2026-01-08T16:04:00Z"}"#,
    },
    CatalogueEntry {
        event_type: "order.cancelled",
        domain: "orders",
        description: "Order voided.",
        example: r#"{"order_id":"ord_123","customer_id":"cus_xyz","cause":"customer_request"}"#,
    },
    CatalogueEntry {
        event_type: CUSTOMER_CREATED,
        domain: "customer",
        description: "New registration. The gateway keeps its customer record current from it and checks the region.",
        example: r#"{"customer_id":"cus_xyz","name":"Ada Example","address":{"line1":"1 Main St","city":"Austin","state":"TX","postal_code":"78701","country":"US"}}"#,
    },
    CatalogueEntry {
        event_type: CUSTOMER_ADDRESS_CHANGED,
        domain: "customer",
        description: "The customer moved; triggers the region check.",
        example: r#"{"customer_id":"cus_xyz","address":{"line1":"9 Plaza","city":"Santa Fe","state":"NM","postal_code":"87501","country":"US"}}"#,
    },
    CatalogueEntry {
        event_type: CONSULTATION_CANCELLED,
        domain: "compliance",
        description: "Appointment cancelled by the partner. Added by the gateway to the eleven of the specification.",
        example: r#"{"customer_id":"cus_xyz","region_code":"US-TX","appointment_id":"appt_790","provider_id":"dr_abc","state":"cancelled","starts_at":"2026-02-01T15:00:00Z","duration_minutes":20}"#,
    },
    CatalogueEntry {
        event_type: PLUGIN_QUARANTINED,
        domain: "operations",
        description: "A version of a plugin failed too often one call after the other and was taken out of service; `serving` is the version that serves instead, if any. Published by the gateway.",
        example: r#"{"plugin":"emr-video-call","world":"inbound","digest":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","version":"1.3.0","reason":"5 calls failed one after the other; the last with trap","quarantined_at":"2026-01-04T22:30:00Z","serving":"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"}"#,
    },
    CatalogueEntry {
        event_type: SOURCE_SILENT,
        domain: "operations",
        description: "A source has a heartbeat, and nothing has come through it for longer than that: the partner's subscription may have ended. Published by the gateway, once for each silence.",
        example: r#"{"source_id":"src_01hv2m0000000","slug":"athena","heartbeat_seconds":3600,"last_heard_at":"2026-01-04T22:30:00Z"}"#,
    },
    CatalogueEntry {
        event_type: SOURCE_HEARD,
        domain: "operations",
        description: "A source that had fallen silent is heard of again. Published by the gateway, once for each silence that it told of.",
        example: r#"{"source_id":"src_01hv2m0000000","slug":"athena","silent_since":"2026-01-04T22:30:00Z","heard_at":"2026-01-05T01:12:40Z"}"#,
    },
    CatalogueEntry {
        event_type: SUBSCRIPTION_FAILING,
        domain: "subscriptions",
        description: "A subscription has done nothing but fail for half the time after which it is switched off.",
        example: r#"{"subscription_id":"sub_01hv2m0000000","name":"Klaviyo","reason":"failing","failing_since":"2026-01-04T22:30:00Z","will_be_disabled_at":"2026-01-09T22:30:00Z"}"#,
    },
    CatalogueEntry {
        event_type: SUBSCRIPTION_DISABLED,
        domain: "subscriptions",
        description: "The gateway switched a subscription off: it answered 410, or did nothing but fail for too long.",
        example: r#"{"subscription_id":"sub_01hv2m0000000","name":"Klaviyo","reason":"gone","disabled_at":"2026-01-09T22:30:00Z"}"#,
    },
    CatalogueEntry {
        event_type: WEBHOOK_TEST,
        domain: "subscriptions",
        description: "A test of one subscription, which it alone receives, whatever it is subscribed to: nothing has happened. Published by the gateway when an operator asks for it.",
        example: r#"{"subscription_id":"sub_0abcdefghjkmn","message":"This is a test: nothing has happened."}"#,
    },
];

/// The entry of a type, if the catalogue has one.
pub fn find(event_type: &str) -> Option<&'static CatalogueEntry> {
    CATALOGUE.iter().find(|entry| entry.event_type == event_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_eleven_types_of_the_specification_and_seven_more_with_valid_examples() {
        assert_eq!(CATALOGUE.len(), 18);
        for entry in CATALOGUE {
            let example: serde_json::Value = serde_json::from_str(entry.example).unwrap();
            let subject = match entry.domain {
                "operations" if [SOURCE_SILENT, SOURCE_HEARD].contains(&entry.event_type) => "source_id",
                "operations" => "plugin",
                "subscriptions" => "subscription_id",
                _ => "customer_id",
            };
            assert!(example[subject].is_string(), "{}", entry.event_type);
            assert!(!entry.description.is_empty());
            assert_eq!(find(entry.event_type), Some(entry));
        }
    }
}
