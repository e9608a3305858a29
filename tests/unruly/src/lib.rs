//! Inbound plugin that misbehaves on request, for the tests: the hook says how.

use hookwright_plugin_sdk::export_inbound;
use hookwright_plugin_sdk::inbound::{
    Accepted, Context, Ignored, Inbound, Outcome, PlatformEvent, Refusal, Reply, Report, Request,
};

struct Unruly;

impl Inbound for Unruly {
    fn parse(_context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        match request.hook.as_str() {
            "trap" => {
                core::hint::black_box::<Option<u8>>(None).map_or_else(|| panic!("as asked"), |_| Ok(ignored("no")))
            }
            "loop" => loop {
                core::hint::black_box(());
            },
            "allocate" => {
                let mut hoard: Vec<Vec<u8>> = Vec::new();
                loop {
                    hoard.push(core::hint::black_box(vec![1; 1 << 20]));
                }
            }
            "flood" => Ok(replying(vec![b'x'; 8 << 20])),
            "nonsense" => Ok(platform("not a type", "{}")),
            "not-json" => Ok(platform("order.placed", "{")),
            "twice" => Ok(platform("order.placed", r#"{"a":1,"a":2}"#)),
            "malformed" => Err(Refusal { location: Some("/patient/id".to_owned()), ..Refusal::new("malformed") }),
            "settings" => Err(Refusal::new("settings")),
            "nak" => Err(Refusal { reply: Some(Box::new(reply(b"MSA|AE".to_vec()))), ..Refusal::new("malformed") }),
            "handshake" => Ok(replying(request.query.iter().flat_map(|(_, value)| value.bytes()).collect())),
            "headers" => {
                let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
                Ok(replying(names.join(" ").into_bytes()))
            }
            "event" => Ok(platform("lab.result_ready", &String::from_utf8_lossy(&request.body))),
            _ => Ok(ignored("nothing was asked")),
        }
    }
}

fn ignored(reason: &str) -> Outcome {
    Ignored::new(reason).into()
}

fn replying(body: Vec<u8>) -> Outcome {
    Ignored { reply: Some(reply(body)), ..Ignored::new("a handshake") }.into()
}

fn reply(body: Vec<u8>) -> Reply {
    Reply {
        status: None,
        content_type: Some("text/plain".to_owned()),
        headers: Vec::new(),
        body,
        attributes: Vec::new(),
    }
}

fn platform(event_type: &str, data: &str) -> Outcome {
    let event = PlatformEvent { event_type: event_type.to_owned(), data: data.to_owned(), attributes: Vec::new() };
    Accepted::new(vec![Report::Platform(event)]).into()
}

export_inbound!(Unruly);
