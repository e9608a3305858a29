//! Compilation in a child process: it gives the same code, and whatever becomes of the child is a typed error.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use hookwright_plugin_host::child::{CHILD_ARGUMENT, COMPILE_WALL_MAX};
use hookwright_plugin_host::{CacheConfig, Compiler, HostConfig, LoadError, MemoryChecks, PluginHost};

use crate::guest::{outbound, skipping, transform};

fn compiler() -> Compiler {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_plugin-compiler"));
    Compiler::Child { program, args: vec![CHILD_ARGUMENT.into()], wall_limit: COMPILE_WALL_MAX }
}

fn host_with(compiler: Compiler) -> PluginHost {
    PluginHost::start(HostConfig { compiler, ..HostConfig::default() }).unwrap()
}

/// Another program in the compiler's place.
fn impostor(script: &str, wall_limit: Duration) -> Compiler {
    Compiler::Child { program: "/bin/sh".into(), args: ["-c", script].map(OsString::from).into(), wall_limit }
}

#[tokio::test]
async fn a_child_compiles_what_the_host_runs() {
    let bytes = outbound(&skipping(512, 4));
    for memory_checks in [MemoryChecks::Auto, MemoryChecks::Explicit] {
        let config = HostConfig { compiler: compiler(), memory_checks, ..HostConfig::default() };
        let host = PluginHost::start(config).unwrap();
        let version = host.compile(&bytes).unwrap();
        assert!(transform(&host, &version).await.result.is_ok());
    }
}

#[tokio::test]
async fn code_of_a_child_is_cached_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = outbound(&skipping(512, 4));
    let start = |compiler| {
        let cache = Some(CacheConfig { dir: dir.path().to_owned(), mac_key: Some([3; 32]) });
        PluginHost::start(HostConfig { compiler, cache, ..HostConfig::default() }).unwrap()
    };
    start(compiler()).compile(&bytes).unwrap();
    let unable = impostor("exit 1", COMPILE_WALL_MAX);
    let host = start(unable);
    let version = host.compile(&bytes).unwrap();
    assert!(transform(&host, &version).await.result.is_ok());
    assert!(host.compile(&outbound(&skipping(512, 3))).is_err(), "nothing but the cache could have served");
}

#[test]
fn a_child_that_crashes_is_a_typed_error() {
    for (script, word) in [
        ("kill -SEGV $$", "signal 11"),
        ("kill -ABRT $$", "out of memory"),
        ("kill -XCPU $$", "processor time"),
        ("echo too bad >&2; exit 3", "too bad"),
        ("cat", "the length is beyond any measure"),
        ("cat >/dev/null; head -c 100000 /dev/zero", "not the compiler"),
        ("cat >/dev/null; echo hwcomp-1", "failed to fill"),
    ] {
        let error = host_with(impostor(script, COMPILE_WALL_MAX)).compile(&outbound(&skipping(512, 4))).unwrap_err();
        assert_eq!(error.kind(), "compiler_crashed", "{script}");
        assert!(error.to_string().contains(word), "{script}: {error}");
    }
}

#[test]
fn a_child_that_hangs_is_ended() {
    for script in ["exec sleep 600", "cat >/dev/null; exec sleep 600", "exec >&-; exec sleep 600"] {
        let host = host_with(impostor(script, Duration::from_millis(300)));
        let error = host.compile(&outbound(&skipping(512, 4))).unwrap_err();
        assert!(matches!(&error, LoadError::CompilerCrashed { .. }), "{script}: {error}");
    }
}

#[test]
fn a_child_that_cannot_be_started_is_not_the_components_fault() {
    let nowhere = Compiler::Child { program: "/nowhere/at/all".into(), args: Vec::new(), wall_limit: COMPILE_WALL_MAX };
    let error = host_with(nowhere).compile(&outbound(&skipping(512, 4))).unwrap_err();
    assert!(matches!(error, LoadError::CompilerUnavailable { .. }), "{error}");
}

#[test]
fn the_child_knows_nothing_of_the_environment() {
    let script = "env >&2; exit 1";
    // Set by cargo for every test.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let error = host_with(impostor(script, COMPILE_WALL_MAX)).compile(&outbound(&skipping(512, 4))).unwrap_err();
    assert!(!error.to_string().contains("CARGO"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_child_gives_way_and_is_bounded() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    // It takes its limits before it reads, and reads until its input ends: meanwhile it can be looked at.
    let mut child = Command::new(env!("CARGO_BIN_EXE_plugin-compiler"))
        .arg(CHILD_ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limits = PathBuf::from(format!("/proc/{}/limits", child.id()));
    let of = |name: &str| -> String {
        let file = BufReader::new(std::fs::File::open(&limits).unwrap());
        file.lines().map(Result::unwrap).find(|line| line.starts_with(name)).unwrap()
    };
    let deadline = Duration::from_secs(10);
    let started = tokio::time::Instant::now();
    while !of("Max cpu time").contains(" 60 ") {
        assert!(started.elapsed() < deadline, "{}", of("Max cpu time"));
        std::thread::yield_now();
    }
    assert!(of("Max address space").contains("2147483648"), "{}", of("Max address space"));
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let nice: i32 = stat.rsplit(") ").next().unwrap().split(' ').nth(16).unwrap().parse().unwrap();
    assert!(nice >= 10, "{nice}");
    drop(child.stdin.take());
    assert!(!child.wait().unwrap().success());
}
