//! Where the checkout is.

use std::path::{Path, PathBuf};

/// The workspace's top directory.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
