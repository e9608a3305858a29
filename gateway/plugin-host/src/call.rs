//! How a call ended.

use std::time::Duration;

use crate::inbound::Refusal;
use crate::outbound::Fault;
use crate::version::World;

/// How urgent a plugin thinks a line of its log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For whoever writes the plugin.
    Debug,
    /// Worth knowing.
    Info,
    /// Something looks wrong.
    Warn,
    /// Something is wrong.
    Error,
}

impl LogLevel {
    /// The name used in the contract and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of a plugin's log. It may hold patients' data: it belongs to the sealed record, in no other log.
#[derive(Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How urgent.
    pub level: LogLevel,
    /// The text.
    pub message: String,
}

impl std::fmt::Debug for LogLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogLine").field("level", &self.level).finish_non_exhaustive()
    }
}

/// A call that has ended, whichever way.
#[derive(Debug)]
pub struct Called<T> {
    /// The plugin's answer, checked, or why there is none.
    pub result: Result<T, CallFailure>,
    /// What the plugin wrote, in order.
    pub log: Vec<LogLine>,
    /// The plugin wrote more than is kept.
    pub log_truncated: bool,
    /// How long the call waited for a thread.
    pub waited: Duration,
    /// How long it ran.
    pub duration: Duration,
    /// The most linear memory that the guest had.
    pub memory_peak_bytes: usize,
    /// Calls that the instance served before this one: 0 for a fresh instance.
    pub calls_before: u32,
}

impl<T> Called<T> {
    /// The call without its answer, for whoever only measures.
    pub(crate) fn without_answer(self) -> Called<()> {
        let Self { result, log, log_truncated, waited, duration, memory_peak_bytes, calls_before } = self;
        Called { result: result.map(drop), log, log_truncated, waited, duration, memory_peak_bytes, calls_before }
    }

    /// A call that never reached a guest.
    pub(crate) fn not_run(failure: CallFailure) -> Self {
        Self {
            result: Err(failure),
            log: Vec::new(),
            log_truncated: false,
            waited: Duration::ZERO,
            duration: Duration::ZERO,
            memory_peak_bytes: 0,
            calls_before: 0,
        }
    }
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    /// The inbound plugin's own answer: it does not take the request.
    #[error("the plugin refused the request ({})", .0.code)]
    Refused(Refusal),
    /// The outbound plugin's own answer: it could not decide.
    #[error("the plugin reported a fault ({})", .0.code)]
    Fault(Fault),
    /// The guest crashed.
    #[error("the plugin crashed: {message}")]
    Trap {
        /// The kind of trap and the innermost functions; nothing of the data.
        message: String,
    },
    /// The guest did not finish in time.
    #[error("the plugin did not finish within {} ms", .deadline.as_millis())]
    Timeout {
        /// The deadline that was in force.
        deadline: Duration,
    },
    /// The guest wanted more memory than it may have.
    #[error("the plugin needs more than its {limit_bytes} bytes of memory")]
    OutOfMemory {
        /// The limit that was in force.
        limit_bytes: usize,
    },
    /// The guest wanted to return more than it may.
    #[error("the plugin returned more than its {limit_bytes} bytes of output")]
    OutputTooLarge {
        /// The limit that was in force.
        limit_bytes: usize,
    },
    /// The guest returned something that the contract does not allow.
    #[error("the plugin's answer breaks the contract at {field}: {problem}")]
    InvalidOutput {
        /// Which field of the answer.
        field: String,
        /// What is wrong with it; nothing of its value.
        problem: String,
    },
    /// Too many calls are waiting already. Worth trying again soon.
    #[error("too many plugin calls are waiting")]
    QueueFull,
    /// The version serves the other direction.
    #[error("the plugin is {found}, and {expected} was called for")]
    WrongWorld {
        /// What was called for.
        expected: World,
        /// What the version is.
        found: World,
    },
    /// The host itself could not run the call. Worth trying again soon.
    #[error("the plugin host is unavailable: {message}")]
    Unavailable {
        /// What the matter was.
        message: String,
    },
}

impl CallFailure {
    /// A stable name for records and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Fault(_) => "fault",
            Self::Trap { .. } => "trap",
            Self::Timeout { .. } => "timeout",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::OutputTooLarge { .. } => "output_too_large",
            Self::InvalidOutput { .. } => "invalid_output",
            Self::QueueFull => "queue_full",
            Self::WrongWorld { .. } => "wrong_world",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// Whether the version misbehaved, as against an honest answer or trouble in the host: what a breaker counts.
    pub fn is_misbehaviour(&self) -> bool {
        matches!(
            self,
            Self::Trap { .. }
                | Self::Timeout { .. }
                | Self::OutOfMemory { .. }
                | Self::OutputTooLarge { .. }
                | Self::InvalidOutput { .. }
        )
    }

    /// Whether the same call may succeed later with the same version: the host was busy, or the plugin says so.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::QueueFull | Self::Unavailable { .. } => true,
            Self::Fault(fault) => fault.retryable,
            _ => false,
        }
    }
}
