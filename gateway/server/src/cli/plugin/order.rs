//! What the commands that talk to a running gateway about one plugin have in common: where to send it, why, and how the answer is printed.

use super::short;
use crate::cli::api::{ApiArguments, success};
use crate::cli::failure::Failure;
use crate::cli::output::{print, print_json};
use http::Method;
use serde_json::Value;
use std::process::ExitCode;

/// The flags of all of them.
#[derive(Debug, clap::Args)]
pub(super) struct AskArguments {
    #[command(flatten)]
    pub(super) api: ApiArguments,
    /// Print the gateway's answer.
    #[arg(long)]
    pub(super) json: bool,
}

/// Those of the commands that change something.
#[derive(Debug, clap::Args)]
pub(super) struct OrderArguments {
    #[command(flatten)]
    pub(super) ask: AskArguments,
    /// Why, for the audit.
    #[arg(long)]
    pub(super) reason: Option<String>,
}

impl AskArguments {
    /// Reads something of the plugin.
    pub(super) async fn get(&self, name: &str, rest: &str) -> Result<Value, Failure> {
        success(&self.api.client()?.get(&path(name, rest)).await?)
    }

    /// Asks for something that has no effect.
    pub(super) async fn post(&self, name: &str, rest: &str, body: &Value) -> Result<Value, Failure> {
        success(&self.api.client()?.json(Method::POST, &path(name, rest), body).await?)
    }

    /// Prints the answer, or what `line` makes of it.
    pub(super) fn tell(&self, answer: &Value, line: impl FnOnce(&Value) -> String) -> Result<ExitCode, Failure> {
        if self.json {
            print_json(answer)?;
        } else {
            print(&line(answer))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl OrderArguments {
    /// Changes something; `body` is `null` where the path says everything. With `revision`, only if nothing has changed since.
    pub(super) async fn send(
        &self,
        method: Method,
        (name, rest): (&str, &str),
        body: &Value,
        revision: Option<i64>,
    ) -> Result<Value, Failure> {
        let condition = revision.map(|revision| format!("\"{revision}\""));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(self.reason.as_deref().map(|reason| ("x-audit-reason", reason)));
        headers.extend(condition.as_deref().map(|condition| ("if-match", condition)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        success(&self.ask.api.client()?.send(method, &path(name, rest), &headers, body).await?)
    }
}

/// The path of something of a plugin, whatever its name has in it.
pub(super) fn path(name: &str, rest: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("/admin/plugins/{}{rest}", name.replace('+', "%20"))
}

/// A field that is text, or nothing.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or("")
}

/// What serves after a move, and what did before.
pub(super) fn served(answer: &Value) -> String {
    let line = format!("{} serves version {}", text(answer, "name"), short(text(answer, "active")));
    match answer["previous"].as_str() {
        Some(previous) => format!("{line} (before: {})", short(previous)),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_the_path() {
        assert_eq!(path("emr-video-call", "/versions"), "/admin/plugins/emr-video-call/versions");
        assert_eq!(path("a b/../c+d?e", ""), "/admin/plugins/a%20b%2F..%2Fc%2Bd%3Fe");
    }
}
