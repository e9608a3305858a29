//! The contract's WIT package, which the toolchains of other languages read; it is part of the program, so that a plugin's
//! directory needs no copy.

use std::path::{Path, PathBuf};

use super::{BUILD_DIR, BuildError};

/// The files of the package, by name.
pub const CONTRACT_FILES: [(&str, &str); 6] = [
    ("call.wit", include_str!("../../../../wit/0.1.0/call.wit")),
    ("clinical.wit", include_str!("../../../../wit/0.1.0/clinical.wit")),
    ("dispatch.wit", include_str!("../../../../wit/0.1.0/dispatch.wit")),
    ("intake.wit", include_str!("../../../../wit/0.1.0/intake.wit")),
    ("log.wit", include_str!("../../../../wit/0.1.0/log.wit")),
    ("worlds.wit", include_str!("../../../../wit/0.1.0/worlds.wit")),
];

/// The directory with the contract that a plugin is built against: its own `wit`, or else a copy of the program's.
pub(super) fn directory(project: &Path) -> Result<PathBuf, BuildError> {
    let own = project.join("wit");
    if own.is_dir() {
        return Ok(own);
    }
    let directory = project.join(BUILD_DIR).join("wit");
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| BuildError::Write { path, source }
    };
    std::fs::create_dir_all(&directory).map_err(failed(&directory))?;
    for (name, text) in CONTRACT_FILES {
        let file = directory.join(name);
        std::fs::write(&file, text).map_err(failed(&file))?;
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_holds_the_whole_contract() {
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/0.1.0");
        let mut names: Vec<String> = std::fs::read_dir(wit)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        assert_eq!(names, CONTRACT_FILES.map(|(name, _)| name));
    }
}
