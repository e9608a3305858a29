//! `plugin run`: one request or event, and what the plugin answers.

use super::component;
use super::limits::LimitArguments;
use super::trial::{self, Trial, ms};
use crate::cli::failure::{Failure, told, usage};
use crate::cli::output::print_json;
use crate::cli::sign::parse_headers;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookwright_plugin_host::World;
use hookwright_plugin_host::fixture::{FIXTURE_BYTES_MAX, Fixture, without_empty};
use serde_json::{Map, Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What an input may have: the rest of a fixture has to fit beside it, and base64 makes four bytes of three.
const INPUT_BYTES_MAX: u64 = (FIXTURE_BYTES_MAX as u64) / 2;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RunArguments {
    /// The component, or the plugin's directory, which is then built.
    plugin: PathBuf,
    /// A file with the request's body (inbound), or with the event's data or a whole event (outbound); standard input if
    /// it is left out or `-`.
    #[arg(default_value = "-")]
    input: PathBuf,
    /// Fail unless the plugin is of this world.
    #[arg(long, value_parser = ["inbound", "outbound"])]
    world: Option<String>,
    /// The settings of the binding, as JSON or as `@FILE`.
    #[arg(long, value_name = "JSON|@FILE")]
    settings: Option<String>,
    /// The event's type (outbound), unless the input is a whole event with `type` and `data`.
    #[arg(long = "type", value_name = "EVENT_TYPE")]
    event_type: Option<String>,
    /// The rest of the path after the source (inbound); what follows a question mark is the query.
    #[arg(long)]
    hook: Option<String>,
    /// The request's method (inbound).
    #[arg(long)]
    method: Option<String>,
    /// A header of the request (inbound), as `Name: value`. May be repeated.
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,
    #[command(flatten)]
    limits: LimitArguments,
    /// Print the log, time and memory too, in one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: RunArguments) -> Result<ExitCode, Failure> {
    let settings = settings(arguments.settings.as_deref())?;
    let bytes = component::read(&arguments.plugin).await?;
    let trial = Trial::start(bytes, trial::cache(), None).await?;
    let world = trial.version.world();
    if let Some(asked) = arguments.world.as_deref().filter(|asked| *asked != world.as_str()) {
        return Err(told(format!("the plugin is {world}, and --world {asked} was asked for")));
    }
    let asked = match world {
        World::Inbound => request(&arguments)?,
        World::Outbound => event(&arguments)?,
    };
    let fixture = json!({
        "world": world.as_str(),
        "settings": settings,
        "context": { "binding_name": "plugin run" },
        "input": asked,
        // Whatever comes is shown, and nothing is compared.
        "expected": { "failure": {} },
    });
    let fixture = Fixture::parse("run", fixture.to_string().as_bytes())
        .map_err(|error| usage(format!("the input cannot be used: {}", error.problem)))?;
    let reports = trial.host.run_fixtures(&trial.version, &[fixture], arguments.limits.limits()).await;
    let Some(report) = reports.into_iter().next() else { return Err(told("the plugin was not called")) };
    let outcome = match &report.got {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), without_empty(value))).collect(),
        _ => Map::new(),
    };
    if arguments.json {
        print_json(&json!({
            "outcome": outcome,
            "problem": report.problem,
            "log": trial::log_json(&report.log),
            "log_truncated": report.log_truncated,
            "duration_ms": ms(report.duration),
            "memory_peak_bytes": report.memory_peak_bytes,
        }))?;
    } else {
        for line in &report.log {
            eprintln!("{}: {}", line.level.as_str(), line.message);
        }
        print_json(&Value::Object(outcome))?;
        if let Some(problem) = &report.problem {
            eprintln!("hookwright: {problem}");
        }
    }
    Ok(if report.got.get("failure").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn settings(given: Option<&str>) -> Result<Map<String, Value>, Failure> {
    let Some(given) = given else { return Ok(Map::new()) };
    let text = match given.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(|error| told(format!("cannot read {file}: {error}")))?,
        None => given.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| usage(format!("--settings: expected a JSON object: {error}")))
}

fn request(arguments: &RunArguments) -> Result<Value, Failure> {
    if arguments.event_type.is_some() {
        return Err(usage("--type is for outbound plugins, and this one is inbound"));
    }
    let (hook, query) = arguments.hook.as_deref().unwrap_or("").split_once('?').map_or_else(
        || (arguments.hook.clone().unwrap_or_default(), Vec::new()),
        |(hook, query)| (hook.to_owned(), url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()),
    );
    let headers: Map<String, Value> = parse_headers(&arguments.headers)?
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into()))
        .collect();
    Ok(json!({
        "method": arguments.method.as_deref().unwrap_or("POST"),
        "hook": hook.trim_start_matches('/'),
        "query": query,
        "headers": headers,
        "body_base64": STANDARD.encode(input(&arguments.input)?),
    }))
}

fn event(arguments: &RunArguments) -> Result<Value, Failure> {
    if arguments.hook.is_some() || arguments.method.is_some() || !arguments.headers.is_empty() {
        return Err(usage("--hook, --method and --header are for inbound plugins, and this one is outbound"));
    }
    let bytes = input(&arguments.input)?;
    let mut event: Map<String, Value> = serde_json::from_slice(&bytes)
        .map_err(|error| told(format!("the input is not the JSON object of an event: {error}")))?;
    if let Some(event_type) = &arguments.event_type {
        return Ok(json!({ "event": { "type": event_type, "data": event } }));
    }
    match (event.remove("type"), event.remove("data")) {
        (Some(Value::String(event_type)), Some(data)) => {
            let mut whole = json!({ "type": event_type, "data": data });
            if let Some(id) = event.remove("id") {
                whole["id"] = id;
            }
            Ok(json!({ "event": whole }))
        }
        _ => Err(usage("say of which type the event is, with --type, or give a whole event with `type` and `data`")),
    }
}

fn input(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let (name, read) = if path == Path::new("-") {
        ("standard input".to_owned(), std::io::stdin().lock().take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes))
    } else {
        let file = std::fs::File::open(path);
        (path.display().to_string(), file.and_then(|file| file.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes)))
    };
    read.map_err(|error| told(format!("cannot read {name}: {error}")))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(told(format!("{name} holds more than {INPUT_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}
