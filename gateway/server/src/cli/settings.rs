//! The flags of the commands that need the configuration.

use super::failure::{Failure, usage};
use crate::config::Loaded;
use crate::config::raw::Raw;
use std::path::PathBuf;

/// Where the configuration comes from: a file, under the environment (`HOOKWRIGHT_…`), under these flags.
#[derive(Debug, clap::Args)]
pub(super) struct SettingsArguments {
    /// The configuration file (TOML). None is needed.
    #[arg(long, value_name = "FILE", env = "HOOKWRIGHT_CONFIG")]
    config: Option<PathBuf>,
    /// Where the records are: `sqlite:` and a path, or `postgres://user@host:5432/database`.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Where partners post: address and port.
    #[arg(long, value_name = "ADDRESS")]
    public_listen: Option<String>,
    /// Where the platform and operators connect: address and port.
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
    /// Any setting by its key, e.g. `--set delivery.timeout=10s`. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl SettingsArguments {
    /// Reads and checks everything.
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        Ok(Loaded::check(self.read()?)?)
    }

    /// The same, for another database, which this flag names.
    pub(super) fn load_for(&self, flag: &str, database_url: &str) -> Result<Loaded, Failure> {
        let mut raw = self.read()?;
        raw.flag(flag, "database_url", database_url);
        Ok(Loaded::check(raw)?)
    }

    fn read(&self) -> Result<Raw, Failure> {
        let mut raw = Raw::default();
        if let Some(file) = &self.config {
            raw.read_file(file)?;
        }
        // A variable that is not text cannot be a setting; its name still tells whose it is meant to be.
        raw.environment(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))),
        );
        let flags = [
            ("--database-url", "database_url", &self.database_url),
            ("--public-listen", "public.listen", &self.public_listen),
            ("--admin-listen", "admin.listen", &self.admin_listen),
        ];
        for (flag, key, value) in flags {
            if let Some(value) = value {
                raw.flag(flag, key, value);
            }
        }
        for assignment in &self.set {
            let (key, value) = assignment.split_once('=').ok_or_else(|| {
                usage(format!("--set {assignment}: expected KEY=VALUE, such as delivery.timeout=10s"))
            })?;
            raw.flag("--set", key.trim(), value.trim());
        }
        Ok(raw)
    }
}
