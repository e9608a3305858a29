//! `subscriptions`: who receives which events, asked of and told to a running gateway.

use super::api::{ApiArguments, all, success};
use super::body::BodyArguments;
use super::failure::{Failure, told};
use super::output::{print, print_json};
use super::table::Table;
use crate::config::parse_duration;
use clap::ValueEnum;
use hookwright_core::id::SubscriptionId;
use http::Method;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Manage the subscriptions of a running gateway.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SubscriptionsCommand {
    /// List them.
    List {
        #[command(flatten)]
        ask: AskArguments,
    },
    /// Show one.
    Get {
        /// Its id (`sub_…`).
        id: SubscriptionId,
        #[command(flatten)]
        ask: AskArguments,
    },
    /// Make one from JSON, as `POST /admin/subscriptions` takes it. Its secret is shown once.
    Create {
        #[command(flatten)]
        body: BodyArguments,
        #[command(flatten)]
        order: OrderArguments,
    },
    /// Deliver nothing more to it for now; what is pending waits.
    Pause {
        /// Its id (`sub_…`).
        id: SubscriptionId,
        #[command(flatten)]
        order: OrderArguments,
    },
    /// Deliver to it again, what has waited first.
    Resume {
        /// Its id (`sub_…`).
        id: SubscriptionId,
        #[command(flatten)]
        order: OrderArguments,
    },
    /// Give it a new secret, which is shown once; those before it go on signing for a while.
    RotateSecret {
        /// Its id (`sub_…`).
        id: SubscriptionId,
        /// Which kind of secret to make: the receiver shares `hmac`, and verifies `ed25519` with a public key.
        #[arg(long = "type", value_enum, conflicts_with = "secret_file")]
        kind: Option<KindWord>,
        /// A file with a secret of one's own, `whsec_…` or `whsk_…`, instead of a new one.
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// How long the others stay live, up to `7d`; a day if it is left out.
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        overlap: Option<Duration>,
        #[command(flatten)]
        order: OrderArguments,
    },
    /// Send it one event of the type `webhook.test`, whatever it is subscribed to.
    Test {
        /// Its id (`sub_…`).
        id: SubscriptionId,
        #[command(flatten)]
        order: OrderArguments,
    },
}

/// The flags of all of them.
#[derive(Debug, clap::Args)]
pub(super) struct AskArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// Print the gateway's answer.
    #[arg(long)]
    json: bool,
}

/// Those of the commands that change something.
#[derive(Debug, clap::Args)]
pub(super) struct OrderArguments {
    #[command(flatten)]
    ask: AskArguments,
    /// Why, for the audit.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum KindWord {
    Hmac,
    Ed25519,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration such as 12h or 7d".to_owned())
}

pub(super) async fn run(command: SubscriptionsCommand) -> Result<ExitCode, Failure> {
    match command {
        SubscriptionsCommand::List { ask } => {
            let rows = all(&ask.api.client()?, "/admin/subscriptions").await?;
            ask.tell(&rows.into(), |rows| table(rows.as_array().map_or(&[], Vec::as_slice)))
        }
        SubscriptionsCommand::Get { id, ask } => {
            let subscription = success(&ask.api.client()?.get(&path(id, "")).await?)?;
            ask.tell(&subscription, shown)
        }
        SubscriptionsCommand::Create { body, order } => {
            let made = order.post("/admin/subscriptions", body.read()?).await?;
            order.ask.tell(&made, |made| format!("{}\n\n{} ({})", secret(made), text(made, "id"), text(made, "name")))
        }
        SubscriptionsCommand::Pause { id, order } => order.tell_state(id, "/pause").await,
        SubscriptionsCommand::Resume { id, order } => order.tell_state(id, "/resume").await,
        SubscriptionsCommand::RotateSecret { id, kind, secret_file, overlap, order } => {
            let body = rotation(kind, secret_file, overlap)?;
            let rotated = order.post(&path(id, "/rotate-secret"), body.to_string().into_bytes()).await?;
            order.ask.tell(&rotated, |rotated| format!("{}\n\n{}", secret(rotated), secrets(rotated).join("\n")))
        }
        SubscriptionsCommand::Test { id, order } => {
            let sent = order.post(&path(id, "/test"), Vec::new()).await?;
            order.ask.tell(&sent, |sent| {
                format!("{} is on its way as {}", text(sent, "event_id"), text(sent, "delivery_id"))
            })
        }
    }
}

fn rotation(kind: Option<KindWord>, file: Option<PathBuf>, overlap: Option<Duration>) -> Result<Value, Failure> {
    let mut body = json!({});
    if let Some(kind) = kind {
        body["type"] = json!(match kind {
            KindWord::Hmac => "hmac",
            KindWord::Ed25519 => "ed25519",
        });
    }
    if let Some(file) = file {
        let secret =
            std::fs::read_to_string(&file).map_err(|error| told(format!("cannot read {}: {error}", file.display())))?;
        body["secret"] = json!(secret.trim());
    }
    if let Some(overlap) = overlap {
        body["overlap_seconds"] = json!(overlap.as_secs());
    }
    Ok(body)
}

