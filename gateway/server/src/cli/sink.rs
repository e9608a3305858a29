//! `sink`: a receiver to try subscriptions with.

use super::failure::{Failure, told, usage};
use super::output::print;
use crate::clock::SystemClock;
use crate::config::parse_duration;
use crate::indent::indent;
use crate::sink::{Delivered, Reply, Sink};
use hookwright_core::secret::SigningSecret;
use hookwright_core::timestamp::format_ms;
use http::StatusCode;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Receive webhooks: verify and print them, and answer as told.
#[derive(clap::Args)]
pub(super) struct SinkArguments {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, short, default_value_t = 9000)]
    port: u16,
    /// The address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// The subscription's secret (`whsec_…`). May be repeated, as in a rotation; without one nothing is verified.
    #[arg(long, value_name = "TEXT")]
    secret: Vec<String>,
    /// Answer the first N requests with 500.
    #[arg(long, value_name = "N", default_value_t = 0)]
    fail: u64,
    /// Answer with this status (after those that --fail fails).
    #[arg(long, value_name = "CODE", default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
    /// Hold back each answer for so long, e.g. `5s`.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    delay: Duration,
    /// End after one request.
    #[arg(long, conflicts_with = "count")]
    once: bool,
    /// End after N requests.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Secrets are among them.
impl std::fmt::Debug for SinkArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SinkArguments").field("port", &self.port).finish_non_exhaustive()
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration such as 500ms or 5s".to_owned())
}

pub(super) async fn run(arguments: SinkArguments) -> Result<ExitCode, Failure> {
    let secrets: Vec<SigningSecret> = arguments
        .secret
        .iter()
        .map(|text| SigningSecret::parse(text).map_err(|error| usage(format!("--secret: {error}"))))
        .collect::<Result<_, _>>()?;
    let checks = !secrets.is_empty();
    let listener = TcpListener::bind((arguments.address, arguments.port))
        .await
        .map_err(|error| told(format!("cannot listen on {}:{}: {error}", arguments.address, arguments.port)))?;
    let status = StatusCode::from_u16(arguments.status)?;
    let (fail, delay) = (arguments.fail, arguments.delay);
    let answerer = move |delivered: &Delivered| {
        let status = if delivered.number <= fail { StatusCode::INTERNAL_SERVER_ERROR } else { status };
        Reply { delay, ..Reply::status(status) }
    };
    let mut sink = Sink::start(listener, secrets, Arc::new(SystemClock), Arc::new(answerer))?;
    if arguments.json {
        print(&json!({ "listening": format!("http://{}", sink.address()) }).to_string())?;
    } else {
        let what = if checks { "" } else { ", verifying nothing: no --secret was given" };
        print(&format!("Listening on http://{}{what}. Ctrl-C ends.", sink.address()))?;
    }
    let count = if arguments.once { Some(1) } else { arguments.count };
    let mut verified = true;
    loop {
        let delivered = tokio::select! {
            delivered = sink.next() => delivered,
            signal = tokio::signal::ctrl_c() => {
                signal?;
                None
            }
        };
        let Some(delivered) = delivered else { break };
        verified &= !matches!(delivered.verified, Some(Err(_)));
        print(&if arguments.json { as_json(&delivered).to_string() } else { as_text(&delivered) })?;
        if count.is_some_and(|count| delivered.number >= count) {
            sink.settle(delay + Duration::from_secs(5)).await;
            break;
        }
    }
    Ok(if verified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One request as JSON: what the clients of Standard Webhooks need to verify it themselves.
pub(crate) fn as_json(delivered: &Delivered) -> serde_json::Value {
    let headers: serde_json::Map<String, serde_json::Value> =
        delivered.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "number": delivered.number,
        "received_at": format_ms(delivered.at_ms),
        "method": delivered.method,
        "path": delivered.path,
        "headers": headers,
        "body": String::from_utf8_lossy(&delivered.body),
        "verified": delivered.verified.as_ref().map(Result::is_ok),
        "fault": delivered.verified.as_ref().and_then(|outcome| outcome.as_ref().err()).map(ToString::to_string),
        "answered": delivered.answered.as_u16(),
    })
}

fn as_text(delivered: &Delivered) -> String {
    let verdict = match &delivered.verified {
        None => "not checked".to_owned(),
        Some(Ok(())) => "verified".to_owned(),
        Some(Err(error)) => format!("NOT VERIFIED: {error}"),
    };
    let mut text = format!(
        "\n#{} {} {} {}  signature {verdict}  answered {}",
        delivered.number,
        format_ms(delivered.at_ms),
        delivered.method,
        delivered.path,
        delivered.answered.as_u16()
    );
    for (name, value) in &delivered.headers {
        text = format!("{text}\n  {name}: {value}");
    }
    let body = indent(&String::from_utf8_lossy(&delivered.body));
    format!("{text}\n\n{}", body.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
}
