//! JavaScript plugins: npm installs what `package.json` pins, and `componentize-qjs` puts the plugin and a `QuickJS` into one
//! component.

use std::path::Path;
use std::process::Command;

use super::fingerprint::Kept;
use super::program::{run, said};
use super::{BuildError, Project, contract};

/// The release of `componentize-qjs` that templates pin.
pub const COMPONENTIZE_QJS: &str = "0.4.5";
const PACKAGE: &str = "node_modules/componentize-qjs";

pub(super) fn build(project: &Project, anew: bool, tell: &mut dyn FnMut(&str)) -> Result<Vec<u8>, BuildError> {
    let dir = &project.dir;
    install(dir, tell)?;
    let wit = contract::directory(dir)?;
    let kept = Kept::of(project, &wit, &componentizer_version(dir))?;
    if let Some(component) = kept.get().filter(|_| !anew) {
        return Ok(component);
    }
    let output = kept.output()?;
    let mut command = Command::new("node");
    command.current_dir(dir).arg(format!("{PACKAGE}/bin/componentize-qjs"));
    // The async ABI of the component model is not offered, hence the runtime without it. WASI is not stubbed: stubs
    // trap, while the host's empty world has a clock and randomness that stand still.
    command.args(["--sync", "--world", project.world.as_str(), "--wit"]).arg(&wit);
    command.arg("--module-root").arg(".").arg("--js").arg(&project.entry).arg("--output").arg(&output);
    let ran = run(&mut command)?;
    if !ran.status.success() {
        return Err(BuildError::Compile { package: project.entry.clone(), output: said(&ran) });
    }
    kept.keep()
}

/// Installs the packages if the componentizer is not there.
fn install(dir: &Path, tell: &mut dyn FnMut(&str)) -> Result<(), BuildError> {
    if dir.join(PACKAGE).is_dir() {
        return Ok(());
    }
    tell("installing the packages of package.json with npm");
    let mut command = Command::new("npm");
    // No package of a plugin's has reason to run code as it is installed.
    command.current_dir(dir).args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
    let ran = run(&mut command)?;
    let failed = |advice: &str, output| {
        Err(BuildError::Install { what: "componentize-qjs".to_owned(), advice: advice.to_owned(), output })
    };
    if !ran.status.success() {
        return failed("run `npm install` in the plugin's directory, with network access", said(&ran));
    }
    if !dir.join(PACKAGE).is_dir() {
        let advice = format!(
            "package.json does not ask for it: run `npm install --save-dev componentize-qjs@{COMPONENTIZE_QJS}`"
        );
        return failed(&advice, String::new());
    }
    Ok(())
}

/// What is installed, which may be another release than the manifest's if somebody saw to that.
fn componentizer_version(dir: &Path) -> String {
    let manifest = std::fs::read(dir.join(PACKAGE).join("package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
    format!("componentize-qjs {}", manifest["version"].as_str().unwrap_or("of no version"))
}
