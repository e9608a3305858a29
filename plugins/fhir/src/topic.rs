//! What the topic of a notification says about an event whose focus cannot be read: athenahealth names appointments by
//! identifiers of its own interface, and says what happened to them by the topic alone.

use crate::settings::Settings;

/// What an event of a topic reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A consultation took place.
    Completed,
    /// An appointment was booked.
    Scheduled,
    /// An appointment was moved.
    Rescheduled,
    /// An appointment was called off.
    Cancelled,
    /// The patient was not there.
    NoShow,
    /// Nothing.
    Ignore,
}

/// athenahealth's topics, from the list in its own repository. All its others that concern appointments and encounters
/// report nothing that we have a word for.
const ATHENAHEALTH: [(&str, Rule); 12] = [
    ("Appointment.cancel", Rule::Cancelled),
    ("Appointment.check-in", Rule::Ignore),
    ("Appointment.check-out", Rule::Completed),
    ("Appointment.freeze", Rule::Ignore),
    ("Appointment.reschedule", Rule::Rescheduled),
    ("Appointment.schedule", Rule::Scheduled),
    ("Appointment.unfreeze", Rule::Ignore),
    ("Appointment.update", Rule::Ignore),
    ("Encounter.check-in", Rule::Ignore),
    ("Encounter.reopen", Rule::Ignore),
    ("Encounter.signoff", Rule::Completed),
    ("Patient.delete", Rule::Ignore),
];

impl Rule {
    /// Reads the word that the settings use.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "completed" => Self::Completed,
            "scheduled" => Self::Scheduled,
            "rescheduled" => Self::Rescheduled,
            "cancelled" => Self::Cancelled,
            "no-show" => Self::NoShow,
            "ignore" => Self::Ignore,
            _ => return None,
        })
    }

    /// The rule for a topic: the settings' own, or else one of athenahealth's. Topics are named whole or by what follows
    /// the last slash.
    pub fn of(topic: &str, settings: &Settings) -> Option<Self> {
        let last = last_segment(topic);
        let own = settings.topics.iter().find(|(name, _)| name == topic || name == last);
        let known = || ATHENAHEALTH.iter().find(|(name, _)| *name == last).map(|(_, rule)| *rule);
        own.map(|(_, rule)| *rule).or_else(known)
    }
}

/// What follows the last slash, without a version.
pub(crate) fn last_segment(topic: &str) -> &str {
    let topic = topic.split('|').next().unwrap_or(topic);
    topic.rsplit('/').next().unwrap_or(topic)
}
