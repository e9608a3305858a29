//! The plugins of the checkout, built once for the whole run.

use super::root;
use hookwright_plugin_host::build::build_guest;
use std::path::Path;
use std::sync::OnceLock;

/// The component of `plugins/emr-video-call`.
pub(crate) fn emr_video_call() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build("emr-video-call"))
}

/// The component of `plugins/fhir`.
pub(crate) fn fhir() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build("fhir"))
}

/// The component of `plugins/hl7v2`.
pub(crate) fn hl7v2() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build("hl7v2"))
}

/// The component of `plugins/klaviyo-profile`.
pub(crate) fn klaviyo_profile() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build("klaviyo-profile"))
}

/// The component of `tests/unruly`.
pub(crate) fn unruly() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build_in(&root().join("tests/unruly")))
}

/// Builds the guest in a directory of `plugins/`.
pub(crate) fn build(name: &str) -> Vec<u8> {
    build_in(&root().join("plugins").join(name))
}

fn build_in(directory: &Path) -> Vec<u8> {
    build_guest(directory, &root().join("target").join("guests")).unwrap()
}

/// The same component with other bytes, and so another digest: a section that nobody reads is added.
pub(crate) fn variant(component: &[u8], mark: &str) -> Vec<u8> {
    let (name, mark) = ("variant", mark.as_bytes());
    let mut section = vec![u8::try_from(name.len()).unwrap()];
    section.extend(name.as_bytes());
    section.extend(mark);
    // A custom section is 0, the length (here below 128, and so one byte), and the content.
    let length = u8::try_from(section.len()).unwrap();
    assert!(length < 128, "the mark is too long");
    [component, &[0, length], &section].concat()
}
