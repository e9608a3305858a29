//! A guest built for WASI that tells what it finds there, or misuses it: the event's type says which.
//!
//! Its component is kept beside it, so that tests need no toolchain. Made here with
//! `RUSTFLAGS="--remap-path-prefix=$HOME=. --remap-path-prefix=$(git rev-parse --show-toplevel)=." cargo build --release
//! --target wasm32-wasip2 --target-dir ../../../../../target/wasi-probe`, and copied to `../wasi-probe.wasm`.

use std::collections::hash_map::RandomState;
use std::env;
use std::fs;
use std::hash::BuildHasher;
use std::io::{Read, Write};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use hookwright_plugin_sdk::export_outbound;
use hookwright_plugin_sdk::outbound::{Context, Decision, Delivery, Event, Fault, Outbound, Outgoing};
use serde_json::{Value, json};

mod wasi {
    wit_bindgen::generate!({
        inline: r"
            package probe:probe;

            world probe {
                import wasi:random/random@0.2.0;
                import wasi:clocks/monotonic-clock@0.2.0;
            }

            package wasi:random@0.2.0 {
                interface random {
                    get-random-bytes: func(len: u64) -> list<u8>;
                    get-random-u64: func() -> u64;
                }
            }

            package wasi:io@0.2.0 {
                interface poll {
                    resource pollable { ready: func() -> bool; block: func(); }
                    poll: func(in: list<borrow<pollable>>) -> list<u32>;
                }
            }

            package wasi:clocks@0.2.0 {
                interface monotonic-clock {
                    use wasi:io/poll@0.2.0.{pollable};
                    type instant = u64;
                    type duration = u64;
                    now: func() -> instant;
                    resolution: func() -> duration;
                    subscribe-instant: func(when: instant) -> pollable;
                    subscribe-duration: func(when: duration) -> pollable;
                }
            }
        ",
        generate_all,
    });
}

use wasi::wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::wasi::random::random::get_random_bytes;

struct Probe;

impl Outbound for Probe {
    fn transform(_context: &Context, event: &Event, _delivery: &Delivery) -> Result<Decision, Fault> {
        match event.event_type.as_str() {
            "sleep" => sleep(Duration::from_secs(60)),
            "block" => subscribe_duration(u64::MAX).block(),
            "sleep.often" => loop {
                sleep(Duration::from_millis(1));
            },
            "exit" => std::process::exit(3),
            "random.huge" => drop(get_random_bytes(1 << 40)),
            "handles" => loop {
                std::mem::forget(subscribe_duration(1));
            },
            "print" => loop {
                println!("{}", "x".repeat(4000));
            },
            "panic" => panic!("the probe panics"),
            _ => return Ok(Outgoing::json(&found())?.into()),
        }
        Ok(Decision::skip("nothing stopped it"))
    }
}

fn found() -> Value {
    println!("to standard output");
    eprint!("to standard error, ");
    eprintln!("in pieces");
    let started = Instant::now();
    let mut input = Vec::new();
    let read = std::io::stdin().read_to_end(&mut input).is_ok();
    let flushed = std::io::stdout().flush().is_ok();
    json!({
        "environment": env::vars().count(),
        "arguments": env::args().count(),
        "root": fs::read_dir("/").is_ok(),
        "written": fs::write("/tmp/probe", "probe").is_ok(),
        "input": if read { input.len() } else { usize::MAX },
        "flushed": flushed,
        "wall_ms": SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |at| at.as_millis() as u64),
        "elapsed_ns": started.elapsed().as_nanos() as u64,
        "hash_seed": RandomState::new().hash_one(1),
        "random": get_random_bytes(24),
    })
}

export_outbound!(Probe);
