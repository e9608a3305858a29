//! Establishments: the record that a customer is established in a region, and the pure rules by which it comes about and lapses.

use crate::id::{EstablishmentId, MessageId};
use crate::region::RegionCode;
use std::collections::BTreeMap;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// That a customer is, or was, established in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Establishment {
    /// Its id; one per customer and region, for good.
    pub id: EstablishmentId,
    /// The customer.
    pub customer_id: String,
    /// The region.
    pub region: RegionCode,
    /// Whether it holds now.
    pub established: bool,
    /// Since when it has held without a gap, unix milliseconds.
    pub since: i64,
    /// Until when it holds, unix milliseconds.
    pub until: i64,
    /// The consultation that carried it furthest.
    pub appointment_id: Option<String>,
    /// The message that told of it.
    pub message_id: Option<MessageId>,
    /// Last change, unix milliseconds.
    pub updated_at: i64,
}

/// How long an establishment holds after a consultation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Days, where nothing is said of the region.
    pub default_days: u32,
    /// Days by region.
    pub by_region: BTreeMap<RegionCode, u32>,
}

impl Default for Validity {
    fn default() -> Self {
        Self { default_days: 365, by_region: BTreeMap::new() }
    }
}

impl Validity {
    /// When an establishment in `region` by a consultation at `completed_at` lapses, unix milliseconds.
    pub fn until(&self, region: &RegionCode, completed_at: i64) -> i64 {
        let days = self.by_region.get(region).copied().unwrap_or(self.default_days);
        completed_at.saturating_add(i64::from(days).saturating_mul(DAY_MS))
    }
}

/// A consultation as the rules see it.
#[derive(Clone, Debug)]
pub struct Consultation {
    /// When it ended, unix milliseconds.
    pub completed_at: i64,
    /// The partner's appointment.
    pub appointment_id: Option<String>,
    /// The message that told of it.
    pub message_id: Option<MessageId>,
}

/// What a consultation does to the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The record is new or reaches further now; the event is fired.
    Fulfilled(Establishment),
    /// An older consultation than the one on record: nothing changes.
    Unchanged,
}

/// Creates or updates the establishment of one customer in one region. A later consultation extends it; one after a gap starts it afresh; an older one changes nothing.
pub fn fulfil(
    existing: Option<&Establishment>,
    fresh_id: EstablishmentId,
    customer_id: &str,
    region: &RegionCode,
    consultation: &Consultation,
    validity: &Validity,
    now_ms: i64,
) -> Change {
    let until = validity.until(region, consultation.completed_at);
    let (id, since) = match existing {
        None => (fresh_id, consultation.completed_at),
        Some(record) if until <= record.until => return Change::Unchanged,
        Some(record) if consultation.completed_at <= record.until => (record.id, record.since),
        Some(record) => (record.id, consultation.completed_at),
    };
    Change::Fulfilled(Establishment {
        id,
        customer_id: customer_id.to_owned(),
        region: *region,
        established: true,
        since,
        until,
        appointment_id: consultation.appointment_id.clone(),
        message_id: consultation.message_id,
        updated_at: now_ms,
    })
}

/// Whether the record holds at `now_ms`. The flag alone is not asked: the timer that clears it may not have run yet.
pub fn holds(record: &Establishment, now_ms: i64) -> bool {
    record.established && record.until > now_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region() -> RegionCode {
        "US-TX".parse().unwrap()
    }

    fn at(completed_at: i64) -> Consultation {
        Consultation { completed_at, appointment_id: Some(format!("appt_{completed_at}")), message_id: None }
    }

    fn run(existing: Option<&Establishment>, completed_at: i64) -> Change {
        let id = EstablishmentId::from_i64(7).unwrap();
        fulfil(existing, id, "cus_xyz", &region(), &at(completed_at), &Validity::default(), 1)
    }

    fn made(change: Change) -> Establishment {
        match change {
            Change::Fulfilled(record) => record,
            Change::Unchanged => panic!("expected a change"),
        }
    }

    #[test]
    fn a_first_consultation_establishes_for_a_year() {
        let record = made(run(None, 1_000));
        assert_eq!((record.since, record.until), (1_000, 1_000 + 365 * DAY_MS));
        assert!(record.established);
    }

    #[test]
    fn a_later_one_extends_and_keeps_the_beginning() {
        let first = made(run(None, 1_000));
        let second = made(run(Some(&first), 1_000 + 100 * DAY_MS));
        assert_eq!(second.since, 1_000);
        assert_eq!(second.until, 1_000 + 465 * DAY_MS);
        assert_eq!(second.id, first.id);
    }

    #[test]
    fn one_after_a_gap_begins_afresh() {
        let first = made(run(None, 1_000));
        let second = made(run(Some(&first), 1_000 + 400 * DAY_MS));
        assert_eq!(second.since, 1_000 + 400 * DAY_MS);
    }

    #[test]
    fn an_older_or_equal_one_changes_nothing() {
        let first = made(run(None, 50 * DAY_MS));
        assert_eq!(run(Some(&first), 50 * DAY_MS), Change::Unchanged);
        assert_eq!(run(Some(&first), 10 * DAY_MS), Change::Unchanged);
    }

    #[test]
    fn validity_is_by_region() {
        let validity = Validity { default_days: 365, by_region: BTreeMap::from([(region(), 10)]) };
        assert_eq!(validity.until(&region(), 0), 10 * DAY_MS);
        assert_eq!(validity.until(&"US-NM".parse().unwrap(), 0), 365 * DAY_MS);
    }
}
