//! `verify`: do a request's headers prove its body?

use super::body::BodyArguments;
use super::failure::{Failure, told};
use super::output::{print, print_json};
use super::scheme::{RequestArguments, SchemeArguments};
use super::sign::parse_headers;
use crate::clock::SystemClock;
use hookwright_core::signature::{Tier, verify};
use hookwright_store::Clock;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Verify a request's headers and body: exit code 0 if the signature fits, 1 with the reason if not.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    body: BodyArguments,
    #[command(flatten)]
    scheme: SchemeArguments,
    #[command(flatten)]
    request: RequestArguments,
    /// A header of the request, as `Name: value`. May be repeated.
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A file with one header a line.
    #[arg(long, value_name = "FILE")]
    headers_file: Option<PathBuf>,
    /// The time of receipt in unix seconds; now if it is left out.
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &VerifyArguments) -> Result<ExitCode, Failure> {
    let scheme = arguments.scheme.scheme()?;
    let secret = arguments.scheme.secret(&scheme)?;
    let mut lines = arguments.headers.clone();
    if let Some(file) = &arguments.headers_file {
        let text =
            std::fs::read_to_string(file).map_err(|error| told(format!("cannot read {}: {error}", file.display())))?;
        lines.extend(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
    }
    let headers = parse_headers(&lines)?;
    let body = arguments.body.read()?;
    let now_secs = arguments.at.unwrap_or_else(|| SystemClock.now_ms().div_euclid(1000));
    let outcome = verify(&scheme, &[secret], &arguments.request.request(&headers, &body, now_secs)?);
    if arguments.json {
        print_json(&match &outcome {
            Ok(verified) => json!({ "verified": true, "id": verified.id, "tier": verified.tier.as_str() }),
            Err(error) => json!({ "verified": false, "code": error.code(), "detail": error.to_string() }),
        })?;
    } else {
        print(&match &outcome {
            Ok(verified) => {
                // A credential proves who sent the body, and nothing of the body.
                let word = if verified.tier == Tier::Authenticated { "authenticated" } else { "verified" };
                verified.id.as_ref().map_or_else(|| word.to_owned(), |id| format!("{word}: {id}"))
            }
            Err(error) => format!("not verified: {error} ({})", error.code()),
        })?;
    }
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
