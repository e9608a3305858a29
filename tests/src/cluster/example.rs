//! `examples/cluster/run`, as somebody would type it.

use crate::harness::command::program;
use crate::harness::root;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Whether the load balancer is there; PostgreSQL is looked for, and missed loudly, by the crate that starts it.
fn has_balancer() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<_> = std::env::split_paths(&path).collect();
    places.push(Path::new("/usr/sbin").to_owned());
    let found = places.iter().any(|place| place.join("haproxy").is_file());
    if !found {
        let missing = "HAProxy is missing: apt-get install haproxy";
        // Unlike eprintln!, this is not captured by the test runner.
        let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: the test of examples/cluster. {missing}. ***\n");
    }
    found
}

#[test]
fn the_cluster_of_the_examples_survives_the_death_of_each_node() {
    if hookwright_test_postgres::Binaries::find().is_none() || !has_balancer() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let script = root().join("examples").join("cluster").join("run");
    let mut run = Command::new(script);
    run.args(["--once", "--binary"]).arg(program()).env("TMPDIR", place.path()).env("NO_COLOR", "1");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HOOKWRIGHT_")) {
        run.env_remove(name);
    }
    // PostgreSQL's account must get to what the script makes there.
    std::fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let output = run.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("Nothing was lost: 20 events arrived"), "{out}\n{err}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "it leaves nothing behind");
}
