//! What is to be made of each file of the directory.

use super::look::{FILE_BYTES_MAX, FILES_MAX, Look, Stamp};
use hookwright_core::source::is_slug;
use std::collections::BTreeMap;

/// Under which name troubles of the directory itself are shown; no file that is taken is called so.
pub(super) const DIRECTORY: &str = "plugins.directory";

/// How a file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// It can be read as a version of this plugin.
    Ready {
        /// The plugin.
        name: String,
        /// The file as it was seen.
        stamp: Stamp,
    },
    /// It cannot.
    Wrong(Wrong),
    /// It is not there any more.
    Gone,
}

/// Why a file, or the directory, is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error(
        "the plugin's name is the file's without .wasm, in lower case and with - for _, and must be 1 to 63 of a-z, 0-9 and hyphens: rename the file"
    )]
    Name,
    #[error("{file} and {first} both come to the plugin {name}, and {first} is taken: rename or remove one of the two")]
    Clash { file: String, first: String, name: String },
    #[error("the file has {bytes} bytes, and at most {FILE_BYTES_MAX} are read: make it smaller")]
    TooLarge { bytes: u64 },
    #[error("this is no file, nor does it lead to one: remove it or give it another name")]
    NotAFile,
    #[error("the file cannot be read ({why}): let the gateway's user read it, or remove it")]
    Unreadable { why: String },
    #[error("there is no such directory: make it, or correct the setting; it is taken in once it is there")]
    DirectoryMissing,
    #[error("the directory cannot be read ({why}): let the gateway's user read it, or correct the setting")]
    DirectoryUnreadable { why: String },
    #[error("the directory holds too many files: the first {FILES_MAX} plugins by name are taken, and the rest is not")]
    TooManyFiles,
}

impl Wrong {
    /// A stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Clash { .. } => "name_clash",
            Self::TooLarge { .. } => "too_large",
            Self::NotAFile => "not_a_file",
            Self::Unreadable { .. } => "file_unreadable",
            Self::DirectoryMissing => "directory_missing",
            Self::DirectoryUnreadable { .. } => "directory_unreadable",
            Self::TooManyFiles => "too_many_files",
        }
    }
}

/// Judges every file of a look, by file name, and the directory.
pub(super) fn judge(look: &Look) -> BTreeMap<String, Case> {
    let mut cases = BTreeMap::new();
    let mut firsts: BTreeMap<String, &String> = BTreeMap::new();
    for (file, found) in &look.files {
        cases.insert(file.clone(), judge_file(file, found, &mut firsts));
    }
    if let Some(wrong) = &look.directory {
        cases.insert(DIRECTORY.to_owned(), Case::Wrong(wrong.clone()));
    }
    cases
}

fn judge_file<'a>(file: &'a String, found: &Result<Stamp, Wrong>, firsts: &mut BTreeMap<String, &'a String>) -> Case {
    let name = plugin_name(file);
    if !is_slug(&name) {
        return Case::Wrong(Wrong::Name);
    }
    // The first is the one by its name alone: which of two serves does not depend on how either is at the moment.
    let first = *firsts.entry(name.clone()).or_insert(file);
    if first != file {
        return Case::Wrong(Wrong::Clash { file: file.clone(), first: first.clone(), name });
    }
    match found {
        Ok(stamp) => Case::Ready { name, stamp: stamp.clone() },
        Err(wrong) => Case::Wrong(wrong.clone()),
    }
}

/// The plugin that a file is a version of.
pub(super) fn plugin_name(file: &str) -> String {
    file.strip_suffix(".wasm").unwrap_or(file).to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp::of(&std::fs::metadata(env!("CARGO_MANIFEST_DIR")).unwrap())
    }

    fn judged(files: &[(&str, Result<Stamp, Wrong>)], directory: Option<Wrong>) -> BTreeMap<String, Case> {
        let files = files.iter().map(|(file, found)| ((*file).to_owned(), found.clone())).collect();
        judge(&Look { files, directory, has_links: false })
    }

    #[test]
    fn a_plugin_is_called_like_its_file() {
        let cases = judged(&[("EMR_Video_call.wasm", Ok(stamp()))], None);
        assert_eq!(cases["EMR_Video_call.wasm"], Case::Ready { name: "emr-video-call".to_owned(), stamp: stamp() });
        for file in ["two words.wasm", "-a.wasm", ".wasm", "a.b.wasm", "\u{fffd}.wasm"] {
            assert_eq!(judged(&[(file, Ok(stamp()))], None)[file], Case::Wrong(Wrong::Name), "{file}");
        }
    }

    #[test]
    fn of_two_files_for_one_plugin_the_first_stays_and_the_other_names_both() {
        let too_large = Wrong::TooLarge { bytes: FILE_BYTES_MAX + 1 };
        let cases = judged(&[("a-b.wasm", Err(too_large.clone())), ("a_b.wasm", Ok(stamp()))], None);
        assert_eq!(cases["a-b.wasm"], Case::Wrong(too_large));
        let Case::Wrong(clash) = &cases["a_b.wasm"] else { panic!("{cases:?}") };
        assert_eq!(clash.code(), "name_clash");
        assert!(clash.to_string().contains("a-b.wasm") && clash.to_string().contains("a_b.wasm"), "{clash}");
    }

    #[test]
    fn a_directory_that_cannot_be_had_is_a_case_of_its_own() {
        let cases = judged(&[], Some(Wrong::DirectoryMissing));
        assert_eq!(cases[DIRECTORY], Case::Wrong(Wrong::DirectoryMissing));
    }
}
