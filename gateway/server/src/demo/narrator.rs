//! Tells a person what happens, step by step; says nothing where a program is listening.

use super::paint::Paint;
use crate::indent::indent;
use std::io::Write;

/// Tells the story on standard output.
#[derive(Debug)]
pub(super) struct Narrator {
    paint: Option<Paint>,
    step: u32,
}

impl Narrator {
    /// Speaks, or keeps silent.
    pub(super) fn new(silent: bool) -> Self {
        Self { paint: (!silent).then(Paint::detect), step: 0 }
    }

    /// Begins the next step.
    pub(super) fn step(&mut self, title: &str) {
        self.step += 1;
        let number = format!("{:>2}", self.step);
        self.say(|paint| format!("\n{}  {}", paint.dim(&number), paint.bold(title)));
    }

    /// A fact of the step.
    pub(super) fn fact(&self, text: &str) {
        self.say(|_| format!("    {text}"));
    }

    /// A fact that is worth being glad about.
    pub(super) fn good(&self, text: &str) {
        self.say(|paint| format!("    {} {text}", paint.good("✓")));
    }

    /// A fact that is not.
    pub(super) fn bad(&self, text: &str) {
        self.say(|paint| format!("    {} {text}", paint.bad("✗")));
    }

    /// A name and a value.
    pub(super) fn pair(&self, name: &str, value: &str) {
        self.say(|paint| format!("    {} {value}", paint.dim(&format!("{name:<18}"))));
    }

    /// A body, indented if it is JSON.
    pub(super) fn body(&self, body: &[u8]) {
        for line in indent(&String::from_utf8_lossy(body)).lines() {
            self.say(|paint| format!("      {}", paint.dim(line)));
        }
    }

    /// A heading without a number.
    pub(super) fn heading(&self, text: &str) {
        self.say(|paint| format!("\n{}", paint.bold(text)));
    }

    /// A command to copy, with what it does above it.
    pub(super) fn command(&self, about: &str, command: &str) {
        self.say(|paint| format!("\n  {}", paint.dim(&format!("# {about}"))));
        for line in command.lines() {
            self.say(|paint| format!("  {}", paint.code(line)));
        }
    }

    fn say(&self, line: impl FnOnce(Paint) -> String) {
        let Some(paint) = self.paint else { return };
        // Nobody reads any more, for example after `| head`: the demo still goes on.
        let _ = writeln!(std::io::stdout().lock(), "{}", line(paint));
    }
}
