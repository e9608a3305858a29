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
    /// The consultation counts, and this is the record now; the event is fired.
    Fulfilled(Establishment),
    /// The consultation on record told again, or one whose validity is over and that revives nothing: nothing changes.
    Unchanged,
}

/// Creates or updates the establishment of one customer in one region.
///
/// The record is the span that consultations cover without a gap, whatever the order in which they are told of: a later one extends it, an earlier one that reaches it moves
/// its beginning, one after a gap starts it afresh. Every consultation counts once, also one that lies within the span.
pub fn fulfil(
    existing: Option<&Establishment>,
    fresh_id: EstablishmentId,
    customer_id: &str,
    region: &RegionCode,
    consultation: &Consultation,
    validity: &Validity,
    now_ms: i64,
) -> Change {
    let completed_at = consultation.completed_at;
    let until = validity.until(region, completed_at);
    let further = existing.is_none_or(|record| until > record.until);
    if !further && existing.is_some_and(|record| !record.established || is_same(record, consultation)) {
        return Change::Unchanged;
    }
    let (since, furthest) =
        existing.map_or((completed_at, until), |record| (span(record, completed_at, until), record.until.max(until)));
    let carrier = existing.filter(|_| !further);
    Change::Fulfilled(Establishment {
        id: existing.map_or(fresh_id, |record| record.id),
        customer_id: customer_id.to_owned(),
        region: *region,
        established: true,
        since,
        until: furthest,
        appointment_id: carrier
            .map_or_else(|| consultation.appointment_id.clone(), |record| record.appointment_id.clone()),
        message_id: carrier.map_or(consultation.message_id, |record| record.message_id),
        updated_at: now_ms,
    })
}

/// Whether the consultation is the one that carried the record furthest.
fn is_same(record: &Establishment, consultation: &Consultation) -> bool {
    consultation.appointment_id.is_some() && consultation.appointment_id == record.appointment_id
}

/// Since when the record holds with one more consultation.
fn span(record: &Establishment, completed_at: i64, until: i64) -> i64 {
    if completed_at > record.until {
        completed_at
    } else if until >= record.since {
        record.since.min(completed_at)
    } else {
        record.since
    }
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
    fn the_same_one_told_again_changes_nothing() {
        let first = made(run(None, 50 * DAY_MS));
        assert_eq!(run(Some(&first), 50 * DAY_MS), Change::Unchanged);
    }

    #[test]
    fn another_one_at_the_same_time_counts() {
        let first = made(run(None, 50 * DAY_MS));
        let other = Consultation { appointment_id: Some("appt_other".to_owned()), ..at(50 * DAY_MS) };
        let change = fulfil(Some(&first), first.id, "cus_xyz", &region(), &other, &Validity::default(), 1);
        assert_eq!(made(change), first);
    }

    #[test]
    fn the_order_of_telling_makes_no_difference() {
        let times = [10, 50, 700, 300].map(|day| day * DAY_MS);
        let told = |order: [usize; 4]| {
            let mut record = None;
            for index in order {
                record = Some(made(run(record.as_ref(), times[index])));
            }
            record.map(|record| (record.since, record.until, record.appointment_id))
        };
        assert_eq!(told([0, 1, 3, 2]), told([3, 0, 1, 2]));
        assert_eq!(told([0, 1, 3, 2]), told([1, 3, 2, 0]));
    }

    #[test]
    fn an_older_one_revives_no_lapsed_record() {
        let lapsed = Establishment { established: false, ..made(run(None, 50 * DAY_MS)) };
        assert_eq!(run(Some(&lapsed), 10 * DAY_MS), Change::Unchanged);
        assert!(made(run(Some(&lapsed), 51 * DAY_MS)).established);
    }

    #[test]
    fn validity_is_by_region() {
        let validity = Validity { default_days: 365, by_region: BTreeMap::from([(region(), 10)]) };
        assert_eq!(validity.until(&region(), 0), 10 * DAY_MS);
        assert_eq!(validity.until(&"US-NM".parse().unwrap(), 0), 365 * DAY_MS);
    }
}
