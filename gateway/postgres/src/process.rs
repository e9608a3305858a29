//! Which process a node is, so that one that is started again on the same machine need not wait for the lease of its former run.
//!
//! The lease is there because nobody can tell a dead node from one that is cut off, unless both are processes of one kernel: that knows whether a process is there.

use std::fs;

/// A process, as one kernel knows it: the boot, the namespace of process numbers, the number, and when it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    boot: String,
    namespace: String,
    number: u32,
    began: String,
}

impl Process {
    /// This one; `None` where the system does not tell.
    pub(crate) fn this() -> Option<Self> {
        let number = std::process::id();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned();
        Some(Self { boot, namespace, number, began: began(number)? })
    }

    /// As it is written down.
    pub(crate) fn text(&self) -> String {
        format!("{} {} {} {}", self.boot, self.namespace, self.number, self.began)
    }

    /// What was written down.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ').map(str::to_owned);
        let (boot, namespace, number, began) = (words.next()?, words.next()?, words.next()?, words.next()?);
        Some(Self { boot, namespace, number: number.parse().ok()?, began })
    }

    /// Whether this process can tell that the other one has ended: both are of one boot and namespace, and there is no process of its number that began when it did.
    pub(crate) fn knows_dead(&self, other: &Self) -> bool {
        let is_near = self.boot == other.boot && self.namespace == other.namespace;
        is_near && began(other.number).is_none_or(|began| began != other.began)
    }
}

/// When a process began, in ticks after the boot (proc(5), `stat`, field 22); a zombie has ended.
fn began(number: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.nth(18).map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_that_ended_is_known_dead_and_one_that_runs_is_not() {
        let Some(this) = Process::this() else { return };
        assert_eq!(Process::parse(&this.text()), Some(this.clone()));
        assert!(!this.knows_dead(&this));
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let other = Process { number: child.id(), began: began(child.id()).unwrap(), ..this.clone() };
        assert!(!this.knows_dead(&other));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(this.knows_dead(&other));
        // Of one elsewhere nothing is known.
        assert!(!this.knows_dead(&Process { boot: "another".to_owned(), ..other.clone() }));
        assert!(!this.knows_dead(&Process { namespace: "pid:[1]".to_owned(), ..other }));
        // A number that was given again is another process.
        assert!(this.knows_dead(&Process { began: "1".to_owned(), ..this.clone() }));
    }
}
