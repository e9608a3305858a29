//! Compiled plugins on disk.

use std::fs;
use std::path::{Path, PathBuf};

use hookwright_plugin_host::{CacheConfig, HostConfig, PluginHost};

use crate::guest::{outbound, skipping, transform};

fn host(dir: &Path, mac_key: Option<[u8; 32]>) -> PluginHost {
    let cache = Some(CacheConfig { dir: dir.to_owned(), mac_key });
    PluginHost::start(HostConfig { cache, ..HostConfig::default() }).unwrap()
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The one entry and what it holds.
fn entry(dir: &Path) -> (PathBuf, Vec<u8>) {
    let [path] = <[PathBuf; 1]>::try_from(entries(dir)).unwrap();
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

#[tokio::test]
async fn the_second_start_takes_the_code_from_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = outbound(&skipping(512, 4));
    host(dir.path(), None).compile(&bytes).unwrap();
    let (path, first) = entry(dir.path());
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    let host = host(dir.path(), None);
    let version = host.compile(&bytes).unwrap();
    assert!(transform(&host, &version).await.result.is_ok());
    let (path, second) = entry(dir.path());
    assert_eq!(fs::metadata(path).unwrap().modified().unwrap(), written);
    assert_eq!(first, second);
}

#[cfg(unix)]
#[test]
fn the_directory_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("deep/compiled");
    host(&inner, None);
    assert_eq!(fs::metadata(&inner).unwrap().permissions().mode() & 0o777, 0o700);
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o777)).unwrap();
    let start = |mac_key| {
        let cache = Some(CacheConfig { dir: inner.clone(), mac_key });
        PluginHost::start(HostConfig { cache, ..HostConfig::default() })
    };
    assert!(start(None).is_err(), "anyone could place code in it");
    assert!(start(Some([1; 32])).is_ok());
}

#[tokio::test]
async fn damaged_entries_are_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = outbound(&skipping(512, 4));
    let host = host(dir.path(), Some([7; 32]));
    host.compile(&bytes).unwrap();
    let (path, sound) = entry(dir.path());
    let flipped = {
        let mut bytes = sound.clone();
        bytes[sound.len() / 2] ^= 1;
        bytes
    };
    for damaged in [flipped, sound[..sound.len() / 2].to_vec(), Vec::new(), b"not code at all".to_vec()] {
        fs::write(&path, damaged).unwrap();
        let version = host.compile(&bytes).unwrap();
        assert!(transform(&host, &version).await.result.is_ok());
        assert_eq!(entry(dir.path()).1, sound);
    }
}

#[test]
fn entries_under_another_key_are_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = outbound(&skipping(512, 4));
    host(dir.path(), Some([1; 32])).compile(&bytes).unwrap();
    let (_, theirs) = entry(dir.path());
    host(dir.path(), Some([2; 32])).compile(&bytes).unwrap();
    let (_, ours) = entry(dir.path());
    assert_eq!(theirs[..theirs.len() - 32], ours[..ours.len() - 32]);
    assert_ne!(theirs, ours);
}

#[test]
fn entries_cannot_change_places() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (outbound(&skipping(512, 4)), outbound(&skipping(512, 3)));
    let host = host(dir.path(), None);
    host.compile(&one).unwrap();
    let (one_path, one_code) = entry(dir.path());
    host.compile(&other).unwrap();
    let other_path = entries(dir.path()).into_iter().find(|path| *path != one_path).unwrap();
    fs::copy(&one_path, &other_path).unwrap();
    host.compile(&other).unwrap();
    assert_ne!(fs::read(other_path).unwrap(), one_code);
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let cache = Some(CacheConfig { dir: file.join("compiled"), mac_key: None });
    assert!(PluginHost::start(HostConfig { cache, ..HostConfig::default() }).is_err());
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_costs_only_time() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("compiled");
    let host = host(&inner, Some([7; 32]));
    // Gone, so that nobody can write to it, root neither.
    fs::remove_dir(&inner).unwrap();
    let bytes = outbound(&skipping(512, 4));
    for _ in 0..2 {
        let version = host.compile(&bytes).unwrap();
        assert!(version.compile_time().is_some());
        assert!(transform(&host, &version).await.result.is_ok());
    }
}

#[test]
fn the_time_that_compilation_took_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = outbound(&skipping(512, 4));
    assert!(host(dir.path(), None).compile(&bytes).unwrap().compile_time().is_some());
    assert_eq!(host(dir.path(), None).compile(&bytes).unwrap().compile_time(), None);
}

#[test]
fn code_in_the_cache_makes_no_file_a_plugin() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = outbound(&skipping(512, 4));
    let host = host(dir.path(), None);
    host.compile(&bytes).unwrap();
    // The file's own bytes decide under which name its code is looked for.
    for end in [bytes.len() - 1, bytes.len() / 2, 9] {
        assert!(host.compile(&bytes[..end]).is_err(), "{end}");
    }
}
