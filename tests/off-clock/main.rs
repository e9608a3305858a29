//! `hookwright serve` by a clock that is off: by `OFF_CLOCK_MS` milliseconds at first, then by what the latest line of standard input says.
//!
//! Takes `serve` and `--set KEY=VALUE` as `hookwright` does, and nothing else.
#![expect(clippy::unwrap_used, reason = "whoever starts it sees that it ended")]

use hookwright::clock::SystemClock;
use hookwright::config::Loaded;
use hookwright::config::raw::Raw;
use hookwright::serve::{self, Options, log};
use hookwright_plugin_host::child::main_if_child;
use hookwright_store::Clock;
use mimalloc::MiMalloc;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Default)]
struct OffClock {
    by_ms: AtomicI64,
}

impl Clock for OffClock {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.by_ms.load(Ordering::Relaxed)
    }
}

fn main() -> ExitCode {
    // As of the command: this program is also the compiler that it starts.
    if let Some(ended) = main_if_child() {
        return ended;
    }
    let clock = Arc::new(OffClock::default());
    let first = std::env::var("OFF_CLOCK_MS").unwrap_or_default();
    clock.by_ms.store(first.parse().unwrap_or_default(), Ordering::Relaxed);
    follow_standard_input(Arc::clone(&clock));
    let mut raw = Raw::default();
    let mut arguments = std::env::args().skip(1);
    assert_eq!(arguments.next().as_deref(), Some("serve"));
    while let Some(argument) = arguments.next() {
        assert_eq!(argument, "--set");
        let setting = arguments.next().unwrap();
        let (key, value) = setting.split_once('=').unwrap();
        raw.flag("--set", key, value);
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run(raw, clock))
}

/// The end of standard input changes nothing: the clock goes on as it is.
fn follow_standard_input(clock: Arc<OffClock>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            clock.by_ms.store(line.trim().parse().unwrap(), Ordering::Relaxed);
        }
    });
}

async fn run(raw: Raw, clock: Arc<OffClock>) -> ExitCode {
    let config = Loaded::check(raw).unwrap().config;
    log::start(&config.log);
    let running = match serve::start(config, Options { clock, ..Options::default() }).await {
        Ok(running) => running,
        Err(error) => {
            eprintln!("hookwright: {}", hookwright::problem::chain(&error));
            return ExitCode::FAILURE;
        }
    };
    tracing::info!(public = %running.public, admin = %running.admin, "the gateway is up");
    serve::told_to_stop().await.unwrap();
    running.stop().await;
    ExitCode::SUCCESS
}
