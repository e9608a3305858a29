//! `plugin test`: the fixtures, in the gateway's own host and within its limits.

use super::component::{self, Component};
use super::limits::LimitArguments;
use super::snapshot::with_expected;
use super::trial::{self, Trial, mib, ms};
use crate::cli::failure::{Failure, told, usage};
use crate::cli::output::{print, print_json};
use hookwright_plugin_host::build::BuildOptions;
use hookwright_plugin_host::fixture::{self, Fixture, FixtureReport, without_empty};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TestArguments {
    /// The plugin's directory, which is built, or a component.
    #[arg(default_value = ".")]
    plugin: PathBuf,
    /// The directory of the fixtures, instead of the plugin's own or those that the component carries.
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Write what the plugin answers now into the fixtures that fail. Crashes and the like are never expected so.
    #[arg(long)]
    update: bool,
    #[command(flatten)]
    limits: LimitArguments,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A fixture, and the file it is in unless the component carries it.
type Filed = (Option<PathBuf>, Fixture);

pub(super) async fn run(arguments: TestArguments) -> Result<ExitCode, Failure> {
    let options = BuildOptions { fixtures: arguments.fixtures.clone(), ..BuildOptions::default() };
    if let Some(directory) = arguments.fixtures.as_deref().filter(|directory| !directory.is_dir()) {
        return Err(told(format!("{} is no directory", directory.display())));
    }
    let component = component::load(&arguments.plugin, options).await?;
    let place = place(&component, arguments.fixtures.as_deref());
    let trial = Trial::start(component.bytes, trial::cache(), None).await?;
    let filed: Vec<Filed> = match &place {
        Some(directory) => {
            fixture::read_files(directory)?.into_iter().map(|(path, fixture)| (Some(path), fixture)).collect()
        }
        None if arguments.update => {
            return Err(usage("--update needs fixtures in files: give the plugin's directory, or --fixtures DIR"));
        }
        None => trial.version.fixtures().iter().map(|fixture| (None, fixture.clone())).collect(),
    };
    let mut results = Vec::with_capacity(filed.len());
    for (path, fixture) in filed {
        let limits = arguments.limits.limits();
        let mut reports = trial.host.run_fixtures(&trial.version, std::slice::from_ref(&fixture), limits).await;
        let Some(report) = reports.pop() else { continue };
        let updated = match &path {
            Some(path) if arguments.update && !report.passed => update(path, &fixture, &report)?,
            _ => false,
        };
        results.push(Tested { report, updated });
    }
    tell(&results, place.as_deref(), arguments.json)
}

fn place(component: &Component, given: Option<&Path>) -> Option<PathBuf> {
    given.map(Path::to_owned).or_else(|| component.source.as_ref().map(|source| source.fixtures.clone()))
}

/// Writes the present answer into the fixture's file, if it is an answer that one may expect.
fn update(path: &Path, fixture: &Fixture, report: &FixtureReport) -> Result<bool, Failure> {
    if report.got.get("failure").is_some() {
        return Ok(false);
    }
    let failed = |error: &dyn std::fmt::Display| told(format!("cannot update {}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    let text = with_expected(&text, &written(&report.got)).map_err(|error| failed(&error))?;
    Fixture::parse(fixture.name(), text.as_bytes())?;
    std::fs::write(path, text).map_err(|error| failed(&error))?;
    Ok(true)
}

/// An answer as a fixture has it: its one field stays even if nothing is in it.
fn written(answer: &Value) -> Value {
    let Value::Object(fields) = answer else { return answer.clone() };
    Value::Object(fields.iter().map(|(key, value)| (key.clone(), without_empty(value))).collect())
}

/// How a fixture went.
struct Tested {
    report: FixtureReport,
    updated: bool,
}

impl Tested {
    fn word(&self) -> &'static str {
        match (self.report.passed, self.updated) {
            (true, _) => "ok",
            (false, true) => "updated",
            (false, false) => "FAILED",
        }
    }

    fn json(&self) -> Value {
        let report = &self.report;
        let differences: Vec<Value> =
            report.diff.iter().map(|it| json!({ "path": it.path, "expected": it.expected, "got": it.got })).collect();
        json!({
            "name": report.name,
            "passed": report.passed,
            "updated": self.updated,
            "duration_ms": ms(report.duration),
            "memory_peak_bytes": report.memory_peak_bytes,
            "expected": report.expected,
            "got": report.got,
            "differences": differences,
            "problem": report.problem,
            "log": trial::log_json(&report.log),
            "log_truncated": report.log_truncated,
        })
    }

    fn text(&self, width: usize) -> String {
        let report = &self.report;
        let mut text = format!(
            "{:<7} {:<width$} {:>9.3} ms {:>9}",
            self.word(),
            report.name,
            ms(report.duration),
            mib(report.memory_peak_bytes)
        );
        if report.passed {
            return text;
        }
        // Writing to a String cannot fail.
        if let Some(problem) = &report.problem {
            // There is no answer to compare.
            let _ = write!(text, "\n        {}", problem.replace('\n', "\n        "));
        } else {
            for difference in &report.diff {
                let _ = write!(text, "\n        {difference}");
            }
            for line in diff(&written(&report.expected), &written(&report.got)).lines() {
                let _ = write!(text, "\n      {line}");
            }
        }
        for line in &report.log {
            let _ = write!(text, "\n        log {}: {}", line.level.as_str(), line.message);
        }
        text
    }
}

/// What was expected and what came, as lines of indented JSON; - and + mark the lines that differ.
fn diff(expected: &Value, got: &Value) -> String {
    let (expected, got) = (format!("{expected:#}\n"), format!("{got:#}\n"));
    let diff = similar::TextDiff::from_lines(&expected, &got);
    diff.unified_diff().context_radius(2).header("expected", "got").to_string()
}

fn tell(results: &[Tested], place: Option<&Path>, json: bool) -> Result<ExitCode, Failure> {
    let count = |word: &str| results.iter().filter(|tested| tested.word() == word).count();
    let (passed, updated, failed) = (count("ok"), count("updated"), count("FAILED"));
    if json {
        let fixtures: Vec<Value> = results.iter().map(Tested::json).collect();
        print_json(&json!({ "passed": passed, "updated": updated, "failed": failed, "fixtures": fixtures }))?;
    } else if !results.is_empty() {
        let width = results.iter().map(|tested| tested.report.name.chars().count()).max().unwrap_or(0);
        let mut lines: Vec<String> = results.iter().map(|tested| tested.text(width)).collect();
        let summary = format!("{passed} passed, {failed} failed");
        lines.push(if updated > 0 { format!("{summary}, {updated} updated") } else { summary });
        print(&lines.join("\n"))?;
    }
    if results.is_empty() {
        let place = place.map_or_else(|| "in the component".to_owned(), |place| format!("in {}", place.display()));
        return Err(told(format!("NOTHING WAS TESTED: there are no fixtures {place}; each is a file NAME.json")));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
