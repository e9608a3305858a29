//! Waiting for a condition, with a deadline.

use std::time::Duration;
use tokio::time::Instant;

/// How long a test waits for what must happen. Far beyond what it takes, for machines that are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until there is an answer. Panics when patience ends.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: did not happen within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
