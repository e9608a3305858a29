//! Establishments.

use super::page_of;
use crate::corrupt::Reading;
use crate::database::Pool;
use crate::fault::Failure;
use hookwright_core::establishment::Establishment;
use hookwright_core::id::EstablishmentId;
use hookwright_core::region::RegionCode;
use hookwright_store::{EstablishmentFilter, Page, PageRequest, StoreError};

/// A row of the table.
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) customer_id: String,
    pub(crate) region: String,
    pub(crate) established: i64,
    pub(crate) since: i64,
    pub(crate) until: i64,
    pub(crate) appointment_id: Option<String>,
    pub(crate) message_id: Option<i64>,
    pub(crate) updated_at: i64,
}

impl Row {
    pub(crate) fn read(self) -> Result<Establishment, StoreError> {
        let reading = Reading { table: "establishment", row: self.id };
        Ok(Establishment {
            id: reading.id("id", self.id)?,
            customer_id: self.customer_id,
            region: reading.word("region", self.region.parse().ok())?,
            established: self.established == 1,
            since: self.since,
            until: self.until,
            appointment_id: self.appointment_id,
            message_id: reading.id_or_none("message_id", self.message_id)?,
            updated_at: self.updated_at,
        })
    }
}

pub(super) async fn page(
    reads: &Pool,
    filter: EstablishmentFilter,
    page: PageRequest,
) -> Result<Page<Establishment>, StoreError> {
    let (before, limit) = (page.before.unwrap_or(i64::MAX), i64::from(page.limit) + 1);
    let region = filter.region.map(RegionCode::as_str);
    let rows = match (&filter.customer_id, region) {
        (Some(customer), None) => of_customer(reads, customer, before, limit).await,
        (Some(customer), Some(region)) => of_customer_in(reads, customer, region, before).await,
        (None, Some(region)) => of_region(reads, region, before, limit).await,
        (None, None) => all(reads, before, limit).await,
    };
    let rows = rows.map_err(Failure::from)?.into_iter().map(Row::read).collect::<Result<_, _>>()?;
    Ok(page_of(rows, page.limit, |row: &Establishment| row.id.get()))
}

async fn all(reads: &Pool, before: i64, limit: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT id, customer_id, region, established, since, until, appointment_id, message_id, updated_at
         FROM establishment WHERE id < $1 ORDER BY id DESC LIMIT $2",
        before,
        limit
    )
    .fetch_all(reads)
    .await
}

/// A customer has one for each region at most, so sorting them is nothing.
async fn of_customer(reads: &Pool, customer: &str, before: i64, limit: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT id, customer_id, region, established, since, until, appointment_id, message_id, updated_at
         FROM establishment WHERE customer_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        customer,
        before,
        limit
    )
    .fetch_all(reads)
    .await
}

async fn of_customer_in(reads: &Pool, customer: &str, region: &str, before: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT id, customer_id, region, established, since, until, appointment_id, message_id, updated_at
         FROM establishment WHERE customer_id = $1 AND region = $2 AND id < $3",
        customer,
        region,
        before
    )
    .fetch_all(reads)
    .await
}

async fn of_region(reads: &Pool, region: &str, before: i64, limit: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT id, customer_id, region, established, since, until, appointment_id, message_id, updated_at
         FROM establishment WHERE region = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        region,
        before,
        limit
    )
    .fetch_all(reads)
    .await
}

/// One establishment.
pub(super) async fn one(reads: &Pool, id: EstablishmentId) -> Result<Option<Establishment>, StoreError> {
    let number = id.get();
    let row = sqlx::query_as!(
        Row,
        "SELECT id, customer_id, region, established, since, until, appointment_id, message_id, updated_at
         FROM establishment WHERE id = $1",
        number
    )
    .fetch_optional(reads)
    .await
    .map_err(Failure::from)?;
    row.map(Row::read).transpose()
}

/// When the next establishment lapses.
pub(super) async fn next_lapse(reads: &Pool) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query!("SELECT until FROM establishment WHERE established = 1 ORDER BY until LIMIT 1")
        .fetch_optional(reads)
        .await
        .map_err(Failure::from)?;
    Ok(row.map(|row| row.until))
}
