//! `sign`: the headers that prove a body, as a partner would send them.

use super::body::BodyArguments;
use super::failure::{Failure, usage};
use super::output::{print, print_json};
use super::scheme::{RequestArguments, SchemeArguments};
use crate::chance;
use crate::clock::SystemClock;
use hookwright_core::signature::{Scheme, sign_request};
use hookwright_store::Clock;
use serde_json::json;
use std::fmt::Write;
use std::process::ExitCode;

/// Sign a body as a partner would.
#[derive(Debug, clap::Args)]
pub(super) struct SignArguments {
    #[command(flatten)]
    body: BodyArguments,
    #[command(flatten)]
    scheme: SchemeArguments,
    #[command(flatten)]
    request: RequestArguments,
    /// The message's id; a new one if it is left out.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The time of signing in unix seconds; now if it is left out.
    #[arg(long, value_name = "SECONDS")]
    timestamp: Option<i64>,
    /// A further header that the scheme signs or needs, as `Name: value`. May be repeated.
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Print a ready `curl` command that posts the body to this address.
    #[arg(long, value_name = "URL", conflicts_with = "json")]
    curl: Option<String>,
    /// Print the headers as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Names and values of headers, in the order to send them.
type Headers = Vec<(String, String)>;

pub(super) fn run(arguments: &SignArguments) -> Result<ExitCode, Failure> {
    let scheme = arguments.scheme.scheme()?;
    // Where verification holds a public key, signing takes the private one: whether a secret is of use is said by what signs with it.
    let secret = arguments.scheme.unchecked_secret()?;
    let body = arguments.body.read()?;
    let mut headers = parse_headers(&arguments.headers)?;
    let now_secs = arguments.timestamp.unwrap_or_else(|| SystemClock.now_ms().div_euclid(1000));
    let id = fresh_id(arguments.id.as_deref());
    if matches!(scheme, Scheme::StandardWebhooks { .. }) {
        check_id(&id)?;
    }
    let sent = with_content_type(&headers);
    let request = arguments.request.request(&sent, &body, now_secs)?;
    let signed = sign_request(&scheme, &secret, &request, &id).map_err(|error| usage(error.to_string()))?;
    headers.extend(signed.headers);
    if let Some(url) = &arguments.curl {
        let query = signed.query.as_deref().unwrap_or_else(|| arguments.request.query());
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = if query.is_empty() { url.clone() } else { format!("{url}{separator}{query}") };
        let file = arguments.body.path().map(|path| path.display().to_string());
        print(&curl(arguments.request.method(), &url, &headers, &body, file)?)?;
    } else if arguments.json {
        let object: serde_json::Map<String, _> =
            headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
        print_json(&object.into())?;
    } else {
        print(&headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n"))?;
        if let Some(query) = signed.query {
            print(&format!("the query: {query}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The headers as they are sent: with a type, which some schemes sign.
fn with_content_type(headers: &Headers) -> Headers {
    let mut sent = headers.clone();
    if !has_content_type(headers) {
        sent.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    sent
}

fn has_content_type(headers: &Headers) -> bool {
    headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
}

/// Reads `Name: value` lines, as curl has them.
pub(super) fn parse_headers(lines: &[String]) -> Result<Headers, Failure> {
    let parse = |line: &String| match line.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err(usage("a header is given as `Name: value`")),
    };
    lines.iter().map(parse).collect()
}

fn fresh_id(id: Option<&str>) -> String {
    id.map_or_else(|| format!("msg_{}", hex::encode(chance::bytes::<12>())), str::to_owned)
}

fn check_id(id: &str) -> Result<(), Failure> {
    if id.contains('.') || !id.bytes().all(|b| b.is_ascii_graphic()) || id.is_empty() {
        return Err(usage("--id: expected visible ASCII without a dot, which separates the signed parts"));
    }
    Ok(())
}

/// A command for a POSIX shell. The body goes in by its file, or quoted where it came from standard input and is text.
fn curl(method: &str, url: &str, headers: &Headers, body: &[u8], file: Option<String>) -> Result<String, Failure> {
    let mut command = format!("curl -sS -i -X {} {}", word(method), quote(url));
    for (name, value) in headers {
        // Writing to a String cannot fail.
        let _ = write!(command, " \\\n  -H {}", quote(&format!("{name}: {value}")));
    }
    if !has_content_type(headers) {
        command.push_str(" \\\n  -H 'content-type: application/json'");
    }
    let data = match (file, std::str::from_utf8(body)) {
        (Some(file), _) => format!("@{file}"),
        (None, Ok(text)) if !text.contains('\0') && !text.starts_with('@') => text.to_owned(),
        (None, _) => return Err(usage("this body cannot stand in a command; give it as a file with --file")),
    };
    let _ = write!(command, " \\\n  --data-binary {}", quote(&data));
    Ok(command)
}

/// A method as it stands where it is a plain word, and quoted where it is not.
fn word(method: &str) -> String {
    if method.bytes().all(|b| b.is_ascii_alphabetic()) { method.to_owned() } else { quote(method) }
}

/// Text as one word of a POSIX shell.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_shell_survives_quotes() {
        assert_eq!(quote("it's"), r"'it'\''s'");
    }

    #[test]
    fn headers_are_names_and_values() {
        assert_eq!(parse_headers(&["X-A:  b: c ".to_owned()]).unwrap(), [("X-A".to_owned(), "b: c".to_owned())]);
        assert!(parse_headers(&["nothing".to_owned()]).is_err());
    }
}
