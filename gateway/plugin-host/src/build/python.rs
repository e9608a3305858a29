//! Python plugins: a virtual environment in the plugin's build directory gets `componentize-py` and what the plugin
//! depends on, and the plugin and a `CPython` go into one component.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::fingerprint::Kept;
use super::program::{run, said};
use super::{BUILD_DIR, BuildError, Project, contract};

/// The release of `componentize-py` that is used unless the project names another.
pub const COMPONENTIZE_PY: &str = "0.25.1";
/// What stands between the gateway and the plugin.
const GUARD: &str = include_str!("python/guard.py");
const GUARD_MODULE: &str = "hookwright_guard";

pub(super) fn build(project: &Project, anew: bool, tell: &mut dyn FnMut(&str)) -> Result<Vec<u8>, BuildError> {
    let dir = project.dir.as_path();
    let venv = install(dir, &project.requirements, tell)?;
    let wit = contract::directory(dir)?;
    let kept = Kept::of(project, &wit, &[&project.requirements.join(" "), GUARD].concat())?;
    if let Some(component) = kept.get().filter(|_| !anew) {
        return Ok(component);
    }
    tell("putting Python and the plugin into one component, which takes half a minute");
    let (output, guard) = (kept.output()?, guard(dir, &project.entry)?);
    let mut command = Command::new(venv.join("bin").join("componentize-py"));
    command.current_dir(dir).env("VIRTUAL_ENV", &venv).env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONPATH");
    command.arg("--wit-path").arg(&wit).args(["--world", project.world.as_str(), "componentize", GUARD_MODULE]);
    // CPython imports sockets, which plugins do not get; stubbed, all of WASI traps when it is called. The guard makes
    // up for that.
    command.arg("--stub-wasi").arg("--python-path").arg(dir).arg("--python-path").arg(&guard);
    command.arg("--output").arg(&output);
    let ran = run(&mut command)?;
    if !ran.status.success() {
        return Err(BuildError::Compile { package: project.entry.clone(), output: said(&ran) });
    }
    kept.keep()
}

/// Writes the guard for a plugin's module, and gives the directory that it is in.
fn guard(dir: &Path, module: &str) -> Result<PathBuf, BuildError> {
    let place = dir.join(BUILD_DIR).join("guard");
    let file = place.join(GUARD_MODULE).with_extension("py");
    std::fs::create_dir_all(&place)
        .and_then(|()| std::fs::write(&file, GUARD.replace("{{module}}", module)))
        .map_err(|source| BuildError::Write { path: file, source })?;
    Ok(place)
}

/// Makes the environment, and makes it again when the requirements change.
fn install(dir: &Path, requirements: &[String], tell: &mut dyn FnMut(&str)) -> Result<PathBuf, BuildError> {
    let venv = dir.join(BUILD_DIR).join("venv");
    let stamp = venv.join("hookwright-requirements.txt");
    let wanted = requirements.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(venv);
    }
    tell(&format!("installing {} into {}", requirements.join(", "), venv.display()));
    let failed = |what: &str, advice: &str, output| BuildError::Install {
        what: what.to_owned(),
        advice: advice.to_owned(),
        output,
    };
    let made = run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    if !made.status.success() {
        let advice = "Python's module venv is needed (on Debian and Ubuntu `apt install python3-venv`)";
        return Err(failed("a virtual environment", advice, said(&made)));
    }
    let mut pip = Command::new(venv.join("bin").join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(requirements);
    let installed = run(&mut pip)?;
    if !installed.status.success() {
        let advice = "pip could not; it needs PyPI, and releases that exist for this Python and this system";
        return Err(failed(&requirements.join(", "), advice, said(&installed)));
    }
    std::fs::write(&stamp, wanted).map_err(|source| BuildError::Write { path: stamp, source })?;
    Ok(venv)
}
