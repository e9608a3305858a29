//! The configuration, through `check-config`.

use crate::harness::command::{hookwright, run};
use crate::harness::root;
use hookwright::config::key::KEYS;
use std::fs;

#[test]
fn the_example_is_accepted_and_explains_every_setting() {
    let directory = tempfile::tempdir().unwrap();
    let file = root().join("examples").join("hookwright.toml");
    run(directory.path(), ["check-config", "--config", file.to_str().unwrap()]).expect(0);
    let mut table = String::new();
    let mut explained = Vec::new();
    for line in fs::read_to_string(&file).unwrap().lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            table = format!("{name}.");
        } else if let Some((key, _)) =
            line.strip_prefix('#').filter(|line| !line.starts_with(' ')).and_then(|line| line.split_once(" = "))
        {
            explained.push(format!("{table}{key}"));
        }
    }
    let known: Vec<&str> = KEYS.iter().map(|key| key.path).collect();
    assert_eq!(explained, known);
}

#[test]
fn with_everything_left_out_in_the_example_said_it_is_still_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(root().join("examples").join("hookwright.toml")).unwrap();
    // A commented setting is `#key = value`; a comment is `# Words`.
    let said: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(directory.path().join("h.toml"), said).unwrap();
    run(directory.path(), ["check-config", "--config", "h.toml"]).expect(0);
}

#[test]
fn the_readme_s_table_is_the_program_s() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for key in KEYS {
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        let row = format!("| `{}` | {default} | {} |\n", key.path, key.about);
        assert!(readme.contains(&row), "README.md lacks: {row}");
    }
}

#[test]
fn every_fault_is_told_at_once_and_the_exit_code_is_1() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("h.toml"),
        "drain = \"soon\"\n[public]\nlisten = \"here\"\nlisten_on = 1\n[delivry]\ntimeout = \"5s\"\n",
    )
    .unwrap();
    let ran = run(directory.path(), ["check-config", "--config", "h.toml"]).expect(1);
    insta::assert_snapshot!(ran.err, @r#"
    hookwright: the configuration is not valid:
      delivry (h.toml:5): there is no such setting; the nearest is delivery
      public.listen_on (h.toml:4): there is no such setting; the nearest is public.listen
      drain (h.toml:1): expected a duration from 0s to 10m, such as 5s or 1m30s, found "soon"
      public.listen (h.toml:3): expected an IP address and a port, such as 127.0.0.1:8080, found "here"
    "#);
}

#[test]
fn a_misspelt_variable_names_the_nearest() {
    let directory = tempfile::tempdir().unwrap();
    let output =
        hookwright(directory.path(), ["check-config"]).env("HOOKWRIGHT_DATABASE_URI", "sqlite:x").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("HOOKWRIGHT_DATABASE_URI: there is no such variable; the nearest is HOOKWRIGHT_DATABASE_URL"),
        "{err}"
    );
}

#[test]
fn what_is_in_effect_is_printed_without_secrets_and_reads_back() {
    let directory = tempfile::tempdir().unwrap();
    let secret = "ab".repeat(32);
    let output = hookwright(directory.path(), ["check-config", "--set", "delivery.timeout=7s"])
        .env("HOOKWRIGHT_KEY", &secret)
        .env("HOOKWRIGHT_EGRESS_ALLOW", "10.0.0.0/8")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(!out.contains(&secret));
    assert!(out.contains("delivery.timeout = \"7s\"") && out.contains("# --set"), "{out}");
    assert!(out.contains("egress.allow = [\"10.0.0.0/8\"]") && out.contains("# HOOKWRIGHT_EGRESS_ALLOW"), "{out}");
    fs::write(directory.path().join("again.toml"), out).unwrap();
    run(directory.path(), ["check-config", "--config", "again.toml", "--json"]).expect(0);
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let ran = run(directory.path(), ["check-config", "--config", "none.toml"]).expect(1);
    assert!(ran.err.contains("none.toml: cannot read the configuration file"), "{}", ran.err);
}
