//! What only a start would tell of a configuration: files that are not there, or not what they should be. Nothing is made or changed.

use super::keyring;
use crate::config::{Config, Database, Fault, KeyPlace, Loaded, Origin, PostgresAddress, TlsFiles};
use crate::listener;
use crate::problem::chain;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that a start would refuse, or complain of, for the sake of files.
pub fn preflight(loaded: &Loaded) -> Vec<Fault> {
    let config = &loaded.config;
    let found = [
        database(&config.database),
        keys(config),
        tls("public.tls.certificate", config.public.tls.as_ref()),
        tls("admin.tls.certificate", config.admin.tls.as_ref()),
        plugins(config.plugins.directory.as_deref()),
    ];
    let fault = |(key, detail): (&str, String)| Fault { key: key.to_owned(), origin: origin(loaded, key), detail };
    found.into_iter().flatten().map(fault).collect()
}

fn database(database: &Database) -> Option<(&'static str, String)> {
    let path = match database {
        Database::Sqlite(path) => path,
        Database::Postgres(address) => return postgres(address),
    };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    (!directory.is_dir()).then(|| ("database_url", format!("the directory {} is not there", directory.display())))
}

/// The files that a connection needs. The server itself is not asked.
fn postgres(address: &PostgresAddress) -> Option<(&'static str, String)> {
    let unread = |path: &Path| fs::File::open(path).err();
    if let Some(path) = address.password_file()
        && let Some(error) = unread(path)
    {
        return Some(("database.password_file", format!("cannot read {}: {error}", path.display())));
    }
    address.files().find_map(|(name, path)| {
        let error = unread(path)?;
        Some(("database_url", format!("cannot read {} ({name}): {error}", path.display())))
    })
}

fn keys(config: &Config) -> Option<(&'static str, String)> {
    let key = match &config.keys {
        KeyPlace::Text(_) => crate::config::key::KEY_VARIABLE,
        KeyPlace::File(_) | KeyPlace::FileOrNew(_) | KeyPlace::Nowhere => "keys.file",
    };
    keyring::look(&config.keys, &config.database).err().map(|error| (key, said(&error)))
}

fn tls(key: &'static str, files: Option<&TlsFiles>) -> Option<(&'static str, String)> {
    listener::check_tls(files?).err().map(|error| (key, said(&error)))
}

fn plugins(directory: Option<&Path>) -> Option<(&'static str, String)> {
    let directory: PathBuf = directory?.to_owned();
    let error = fs::read_dir(&directory).err()?;
    Some(("plugins.directory", format!("cannot read {}: {error}", directory.display())))
}

fn said(error: &(dyn Error + 'static)) -> String {
    chain(error)
}

fn origin(loaded: &Loaded, key: &str) -> Origin {
    let setting = loaded.settings.iter().find(|setting| setting.path == key);
    setting.map_or(Origin::Default, |setting| setting.origin.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::Raw;

    fn found(lines: &[String]) -> Vec<String> {
        let mut raw = Raw::default();
        raw.file("h.toml", &lines.join("\n"));
        preflight(&Loaded::check(raw).unwrap()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_file_that_is_not_there_is_told_and_none_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let said = found(&[
            format!("database_url = \"sqlite:{}\"", path("nowhere/h.db")),
            format!("keys.file = \"{}\"", path("h.key")),
            format!("public.tls.certificate = \"{}\"", path("c.pem")),
            format!("public.tls.key = \"{}\"", path("k.pem")),
            format!("plugins.directory = \"{}\"", path("plugins")),
        ]);
        let keys: Vec<&str> = said.iter().map(|fault| fault.split(':').next().unwrap()).collect();
        assert_eq!(
            keys,
            [
                "database_url (h.toml",
                "keys.file (h.toml",
                "public.tls.certificate (h.toml",
                "plugins.directory (h.toml"
            ]
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_of_a_connection_that_are_not_there_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let url = format!("database_url = \"postgres://u@h/d?sslmode=verify-full&sslrootcert={}\"", path("ca.pem"));
        let said = found(&[url.clone(), format!("database.password_file = \"{}\"", path("password"))]);
        assert!(said[0].starts_with("database.password_file (h.toml:2): cannot read "), "{said:?}");
        assert!(said[1].starts_with("keys.file: a database on PostgreSQL needs "), "{said:?}");
        fs::write(path("password"), "x").unwrap();
        let said = found(&[url, format!("database.password_file = \"{}\"", path("password"))]);
        assert!(
            said[0].starts_with("database_url (h.toml:1): cannot read ") && said[0].contains("(sslrootcert)"),
            "{said:?}"
        );
    }

    #[test]
    fn a_place_for_a_new_database_is_fine_and_an_orphan_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("h.db");
        let line = || [format!("database_url = \"sqlite:{}\"", database.display())];
        assert_eq!(found(&line()), [""; 0]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        fs::write(&database, "records").unwrap();
        assert!(found(&line())[0].starts_with("keys.file: the database "), "{:?}", found(&line()));
    }
}
