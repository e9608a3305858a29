//! What this machine says of itself: what it is called, and where its user keeps what can be made anew.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest name that is taken over.
const NAME_BYTES_MAX: usize = 63;

/// What the machine is called.
pub(super) fn name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| env::var("HOSTNAME").ok());
    let name = name.unwrap_or_default();
    let plain: String = name.trim().chars().filter(char::is_ascii_graphic).take(NAME_BYTES_MAX).collect();
    if plain.is_empty() { "unnamed".to_owned() } else { plain }
}

/// Where compiled plugins are kept for a database that is not on this machine: in the cache directory of the service or of the user, under the name of their key, so that
/// gateways with other keys do not throw each other's away. `None` where there is no such directory.
pub(super) fn plugin_cache(key: &[u8; 32]) -> Option<PathBuf> {
    let directory = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    // systemd's CacheDirectory=; then as the XDG base directories have it.
    let service = directory("CACHE_DIRECTORY");
    let user =
        || Some(directory("XDG_CACHE_HOME").or_else(|| Some(directory("HOME")?.join(".cache")))?.join("hookwright"));
    Some(service.or_else(user)?.join(entry(key)))
}

fn entry(key: &[u8; 32]) -> PathBuf {
    use sha2::Digest as _;
    Path::new("plugins").join(hex::encode(&sha2::Sha256::digest(key)[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_a_name_that_a_list_can_show() {
        let name = name();
        assert!(
            (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()),
            "{name}"
        );
    }

    #[test]
    fn each_key_has_a_directory_of_its_own_that_says_nothing_of_it() {
        let (one, other) = (entry(&[1; 32]), entry(&[2; 32]));
        assert_ne!(one, other);
        assert!(!one.to_string_lossy().contains("0101"), "{}", one.display());
    }
}
