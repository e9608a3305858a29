//! The two-step answer: an inbound guest that must fetch first, and goes on when it has.

use hookwright_plugin_host::CallLimits;
use hookwright_plugin_host::inbound::{Assurance, FetchAnswer, Fetched, InboundRequest, Outcome, Resumption};

use crate::guest::{BUMP, component, context, host, parse};

const INBOUND: &str = "package test:guest; world guest { include hookwright:plugin/inbound@0.1.0; }";

/// A guest that asks for `GET /p/1` under the name `p`, with the state `st`, and after that ignores the message. The
/// numbers are offsets in the canonical layout of `result<outcome, refusal>` and, from 256 on, of one `fetch`.
fn fetching() -> Vec<u8> {
    component(
        INBOUND,
        &[],
        &format!(
            r#"(module
                (memory (export "memory") 16)
                (global $next (mut i32) (i32.const 1024))
                (data (i32.const 512) "pGET/p/1stdone")
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {BUMP})
                (func $text (param $at i32) (param $from i32) (param $len i32)
                    (i32.store (local.get $at) (local.get $from))
                    (i32.store (i32.add (local.get $at) (i32.const 4)) (local.get $len)))
                (func (export "hookwright:plugin/intake@0.1.0#parse") (param i32) (result i32)
                    (i32.store8 (i32.const 4) (i32.const 2))
                    (call $text (i32.const 8) (i32.const 256) (i32.const 1))
                    (call $text (i32.const 16) (i32.const 520) (i32.const 2))
                    (call $text (i32.const 256) (i32.const 512) (i32.const 1))
                    (call $text (i32.const 264) (i32.const 513) (i32.const 3))
                    (call $text (i32.const 272) (i32.const 516) (i32.const 4))
                    (i32.const 0))
                (func (export "hookwright:plugin/intake@0.1.0#resume") (param i32) (result i32)
                    (i32.store8 (i32.const 4) (i32.const 1))
                    (call $text (i32.const 8) (i32.const 522) (i32.const 4))
                    (i32.const 0)))"#
        ),
    )
}

#[tokio::test]
async fn a_guest_fetches_and_goes_on() {
    let host = host();
    let version = host.compile(&fetching()).unwrap();
    let Ok(Outcome::NeedFetch(need)) = parse(&host, &version, "{}").await.result else { panic!("nothing to fetch") };
    let [fetch] = &need.fetches[..] else { panic!("not one fetch") };
    assert_eq!((fetch.id.as_str(), fetch.method.as_str(), fetch.url.as_str()), ("p", "GET", "/p/1"));
    assert_eq!((fetch.body.as_ref(), need.state.as_slice(), need.message_id), (None, &b"st"[..], None));

    let request = InboundRequest {
        method: "POST".to_owned(),
        hook: "visit".to_owned(),
        query: vec![("site".to_owned(), "1".to_owned())],
        headers: Vec::new(),
        body: "{}".into(),
        received_at_ms: 0,
        assurance: Assurance::Open,
        scheme: "none".to_owned(),
        attributes: Vec::new(),
    };
    let fetched = Fetched { status: 200, headers: Vec::new(), body: "{}".into() };
    let answers = vec![
        FetchAnswer { id: "p".to_owned(), answer: Ok(fetched) },
        FetchAnswer { id: "q".to_owned(), answer: Err("timeout".to_owned()) },
    ];
    let resumption = Resumption { state: need.state, round: 1, answers };
    let called = host.resume(&version, context(), request, resumption, CallLimits::default()).await;
    let Ok(Outcome::Ignored(ignored)) = called.result else { panic!("{:?}", called.result) };
    assert_eq!(ignored.reason, "done");
}
