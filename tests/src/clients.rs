//! The official clients of Standard Webhooks verify what the demo's receiver got.
//!
//! They come from npm and `PyPI`. Where those cannot be reached the tests say so and pass, except with `CI=true`.

mod others;

use crate::demo::components;
use crate::harness::command::run;
use crate::harness::root;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const VERSION_NPM: &str = "1.0.0";
const VERSION_PYPI: &str = "1.0.0";

/// What the receiver of one run of the demo got.
fn received() -> &'static Value {
    static RECEIVED: OnceLock<Value> = OnceLock::new();
    RECEIVED.get_or_init(|| {
        let components = components();
        let arguments = ["demo", "--once", "--json", "--components", components.path().to_str().unwrap()];
        let report = run(&root(), arguments).expect(0).json();
        assert_eq!(report["ok"], true);
        report["received"].clone()
    })
}

/// Where the clients are installed: below target/, so that they are fetched once.
fn place(name: &str) -> PathBuf {
    let place = root().join("target").join("clients").join(name);
    fs::create_dir_all(&place).unwrap();
    place
}

/// Whether a command worked without which a test has nothing to work with; if not, it is told where nobody captures it.
pub(crate) fn installed(what: &str, command: &mut Command) -> bool {
    let output = command.output();
    let why = match &output {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{what} cannot be had: {why}");
    // Unlike eprintln!, this is not captured by the test runner.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {what} cannot be had, so that nothing was verified: {why}\n");
    false
}

/// Runs a script on the deliveries, and on bent ones.
fn verify(command: impl Fn() -> Command) {
    let deliveries = received().as_array().unwrap();
    assert_eq!(deliveries.len(), 2);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("delivery.json");
    for delivery in deliveries {
        for (bent, expected) in [(false, "verified"), (true, "refused")] {
            let mut delivery = delivery.clone();
            if bent {
                let body = format!("{} ", delivery["body"].as_str().unwrap());
                delivery["body"] = json!(body);
            }
            fs::write(&file, delivery.to_string()).unwrap();
            let output = command().arg(&file).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn the_official_client_for_node_verifies_the_demo_s_deliveries() {
    let place = place("npm");
    let script = place.join("verify.cjs");
    let package = format!("standardwebhooks@{VERSION_NPM}");
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&place).arg(package).current_dir(&place);
    if !place.join("node_modules").join("standardwebhooks").is_dir() && !installed("the client for Node", &mut install)
    {
        return;
    }
    fs::write(
        &script,
        r#"const { Webhook } = require("standardwebhooks");
const d = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
try { new Webhook(d.secret).verify(d.body, d.headers); console.log("verified"); }
catch (error) { console.error(String(error)); console.log("refused"); }
"#,
    )
    .unwrap();
    verify(|| {
        let mut command = Command::new("node");
        command.arg(&script);
        command
    });
}

#[test]
fn the_official_client_for_python_verifies_the_demo_s_deliveries() {
    let place = place("pypi");
    let script = place.join("verify.py");
    let package = format!("standardwebhooks=={VERSION_PYPI}");
    let libraries = place.join("libraries");
    let mut install = Command::new("python3");
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
        .arg(&libraries)
        .arg(package);
    if !libraries.join("standardwebhooks").is_dir() && !installed("the client for Python", &mut install) {
        return;
    }
    fs::write(
        &script,
        r#"import json, sys
from standardwebhooks.webhooks import Webhook
d = json.load(open(sys.argv[1]))
try:
    Webhook(d["secret"]).verify(d["body"], d["headers"])
    print("verified")
except Exception as error:
    print(repr(error), file=sys.stderr)
    print("refused")
"#,
    )
    .unwrap();
    verify(|| {
        let mut command = Command::new("python3");
        command.arg(&script).env("PYTHONPATH", &libraries);
        command
    });
}
