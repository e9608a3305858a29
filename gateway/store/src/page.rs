//! Pages of a list: by keyset, newest first.

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Only rows with an id below this one.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// One page, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// The id to name as `before` for the next page, if there may be one.
    pub next: Option<i64>,
}
