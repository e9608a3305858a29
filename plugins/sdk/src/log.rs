//! Lines for the operator. They are kept, sealed, with the message or attempt of the call.

pub use crate::bindings::inbound::hookwright::plugin::log::Level;

/// Adds a line. Outside WebAssembly, as in a plugin's own tests, it goes to the standard error.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::inbound::hookwright::plugin::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
}

/// Adds a line for whoever writes the plugin.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Adds a line worth knowing.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Adds a line about something that looks wrong.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Adds a line about something that is wrong.
pub fn error(message: &str) {
    write(Level::Error, message);
}

/// Sends the message of a panic to the log; without this, a guest that panics says nothing but `unreachable`.
#[cfg(target_arch = "wasm32")]
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}

/// Tests have a hook of their own.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn report_panics() {}
