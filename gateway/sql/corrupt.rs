//! Records that do not read as what they should be.

use hookwright_core::id::TypedId;
use hookwright_store::StoreError;

/// The table and the row that is being read, for the error if a column of it makes no sense.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<R> {
    pub(crate) table: &'static str,
    pub(crate) row: R,
}

impl<R: ToString> Reading<R> {
    /// The error for a column.
    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, row: self.row.to_string() }
    }

    /// The id in a column.
    pub(crate) fn id<T: TypedId>(&self, column: &'static str, number: i64) -> Result<T, StoreError> {
        T::from_i64(number).map_err(|_| self.corrupt(column))
    }

    /// The id in a column that may hold none.
    pub(crate) fn id_or_none<T: TypedId>(
        &self,
        column: &'static str,
        number: Option<i64>,
    ) -> Result<Option<T>, StoreError> {
        number.map(|number| self.id(column, number)).transpose()
    }

    /// The number in a column, where it is of a smaller type.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str, number: i64) -> Result<T, StoreError> {
        T::try_from(number).map_err(|_| self.corrupt(column))
    }

    /// The number in a column that may hold none.
    pub(crate) fn number_or_none<T: TryFrom<i64>>(
        &self,
        column: &'static str,
        number: Option<i64>,
    ) -> Result<Option<T>, StoreError> {
        number.map(|number| self.number(column, number)).transpose()
    }

    /// The JSON in a column.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|_| self.corrupt(column))
    }

    /// The value a word in a column stands for.
    pub(crate) fn word<T>(&self, column: &'static str, read: Option<T>) -> Result<T, StoreError> {
        read.ok_or_else(|| self.corrupt(column))
    }

    /// The 32 bytes in a column.
    pub(crate) fn hash(&self, column: &'static str, bytes: &[u8]) -> Result<[u8; 32], StoreError> {
        bytes.try_into().map_err(|_| self.corrupt(column))
    }
}
