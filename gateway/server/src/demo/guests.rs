//! The demo's two plugins: taken from a directory, or built from this checkout.

use super::DemoError;
use hookwright_plugin_host::build::build_guest;
use std::path::{Path, PathBuf};

/// The plugins the demo needs: the first reads, the second reshapes.
pub(super) const INBOUND: &str = "emr-video-call";
pub(super) const OUTBOUND: &str = "klaviyo-profile";

/// Their components, by name.
pub(super) struct Guests(pub(super) [(&'static str, Vec<u8>); 2]);

/// Reads `NAME.wasm` from `directory`, or builds the crates of the checkout.
pub(super) async fn obtain(directory: Option<PathBuf>) -> Result<Guests, DemoError> {
    let work = move || {
        let one = |name| match &directory {
            Some(directory) => read(&directory.join(name).with_extension("wasm")),
            None => build(name),
        };
        Ok(Guests([(INBOUND, one(INBOUND)?), (OUTBOUND, one(OUTBOUND)?)]))
    };
    tokio::task::spawn_blocking(work).await.map_err(|source| DemoError::Task { source })?
}

fn read(path: &Path) -> Result<Vec<u8>, DemoError> {
    std::fs::read(path).map_err(|source| DemoError::Component { path: path.to_owned(), source })
}

/// Where the crate of a plugin is, if there is a checkout.
pub(super) fn crate_of(name: &str) -> Option<PathBuf> {
    Some(checkout()?.join("plugins").join(name))
}

fn build(name: &str) -> Result<Vec<u8>, DemoError> {
    let checkout = checkout().ok_or(DemoError::NoCheckout)?;
    Ok(build_guest(&checkout.join("plugins").join(name), &checkout.join("target").join("guests"))?)
}

/// The checkout: where the command is run, a directory above it, or where it was compiled.
fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let compiled = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let mut candidates = here.ancestors().chain(compiled);
    candidates.find(|root| root.join("plugins").join(INBOUND).join("Cargo.toml").is_file()).map(Path::to_owned)
}
