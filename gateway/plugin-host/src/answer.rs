//! What guests answer, checked and brought into the host's own types. Whoever is called with one of these need not
//! ask again whether a header is legal or a text bounded.

mod bound;
mod clinical;
mod http;
pub(crate) mod inbound;
pub(crate) mod outbound;

pub(crate) use bound::Invalid;
