//! Many nodes on one PostgreSQL.

mod chaos;
mod example;
mod following;
mod membership;
mod node;
mod passage;
