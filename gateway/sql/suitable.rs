//! What is said of a database that does not go with this program, whichever kind it is.

use crate::sealer::{Sealer, column};
use hookwright_core::seal::SealError;
use hookwright_store::StoreError;

/// The known text that shows whether the keys are the right ones.
pub(crate) const KEY_CHECK: &[u8] = b"hookwright";

/// Refuses a schema that this program does not know.
pub(crate) fn check_schema(place: &str, newest: Option<i64>, known: Option<i64>) -> Result<(), StoreError> {
    if newest <= known {
        return Ok(());
    }
    Err(StoreError::Unsuitable(format!(
        "{place} was written by a newer version of the program (its schema is {}, this program knows up to {})",
        newest.unwrap_or(0),
        known.unwrap_or(0)
    )))
}

/// Refuses other keys than those that the known text was sealed under.
pub(crate) fn check_keys(place: &str, sealer: &Sealer, record: &[u8]) -> Result<(), StoreError> {
    let why = match sealer.keyring().open(column::key_check(), record) {
        Ok(plain) if plain == KEY_CHECK => return Ok(()),
        Err(SealError::UnknownKey(expected)) => {
            let given: Vec<String> = sealer.keyring().names().map(|name| name.to_string()).collect();
            format!("{place} is sealed under key {expected}, and the key given is {}", given.join(", "))
        }
        Ok(_) | Err(_) => format!("the key check of {place} does not open: it was changed"),
    };
    Err(StoreError::Unsuitable(why))
}
