//! How a command fails. At this level an error is only told to a person, so that its type no longer matters.

/// Why a command failed.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The command was not one that can be carried out as it was typed: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub String);

/// A failure in words only.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Told(pub String);

/// A usage failure.
pub(super) fn usage(text: impl Into<String>) -> Failure {
    Usage(text.into()).into()
}

/// A failure in words only.
pub(super) fn told(text: impl Into<String>) -> Failure {
    Told(text.into()).into()
}

/// The error and what caused it, in one line each.
pub(super) fn chain(failure: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    crate::problem::chain(failure)
}
