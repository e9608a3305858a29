//! Many nodes on one PostgreSQL.

mod chaos;
mod membership;
mod node;
mod passage;
