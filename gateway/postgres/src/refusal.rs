//! Why there is no connection, in one sentence that says where, and what to do.

use crate::connection::Door;
use crate::fault::{Failure, code};
use hookwright_store::StoreError;
use rustls::{AlertDescription, CertificateError, Error as TlsError};
use sqlx::postgres::PgSslMode;
use std::io;

/// What the refusal means: [`StoreError::Unsuitable`] where only a person can help, [`StoreError::Unavailable`] where it may pass.
pub(crate) fn refused(failure: Failure, door: &Door) -> StoreError {
    let Failure::Database(error) = failure else { return failure.into() };
    let place = door.place();
    match &error {
        sqlx::Error::Database(_) => by_the_server(&error, door),
        sqlx::Error::Io(error) => match tls_error(error) {
            Some(error) => StoreError::Unsuitable(of_tls(error, &place)),
            None => unavailable(format!("{place} cannot be reached: {error}")),
        },
        sqlx::Error::PoolTimedOut => unavailable(format!("{place} does not answer")),
        sqlx::Error::Tls(error) if error.to_string() == "server does not support TLS" => {
            StoreError::Unsuitable(format!("{place} does not speak TLS, and sslmode insists on it"))
        }
        sqlx::Error::Tls(error) | sqlx::Error::Configuration(error) => {
            StoreError::Unsuitable(format!("the connection to {place} cannot be set up: {error}"))
        }
        sqlx::Error::Protocol(error) => {
            StoreError::Unsuitable(format!("what answers as {place} does not speak its protocol: {error}"))
        }
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

/// PostgreSQL itself said no. Its words hold names and addresses, and never a password.
fn by_the_server(error: &sqlx::Error, door: &Door) -> StoreError {
    let said = error.as_database_error().map(|error| error.message().to_owned()).unwrap_or_default();
    let (place, options) = (door.place(), door.options());
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    let why = match code(error).as_deref() {
        Some("28P01") => format!("{place} does not let user {user} in: the password is wrong, or none is given"),
        Some("28000") => {
            let plain = matches!(options.get_ssl_mode(), PgSslMode::Disable);
            let tls = if plain { "; it may insist on TLS, which sslmode=disable rules out" } else { "" };
            format!("{place} does not let user {user} into database {database}: {said}{tls}")
        }
        Some("3D000") => format!("{place} has no database {database}: make it with `createdb {database}`"),
        Some("42501") => {
            format!("{place} does not let user {user} into database {database}: grant CONNECT on it ({said})")
        }
        Some("53300") => {
            return unavailable(format!(
                "{place} has no connection left for user {user} ({said}): raise its limit, or lower database.readers_max of the nodes"
            ));
        }
        Some("57P03" | "57P01" | "57P02") => return unavailable(format!("{place} starts or ends just now: {said}")),
        code => return unavailable(format!("{place} refuses the connection: {said} ({})", code.unwrap_or("no code"))),
    };
    StoreError::Unsuitable(why)
}

fn unavailable(why: String) -> StoreError {
    StoreError::Unavailable(why.into())
}

/// The error of TLS that an error of the connection is.
fn tls_error(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

fn of_tls(error: &TlsError, place: &str) -> String {
    match error {
        // The latter of an authority that is called like one that is trusted.
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => format!(
            "the certificate of {place} is by no authority that is trusted here: name its file in the URL (sslrootcert=)"
        ),
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("the certificate of {place} is not for this name: {error}"),
        TlsError::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            format!("the certificate of {place} has expired")
        }
        TlsError::InvalidCertificate(_) => format!("the certificate of {place} cannot be trusted: {error}"),
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown,
        ) => format!("{place} does not take the client's certificate (sslcert= and sslkey=): {error}"),
        _ => format!("TLS with {place} fails: {error}"),
    }
}
