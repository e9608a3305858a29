//! A postal address, as somebody wrote it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A postal address, as somebody wrote it; every part may be missing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Address {
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line1: Option<String>,
    /// Apartment, suite and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State, by code or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// ZIP code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country, by code or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// An address is a patient's: which parts it has may be shown, what they say may not.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("line1", &self.line1),
            ("line2", &self.line2),
            ("city", &self.city),
            ("state", &self.state),
            ("postal_code", &self.postal_code),
            ("country", &self.country),
        ];
        let present = parts.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name);
        f.write_str("Address")?;
        f.debug_list().entries(present).finish()
    }
}
