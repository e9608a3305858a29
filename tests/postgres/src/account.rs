//! Who runs the server: it refuses to run as root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Accounts that may run it in root's stead, first come, first taken.
const INSTEAD_OF_ROOT: [&str; 2] = ["postgres", "nobody"];

/// Whom to run the server as, where that is not whoever runs the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account(Option<(u32, u32)>);

impl Account {
    /// Whoever runs the tests, or an account without rights where that is root.
    pub(crate) fn of_the_server() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self(None);
        }
        let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let account = INSTEAD_OF_ROOT.iter().find_map(|name| ids(&known, name));
        assert!(account.is_some(), "PostgreSQL does not run as root, and /etc/passwd has none of {INSTEAD_OF_ROOT:?}");
        Self(account)
    }

    /// Has `command` run as this account.
    pub(crate) fn run(self, command: &mut Command) -> &mut Command {
        match self.0 {
            Some((user, group)) => command.uid(user).gid(group),
            None => command,
        }
    }

    /// Gives `path` to this account.
    pub(crate) fn own(self, path: &Path) -> std::io::Result<()> {
        self.0.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }
}

/// The ids of user and group that the text of `/etc/passwd` has for `name`.
fn ids(known: &str, name: &str) -> Option<(u32, u32)> {
    known.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn accounts_are_read_from_the_system_s_file() {
        let known = "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:8::/:/bin/sh\npostgres:x:101:104:PostgreSQL:/:/bin/sh\nbad:x\n";
        assert_eq!(ids(known, "postgres"), Some((101, 104)));
        assert_eq!(ids(known, "bad"), None);
        assert_eq!(ids(known, "nobody"), None);
    }
}
