//! The demo, as a stranger meets it: it ends well, and what it suggests works by copy and paste.

use crate::harness::command::{hookwright, run};
use crate::harness::{guests, root};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A directory with the components, so that the demo need not build them again.
pub(crate) fn components() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("emr-video-call.wasm"), guests::emr_video_call()).unwrap();
    fs::write(directory.path().join("klaviyo-profile.wasm"), guests::klaviyo_profile()).unwrap();
    directory
}

#[test]
fn the_demo_ends_by_itself_when_both_deliveries_are_verified() {
    let components = components();
    let ran = run(&root(), ["demo", "--once", "--components", components.path().to_str().unwrap()]).expect(0);
    assert_eq!(ran.out.matches("signature verified").count(), 2, "{}", ran.out);
    for word in ["webhook-signature", "establishment", "US-TX", "attempt", "audit", "processed", "delivered"] {
        assert!(ran.out.contains(word), "{word} is not shown:\n{}", ran.out);
    }
    assert!(!ran.out.contains('\x1b'), "no colours where nobody looks");
}

/// The demo as a process that is ended with the test.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What is printed under the story: each command with what it is for.
fn suggestions(lines: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let after = lines.skip_while(|line| !line.contains("The gateway stays up"));
    for line in after.take_while(|line| !line.contains("What arrives from now on")) {
        if let Some(about) = line.strip_prefix("  # ") {
            found.push((about.to_owned(), String::new()));
        } else if let (Some((_, command)), false) = (found.last_mut(), line.trim().is_empty()) {
            command.push_str(line.strip_prefix("  ").unwrap_or(&line));
            command.push('\n');
        }
    }
    found
}

fn shell(directory: &Path, command: &str) -> String {
    let output = Command::new("sh").args(["-ec", command]).current_dir(directory).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn what_the_demo_suggests_works_by_copy_and_paste() {
    let components = components();
    let arguments = ["demo", "--components", components.path().to_str().unwrap()];
    let mut up = Up(hookwright(&root(), arguments).stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(up.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let suggested = suggestions(lines);
    assert!(suggested.len() >= 5, "{suggested:?}");
    for (about, command) in suggested {
        // The receiver of one's own and the build of a plugin take as long as a person lets them.
        let quick: Vec<&str> =
            command.lines().filter(|line| !line.contains(" sink ") && !line.contains(" plugin push ")).collect();
        let out = shell(&root(), &quick.join("\n"));
        assert!(!out.contains("about:blank"), "{about}\n{command}\n{out}");
    }
}
