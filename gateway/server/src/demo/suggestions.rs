//! What to try while the demo is up: commands that work as they stand.

use super::guests::{OUTBOUND, crate_of};
use super::narrator::Narrator;
use super::report::Report;
use super::stage::Stage;
use super::story::PATH;
use std::path::{Path, PathBuf};

/// Prints them.
pub(super) fn print(stage: &Stage, report: &Report, narrator: &Narrator) {
    let (public, admin) = (stage.public.base(), stage.admin.base());
    let hookwright = command();
    let secret = &report.sent.secret;
    narrator.heading("The gateway stays up; Ctrl-C ends it and removes its files. In another terminal:");
    narrator.command(
        "The platform publishes: the customer moves to New Mexico and must be established there",
        &format!(
            "curl -sS {admin}/admin/events -H 'content-type: application/json' \\\n  \
             -d '{{\"type\":\"customer.address_changed\",\"data\":{{\"customer_id\":\"cus_xyz\",\"address\":{{\"line1\":\"9 Plaza\",\"city\":\"Santa Fe\",\"state\":\"NM\",\"postal_code\":\"87501\",\"country\":\"US\"}}}}}}'"
        ),
    );
    narrator.command(
        "The partner reports the next call: sign it, and post it",
        &format!(
            "printf '%s' '{{\"event\":\"video_call.completed\",\"patient_external_id\":\"cus_xyz\",\"appointment_id\":\"appt_790\",\"provider_id\":\"dr_abc\",\"call_duration_minutes\":20,\"completed_at\":\"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'\"}}' \\\n  \
             | {hookwright} sign --secret '{secret}' \\\n  \
             --curl {public}{PATH} | sh"
        ),
    );
    narrator.command("Every delivery, with its state", &format!("curl -sS {admin}/admin/deliveries"));
    narrator.command(
        "Every message, establishment and audit entry",
        &format!(
            "curl -sS {admin}/admin/messages\ncurl -sS {admin}/admin/establishments\ncurl -sS {admin}/admin/audit"
        ),
    );
    narrator.command(
        "Subscribe a receiver of your own that fails twice before it accepts",
        &format!(
            "curl -sS {admin}/admin/subscriptions -H 'content-type: application/json' \\\n  \
             -d '{{\"name\":\"Mine\",\"url\":\"http://127.0.0.1:9001/\",\"events\":[\"order.*\"],\"retry_policy\":\"exponential\",\"max_retries\":5}}'\n\
             {hookwright} sink --port 9001 --fail 2    # verifies too with --secret, as the answer above shows it"
        ),
    );
    narrator.command(
        "Meanwhile the platform publishes an order; the receiver gets it again, seconds and minutes later",
        &format!(
            "curl -sS {admin}/admin/events -H 'content-type: application/json' \\\n  \
             -d '{{\"type\":\"order.placed\",\"data\":{{\"customer_id\":\"cus_xyz\",\"order_id\":\"ord_1\"}}}}'"
        ),
    );
    if let Some(directory) = crate_of(OUTBOUND) {
        let directory = from_here(&directory);
        narrator.command(
            "Change a plugin's source and swap it in, while requests are served",
            &format!("{hookwright} plugin push {OUTBOUND} {directory} --url {admin}"),
        );
    }
    narrator.heading("What arrives from now on is shown below.");
}

/// How to call this very program from where it was started.
fn command() -> String {
    let shown = from_here(&std::env::current_exe().unwrap_or_else(|_| PathBuf::from("hookwright")));
    // A shell looks for a bare name elsewhere.
    if shown.contains('/') { shown } else { format!("./{shown}") }
}

/// A path as a shell takes it in the directory in which the demo was started.
fn from_here(path: &Path) -> String {
    word(path, &std::env::current_dir().unwrap_or_default())
}

fn word(path: &Path, here: &Path) -> String {
    let shown = path.strip_prefix(here).unwrap_or(path).display().to_string();
    if shown.contains(|c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c))) {
        return crate::cli::quote(&shown);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_word_of_the_shell_wherever_it_is() {
        let here = Path::new("/home/ada/hookwright");
        assert_eq!(word(Path::new("/home/ada/hookwright/plugins/x"), here), "plugins/x");
        assert_eq!(word(Path::new("/opt/hookwright/plugins/x"), here), "/opt/hookwright/plugins/x");
        assert_eq!(word(Path::new("/home/ada/my plugins/x"), here), "'/home/ada/my plugins/x'");
    }
}
