//! The requests with an idempotency key that are being worked on at this moment: another with the same key is told to come back for the answer.
//!
//! This only spares a client's hasty repeat the work; that nothing takes effect twice is for the store's transaction, which knows what was answered before a restart,
//! too. There are never more of them than connections, for each holds one.

use crate::problem::Problem;
use http::StatusCode;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// After how many seconds to come back.
const RETRY_AFTER_SECS: u32 = 1;

/// The keys, each with its caller and route, as [`Claim::key`](hookwright_core::idempotency::Claim::key) has them.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Mutex<HashSet<[u8; 32]>>>);

/// A request's word that it is under way, taken back when it ends, however it does.
#[derive(Debug)]
pub struct Underway {
    all: InFlight,
    key: [u8; 32],
}

impl InFlight {
    /// Begins a request; 409 if one with this key is under way.
    pub fn begin(&self, key: [u8; 32]) -> Result<Underway, Problem> {
        if self.lock().insert(key) {
            return Ok(Underway { all: self.clone(), key });
        }
        let detail = "a request with this idempotency key is still being worked on; repeat it to have its answer";
        Err(Problem::new(StatusCode::CONFLICT, "idempotency_in_flight", detail).retry_after(RETRY_AFTER_SECS))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        // A set that takes and gives whole keys is sound at every moment, whoever panicked elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_under_way_once_until_its_request_ends() {
        let all = InFlight::default();
        let first = all.begin([1; 32]).unwrap();
        let problem = all.begin([1; 32]).unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.code()), (409, "idempotency_in_flight"));
        let other = all.begin([2; 32]).unwrap();
        drop(first);
        assert!(all.begin([1; 32]).is_ok(), "and the refusal took nothing back");
        assert!(all.begin([2; 32]).is_err());
        drop(other);
        assert!(all.lock().is_empty());
    }

    #[test]
    fn a_panic_takes_its_word_back() {
        let all = InFlight::default();
        let inside = all.clone();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _underway = inside.begin([1; 32]).unwrap();
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        assert!(all.begin([1; 32]).is_ok());
    }
}
