//! The other reader: Python's `hl7`, by a script.

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const PACKAGE: &str = "hl7==0.4.5";

/// What Python's reader leaves to its caller is done here: the byte order mark, the frame of MLLP, and other ends of lines
/// than CR. The rest is a walk through its containers.
const SCRIPT: &str = r#"
import json, re, sys
import hl7

def parts(node, depth):
    if depth == 0:
        return str(node)
    if isinstance(node, str):
        return [parts(node, depth - 1)]
    return [parts(child, depth - 1) for child in node]

for line in sys.stdin:
    sample = json.loads(line)
    text = bytes.fromhex(sample["hex"]).decode("latin-1" if sample["latin"] else "utf-8")
    text = text.lstrip("\ufeff\x0b\r\n")
    text = re.sub(r"[\r\n]+", "\r", text)
    print(json.dumps([parts(segment, 4) for segment in hl7.parse(text)]))
"#;

/// One message.
pub(crate) struct Sample {
    pub name: String,
    pub body: Vec<u8>,
    /// Its characters are those of ISO 8859-1, and not of UTF-8.
    pub is_latin: bool,
}

/// Says where nobody captures it that a test compared nothing.
pub(crate) fn skipped(why: &str) {
    // Unlike eprintln!, this is not captured by the test runner.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: nothing was compared with Python's hl7: {why}\n");
}

/// The reader, installed.
pub(crate) struct Oracle {
    libraries: PathBuf,
}

impl Oracle {
    /// Installs it below target/, so that it is fetched once.
    pub(crate) fn installed() -> Option<&'static Self> {
        static INSTALLED: OnceLock<Option<Oracle>> = OnceLock::new();
        INSTALLED.get_or_init(Self::install).as_ref()
    }

    fn install() -> Option<Self> {
        let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients/hl7");
        fs::create_dir_all(&libraries).unwrap();
        if libraries.join("hl7").is_dir() {
            return Some(Self { libraries });
        }
        let mut install = Command::new("python3");
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
        let why = match install.arg(&libraries).arg(PACKAGE).output() {
            Ok(output) if output.status.success() => return Some(Self { libraries }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "cannot install {PACKAGE}: {why}");
        skipped(&why);
        None
    }

    /// How it divides these messages.
    pub(crate) fn trees(&self, samples: &[Sample]) -> Vec<Value> {
        let mut command = Command::new("python3");
        command.args(["-c", SCRIPT]).env("PYTHONPATH", &self.libraries).env("PYTHONIOENCODING", "utf-8");
        let mut python = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = python.stdin.take().unwrap();
        let mut lines = String::new();
        for sample in samples {
            let mut hex = String::with_capacity(2 * sample.body.len());
            for byte in &sample.body {
                write!(hex, "{byte:02x}").unwrap();
            }
            writeln!(lines, "{}", json!({ "hex": hex, "latin": sample.is_latin })).unwrap();
        }
        // It answers while it is still being asked.
        let asking = std::thread::spawn(move || input.write_all(lines.as_bytes()));
        let output = python.wait_with_output().unwrap();
        asking.join().unwrap().unwrap();
        assert!(output.status.success(), "Python's hl7 failed");
        let trees: Vec<Value> = output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(trees.len(), samples.len());
        trees
    }
}
