//! Colours, where somebody is looking at a terminal that wants them.

use std::io::IsTerminal;

/// Paints, or leaves text as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(bool);

impl Paint {
    /// Paints if standard output is a terminal and nobody said otherwise (<https://no-color.org>).
    pub(super) fn detect() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self(std::io::stdout().is_terminal() && !unwanted)
    }

    /// For headings.
    pub(super) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// For what may be passed over.
    pub(super) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// For what went well.
    pub(super) fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// For what did not.
    pub(super) fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// For what can be copied.
    pub(super) fn code(self, text: &str) -> String {
        self.wrap("36", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
