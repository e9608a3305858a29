//! The futures of the ports.
//!
//! They are boxed so that the gateway holds one `dyn Store` whatever the database: an allocation is nothing beside a transaction, and a gateway that is generic over its
//! store would be compiled once for each.

use crate::error::StoreError;
use std::pin::Pin;

/// A port's answer, or why there is none.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Something a port waits for without a way to fail.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
