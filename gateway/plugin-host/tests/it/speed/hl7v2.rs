//! HL7 through the plugin against the same mapping, native.

use std::time::Duration;

use ::hl7v2::Hl7V2;
use hookwright_plugin_host::CallLimits;
use hookwright_plugin_host::inbound::{Assurance, InboundRequest};
use hookwright_plugin_sdk::inbound::{self as native_inbound, Inbound as _};

use super::{busy_host, check, compare, guest};
use crate::guest::context;

/// A discharge as an EMR sends it, filled up to about this many bytes with observations.
fn discharge(bytes: usize) -> String {
    let mut message = "MSH|^~\\&|TELEVISIT|LAKESIDE^2.16.840.1.113883.19.5^ISO|HOOKWRIGHT|PLATFORM|20260104224512||ADT^A03^ADT_A03|TV000001|P|2.5.1|||AL|NE|USA|UNICODE UTF-8\r\
        EVN|A03|20260104224500|||rivera.k^Rivera^Kim|20260104223000\r\
        PID|1||MRN-20417^^^LAKESIDE&2.16.840.1.113883.19.5&ISO^MR~cus_xyz^^^HOOKWRIGHT^PI~123456789^^^USSSA^SS||Rivera^Ana^M^^^^L||19880214|F||2106-3^White^HL70005|18 Old Quarry Rd^^Salem^OR^97301^USA^M~1400 Barton Springs Rd^Apt 4^Austin^TX^78704^USA^H||5125550100^PRN^PH^^^512^5550100\r\
        PV1|1|VR|VIDEO^ROOM7^^LAKESIDE||||1730001119^Okafor^Ngozi^^^Dr^^^NPI&2.16.840.1.113883.4.6&ISO^L^^^NPI||||||||||||V8841^^^LAKESIDE^VN|||||||||||||||||||||||||20260104221500|20260104223000\r"
        .to_owned();
    let observation = "OBX|1|NM|8867-4^Heart rate^LN||72|beats/min^^ISO|60-120||||F|||20260104221600-0600\r";
    while message.len() + observation.len() < bytes {
        message.push_str(observation);
    }
    message
}

#[tokio::test]
#[ignore = "a measurement, meaningful in release mode alone"]
async fn a_message_against_native_code() {
    let host = busy_host();
    let version = host.compile(&guest("hl7v2")).unwrap();
    let mut within = true;
    for (settings, what) in [
        ("{}", "without settings"),
        (r#"{"patient":{"authority":"HOOKWRIGHT"}}"#, "with settings"),
        (r#"{"zone":"America/Chicago","patient":{"authority":"HOOKWRIGHT"}}"#, "with a zone"),
    ] {
        for bytes in [2 << 10, 64 << 10] {
            let body = discharge(bytes);
            let headers = vec![("content-type".to_owned(), "x-application/hl7-v2+er7".to_owned())];
            let native_request = native_inbound::Request {
                method: "POST".to_owned(),
                hook: "hl7".to_owned(),
                query: Vec::new(),
                headers: headers.clone(),
                body: body.clone().into_bytes(),
                received_at_ms: context().now_ms,
                authentication: native_inbound::Authentication {
                    assurance: native_inbound::Assurance::Verified,
                    scheme: "standard-webhooks".to_owned(),
                    attributes: Vec::new(),
                },
                attributes: Vec::new(),
            };
            let request = InboundRequest {
                method: "POST".to_owned(),
                hook: "hl7".to_owned(),
                query: Vec::new(),
                headers,
                body: body.clone().into(),
                received_at_ms: context().now_ms,
                assurance: Assurance::Verified,
                scheme: "standard-webhooks".to_owned(),
                attributes: Vec::new(),
            };
            let native_context = native_inbound::Context { settings: settings.to_owned(), ..super::native_context() };
            let (native, fresh): (Duration, Duration) = compare(
                || assert!(Hl7V2::parse(&native_context, &native_request).is_ok()),
                async || {
                    let mut context = context();
                    settings.clone_into(&mut context.settings);
                    let called = host.parse(&version, context, request.clone(), CallLimits::default()).await;
                    assert!(called.result.is_ok(), "{:?}", called.result);
                    called.duration
                },
            )
            .await;
            within &= check(&format!("HL7 {what}, {} bytes", body.len()), native, fresh, 3.0);
        }
    }
    assert!(within);
}