impl AskArguments {
    fn tell(&self, answer: &Value, line: impl FnOnce(&Value) -> String) -> Result<ExitCode, Failure> {
        if self.json {
            print_json(answer)?;
        } else {
            print(&line(answer))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl OrderArguments {
    async fn post(&self, path: &str, body: Vec<u8>) -> Result<Value, Failure> {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(self.reason.as_deref().map(|reason| ("x-audit-reason", reason)));
        success(&self.ask.api.client()?.send(Method::POST, path, &headers, body).await?)
    }

    async fn tell_state(&self, id: SubscriptionId, rest: &str) -> Result<ExitCode, Failure> {
        let changed = self.post(&path(id, rest), Vec::new()).await?;
        self.ask.tell(&changed, |changed| {
            format!("{} ({}) is {}", text(changed, "id"), text(changed, "name"), state(changed))
        })
    }
}

fn path(id: SubscriptionId, rest: &str) -> String {
    format!("/admin/subscriptions/{id}{rest}")
}

/// A field that is text, or nothing.
fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or("")
}

fn state(subscription: &Value) -> &str {
    match subscription["active"].as_bool() {
        Some(true) => "active",
        _ => subscription["disabled_reason"].as_str().unwrap_or("not active"),
    }
}

fn events(subscription: &Value) -> String {
    let patterns: Vec<&str> =
        subscription["events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    patterns.join(",")
}

fn table(rows: &[Value]) -> String {
    let mut table = Table::new(&["ID", "NAME", "STATE", "EVENTS", "URL"]);
    for row in rows {
        table.row([
            text(row, "id").to_owned(),
            text(row, "name").to_owned(),
            state(row).to_owned(),
            events(row),
            text(row, "url").to_owned(),
        ]);
    }
    table.text()
}

/// The secret that was made just now, and that it is not shown again.
fn secret(answer: &Value) -> String {
    format!("{}\n\nThis secret is shown this once; keep it where secrets are kept.", text(answer, "secret"))
}

/// A line for each secret that is live.
fn secrets(subscription: &Value) -> Vec<String> {
    let line = |secret: &Value| {
        let end = secret["expires_at"].as_str().map_or("lasts".to_owned(), |end| format!("ends {end}"));
        let public = secret["public_key"].as_str().map_or(String::new(), |public| format!("  {public}"));
        format!("{}  {}  {}  {end}{public}", text(secret, "id"), text(secret, "type"), text(secret, "hint"))
    };
    subscription["secrets"].as_array().into_iter().flatten().map(line).collect()
}

fn shown(subscription: &Value) -> String {
    let mut lines = Vec::new();
    let mut line = |label: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{label:<12}{value}"));
        }
    };
    line("id", text(subscription, "id").to_owned());
    line("name", text(subscription, "name").to_owned());
    line("about", text(subscription, "description").to_owned());
    line("url", format!("{} {}", text(subscription, "method"), text(subscription, "url")));
    line("events", events(subscription));
    line("state", state(subscription).to_owned());
    line("retries", format!("{}, at most {}", text(subscription, "retry_policy"), subscription["max_retries"]));
    line("transform", text(&subscription["transform"], "plugin").to_owned());
    line("order", text(subscription, "ordering").to_owned());
    for secret in secrets(subscription) {
        line("secret", secret);
    }
    line("changed", format!("{} (version {})", text(subscription, "updated_at"), subscription["version"]));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription() -> Value {
        json!({
            "id": "sub_1", "name": "Klaviyo", "url": "https://example.com/", "method": "PUT", "events": ["order.*", "customer.created"],
            "active": false, "disabled_reason": "gone", "retry_policy": "exponential", "max_retries": 8, "ordering": "key",
            "secrets": [
                { "id": "sec_2", "type": "ed25519", "hint": "whsk_…ir4=", "public_key": "whpk_x" },
                { "id": "sec_1", "type": "hmac", "hint": "whsec_…LaSw", "expires_at": "2026-01-05T22:30:00Z" },
            ],
            "updated_at": "2026-01-04T22:30:00Z", "version": 3,
        })
    }

    #[test]
    fn a_subscription_is_shown_with_its_secrets_ends() {
        insta::assert_snapshot!(shown(&subscription()), @r"
        id          sub_1
        name        Klaviyo
        url         PUT https://example.com/
        events      order.*,customer.created
        state       gone
        retries     exponential, at most 8
        order       key
        secret      sec_2  ed25519  whsk_…ir4=  lasts  whpk_x
        secret      sec_1  hmac  whsec_…LaSw  ends 2026-01-05T22:30:00Z
        changed     2026-01-04T22:30:00Z (version 3)
        ");
        assert!(
            table(&[subscription()]).ends_with("sub_1  Klaviyo  gone   order.*,customer.created  https://example.com/")
        );
    }

    #[test]
    fn a_rotation_says_what_was_said() {
        assert_eq!(rotation(None, None, None).unwrap(), json!({}));
        let said = rotation(Some(KindWord::Ed25519), None, Some(Duration::from_hours(1))).unwrap();
        assert_eq!(said, json!({ "type": "ed25519", "overlap_seconds": 3600 }));
        assert!(rotation(None, Some("/nowhere/at/all".into()), None).is_err());
    }
}
