//! How failed calls are told: a stable code and a fixed sentence, nothing of the data.

use hookwright_core::message::Reason;
use hookwright_plugin_host::inbound::{Blame, Refusal};
use hookwright_plugin_host::{CallFailure, Reply};

/// A plugin's refusal, by who has to act on it.
pub(super) enum Refused {
    /// The partner: the message is rejected.
    Partner(Reason, Option<Box<Reply>>),
    /// The operator or the plugin's author: the message is kept for later.
    Operator(Reason),
}

pub(super) fn of_refusal(refusal: Refusal) -> Refused {
    let blame = refusal.blame();
    let location = refusal.location.unwrap_or_default();
    let expected = refusal.expected.map(|expected| format!("expected {expected}"));
    let reason =
        |code: &str, otherwise: &str| Reason::new(code, expected.unwrap_or_else(|| otherwise.to_owned())).at(location);
    match (blame, refusal.code.as_str()) {
        (Blame::Partner, code) => {
            Refused::Partner(reason(code, "the message is not one that can be taken"), refusal.reply)
        }
        (Blame::Operator, "settings") => {
            Refused::Operator(reason("plugin_settings", "the plugin's settings for this source do not make sense"))
        }
        (Blame::Operator, _) => {
            Refused::Operator(reason("plugin_internal", "the plugin reported a failure of its own"))
        }
    }
}

/// The reason for a failure of the call itself.
pub(super) fn of_failure(failure: &CallFailure) -> Reason {
    let (code, detail) = (code_of(failure), "the plugin failed; resumed when another version goes live");
    match failure {
        CallFailure::InvalidOutput { field, problem } => Reason::new(code, problem.clone()).at(field.clone()),
        _ => Reason::new(code, detail),
    }
}

/// The stable code of a failed call.
pub(super) fn code_of(failure: &CallFailure) -> &'static str {
    match failure {
        CallFailure::Refused(_) => "plugin_refused",
        CallFailure::Fault(fault) if fault.retryable => "plugin_fault_retryable",
        CallFailure::Fault(_) => "plugin_fault_permanent",
        CallFailure::Trap { .. } => "plugin_trap",
        CallFailure::Timeout { .. } => "plugin_timeout",
        CallFailure::OutOfMemory { .. } => "plugin_out_of_memory",
        CallFailure::OutputTooLarge { .. } => "plugin_output_too_large",
        CallFailure::InvalidOutput { .. } => "plugin_output",
        CallFailure::QueueFull => "plugin_busy",
        CallFailure::WrongWorld { .. } => "plugin_world",
        CallFailure::Unavailable { .. } => "plugin_unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str) -> Refusal {
        Refusal {
            code: code.to_owned(),
            location: Some("/patient/id".to_owned()),
            expected: Some("a text".to_owned()),
            reply: None,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn the_partner_is_blamed_for_the_message_and_the_operator_for_the_settings() {
        let Refused::Partner(reason, None) = of_refusal(refusal("malformed")) else { panic!("the partner sent it") };
        assert_eq!(reason, Reason::new("malformed", "expected a text").at("/patient/id"));
        for (code, kept) in [("settings", "plugin_settings"), ("internal", "plugin_internal")] {
            let Refused::Operator(reason) = of_refusal(refusal(code)) else { panic!("{code} is not the partner's") };
            assert_eq!(reason.code, kept);
        }
    }

    #[test]
    fn a_trap_is_told_without_what_the_guest_said() {
        let reason = of_failure(&CallFailure::Trap { message: "Ada Example".to_owned() });
        assert_eq!(reason.code, "plugin_trap");
        assert!(!format!("{reason:?}").contains("Ada"));
    }
}
