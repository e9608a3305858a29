//! Where PostgreSQL's programs are.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Names the directory of the programs, before all other places.
const OVERRIDE: &str = "HOOKWRIGHT_POSTGRES_BIN";

/// Where Debian keeps them: a directory for each release.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs that a cluster needs.
const NEEDED: [&str; 4] = ["initdb", "pg_ctl", "postgres", "psql"];

/// A directory that holds PostgreSQL's programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Looks in `HOOKWRIGHT_POSTGRES_BIN`, in PATH, and in `/usr/lib/postgresql/*/bin` (the newest release).
    ///
    /// Where there are none, says loudly that tests are skipped. Panics instead where `CI` is `true`, and where
    /// `HOOKWRIGHT_POSTGRES_BIN` names a directory without them.
    pub fn find() -> Option<Self> {
        if let Some(named) = std::env::var_os(OVERRIDE) {
            let named = PathBuf::from(named);
            assert!(complete(&named), "{OVERRIDE} names {}, which lacks one of {NEEDED:?}", named.display());
            return Some(Self(named));
        }
        let found = in_path(std::env::var_os("PATH").as_deref()).or_else(|| newest(Path::new(DEBIAN)));
        if found.is_none() {
            let missing = format!("PostgreSQL ({}) is neither in PATH nor under {DEBIAN}", NEEDED.join(", "));
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{missing}: install it, its tests must run");
            // Past the capture of a test's output, which nobody sees of a test that passes.
            let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: a test of PostgreSQL. {missing}. ***\n");
        }
        found.map(Self)
    }

    /// The path of the program `name`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

fn complete(directory: &Path) -> bool {
    NEEDED.iter().all(|name| directory.join(name).is_file())
}

fn in_path(path: Option<&OsStr>) -> Option<PathBuf> {
    std::env::split_paths(path?).find(|directory| complete(directory))
}

/// Of the releases in `directory`, the newest that is complete.
fn newest(directory: &Path) -> Option<PathBuf> {
    let releases = std::fs::read_dir(directory).ok()?.flatten();
    let mut numbered: Vec<(u32, PathBuf)> = releases
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, programs)| complete(programs))
        .collect();
    numbered.sort();
    numbered.pop().map(|(_, programs)| programs)
}

#[cfg(test)]
mod tests {
    use super::{NEEDED, in_path, newest};
    use std::ffi::OsString;
    use std::path::Path;

    fn install(directory: &Path, programs: &[&str]) {
        std::fs::create_dir_all(directory).unwrap();
        for program in programs {
            std::fs::write(directory.join(program), "").unwrap();
        }
    }

    #[test]
    fn the_newest_complete_release_is_taken() {
        let debian = tempfile::tempdir().unwrap();
        assert_eq!(newest(debian.path()), None);
        assert_eq!(newest(&debian.path().join("missing")), None);
        for release in ["9", "15", "notes"] {
            install(&debian.path().join(release).join("bin"), &NEEDED);
        }
        install(&debian.path().join("17").join("bin"), &NEEDED[1..]);
        assert_eq!(newest(debian.path()), Some(debian.path().join("15/bin")));
    }

    #[test]
    fn a_directory_of_the_path_counts_only_with_all_programs() {
        let first = tempfile::tempdir().unwrap();
        let second = tempfile::tempdir().unwrap();
        install(first.path(), &["psql"]);
        let path: OsString = std::env::join_paths([first.path(), second.path()]).unwrap();
        assert_eq!(in_path(Some(&path)), None);
        install(second.path(), &NEEDED);
        assert_eq!(in_path(Some(&path)), Some(second.path().to_owned()));
        assert_eq!(in_path(None), None);
    }
}
