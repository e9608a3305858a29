//! What a call may use: as in the gateway, unless other figures are given, as an operator may.

use crate::config::{parse_duration, parse_size};
use hookwright_plugin_host::{CallLimits, DEADLINE_MAX, MEMORY_BYTES_MAX};
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct LimitArguments {
    /// How long one call may take, at most 2s.
    #[arg(long, value_name = "DURATION", default_value = "50ms", value_parser = deadline)]
    deadline: Duration,
    /// How much memory one call may have, at most 256MiB.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = memory)]
    memory: usize,
}

impl LimitArguments {
    /// The limits of every call.
    pub(super) fn limits(&self) -> CallLimits {
        CallLimits { deadline: self.deadline, memory_bytes: self.memory, ..CallLimits::default() }
    }
}

fn deadline(text: &str) -> Result<Duration, String> {
    let deadline = parse_duration(text).filter(|deadline| !deadline.is_zero() && *deadline <= DEADLINE_MAX);
    deadline.ok_or_else(|| "expected a duration of at most 2s, such as 50ms".to_owned())
}

fn memory(text: &str) -> Result<usize, String> {
    let size = parse_size(text).and_then(|size| usize::try_from(size).ok());
    size.filter(|size| *size <= MEMORY_BYTES_MAX).ok_or_else(|| "expected a size of at most 256MiB".to_owned())
}
