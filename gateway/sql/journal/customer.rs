//! Customers, opened.

use crate::corrupt::Reading;
use crate::fault::Failure;
use crate::record::Person;
use crate::sealer::{Sealer, column};
use crate::store::Shared;
use hookwright_core::customer::Customer;
use hookwright_store::StoreError;

struct Row {
    external_id: String,
    region: Option<String>,
    region_outcome: String,
    created_at: i64,
    updated_at: i64,
    person: Vec<u8>,
}

impl Row {
    fn read(self, sealer: &Sealer) -> Result<Customer, StoreError> {
        let place = column::customer_person(&self.external_id);
        let ((name, address), _) = sealer.open_parcel::<Person>(place, &self.person)?;
        let reading = Reading { table: "customer", row: &self.external_id };
        let region = self.region.as_deref().map(|code| reading.word("region", code.parse().ok())).transpose()?;
        Ok(Customer {
            region,
            name,
            address,
            region_outcome: self.region_outcome,
            created_at: self.created_at,
            updated_at: self.updated_at,
            external_id: self.external_id,
        })
    }
}

/// Customers by id, from the one after `after`.
pub(super) async fn list(shared: &Shared, after: Option<String>, limit: u32) -> Result<Vec<Customer>, StoreError> {
    let (after, limit) = (after.unwrap_or_default(), i64::from(limit));
    let rows = sqlx::query_as!(
        Row,
        "SELECT external_id, region, region_outcome, created_at, updated_at, person
         FROM customer WHERE external_id > $1 ORDER BY external_id LIMIT $2",
        after,
        limit
    )
    .fetch_all(&shared.reads)
    .await
    .map_err(Failure::from)?;
    rows.into_iter().map(|row| row.read(&shared.sealer)).collect()
}

/// One customer.
pub(super) async fn one(shared: &Shared, external_id: String) -> Result<Option<Customer>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT external_id, region, region_outcome, created_at, updated_at, person
         FROM customer WHERE external_id = $1",
        external_id
    )
    .fetch_optional(&shared.reads)
    .await
    .map_err(Failure::from)?;
    row.map(|row| row.read(&shared.sealer)).transpose()
}
