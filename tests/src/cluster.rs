//! Many nodes on one PostgreSQL.

mod chaos;
mod example;
mod membership;
mod node;
mod passage;
