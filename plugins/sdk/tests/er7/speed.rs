//! Measurements, run by hand: `cargo test --release -p hookwright-plugin-sdk --features zones --test er7 -- --ignored --nocapture`.

use hookwright_plugin_sdk::er7::{Limits, Message, Part, Place, Segment, Text};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

/// A discharge of about two kibibytes, as an EMR sends it.
pub(crate) fn message() -> String {
    let mut message = "MSH|^~\\&|TELEVISIT|LAKESIDE^2.16.840.1.113883.19.5^ISO|HOOKWRIGHT|PLATFORM|20260104224512-0600||ADT^A03^ADT_A03|TV000001|P|2.5.1|||AL|NE|USA|UNICODE UTF-8\r\
        EVN|A03|20260104224500-0600|||rivera.k^Rivera^Kim|20260104223000-0600\r\
        PID|1||MRN-20417^^^LAKESIDE&2.16.840.1.113883.19.5&ISO^MR~cus_xyz^^^HOOKWRIGHT^PI~123456789^^^USSSA^SS||Rivera^Ana^M^^^^L||19880214|F||2106-3^White^HL70005|18 Old Quarry Rd^^Salem^OR^97301^USA^M~1400 Barton Springs Rd^Apt 4^Austin^TX^78704^USA^H||5125550100^PRN^PH^^^512^5550100|||M^Married^HL70002|||123456789||||||||||||N\r\
        PD1|||LAKESIDE CLINIC^^10293|1730001119^Okafor^Ngozi^^^Dr^^^NPI&2.16.840.1.113883.4.6&ISO^L^^^NPI\r\
        NK1|1|Rivera^Luis^^^^^L|SPO^Spouse^HL70063|1400 Barton Springs Rd^Apt 4^Austin^TX^78704^USA^H|5125550101^PRN^PH\r\
        PV1|1|VR|VIDEO^ROOM7^^LAKESIDE||||1730001119^Okafor^Ngozi^^^Dr^^^NPI&2.16.840.1.113883.4.6&ISO^L^^^NPI||||||||||||V8841^^^LAKESIDE^VN|||||||||||||||||01||||||||20260104221500-0600|20260104223000-0600\r\
        PV2|||^Follow-up \\T\\ medication review|||||20260104221500-0600\r".to_owned();
    let mut number = 1;
    while message.len() < 1960 {
        let observation = "|NM|8867-4^Heart rate^LN||72|beats/min^^ISO|60-120||||F|||20260104221600-0600\r";
        write!(message, "OBX|{number}{observation}").unwrap();
        number += 1;
    }
    message
}

/// Goes to every subcomponent of a field.
fn leaves(field: Part<'_>) -> usize {
    let mut count = 0;
    for repetition in field.parts() {
        for component in repetition.parts() {
            for subcomponent in component.parts() {
                count += usize::from(!black_box(subcomponent.raw()).is_empty());
            }
        }
    }
    count
}

/// The places that the plugin's mapping of a discharge reads.
const READ: [&str; 24] = [
    "MSH-3",
    "MSH-4",
    "MSH-7",
    "MSH-9.1",
    "MSH-9.2",
    "MSH-10",
    "MSH-11",
    "MSH-12",
    "MSH-18",
    "EVN-2",
    "EVN-6",
    "PID-3[1].1",
    "PID-3[1].4",
    "PID-3[1].5",
    "PID-3[2].1",
    "PID-3[2].4",
    "PID-3[2].5",
    "PV1-2",
    "PV1-7.1",
    "PV1-7.9",
    "PV1-19.1",
    "PV1-19.4",
    "PV1-44",
    "PV1-45",
];

/// The best of many rounds: what the code takes when nothing else has the processor.
fn best(mut work: impl FnMut()) -> Duration {
    (0..2000)
        .map(|_| {
            #[expect(clippy::disallowed_methods, reason = "a measurement of this processor's time")]
            let started = std::time::Instant::now();
            work();
            started.elapsed()
        })
        .min()
        .unwrap()
}

#[test]
#[ignore = "a measurement, meaningful in release mode alone"]
fn two_kibibytes_are_divided_at_200_megabytes_a_second() {
    let body = message();
    let places: Vec<Place> = READ.iter().map(|text| text.parse().unwrap()).collect();
    let limits = Limits::default();
    let megabytes = f64::from(u32::try_from(body.len()).unwrap()) / 1e6;
    let rate = |time: Duration| megabytes / time.as_secs_f64();
    let lines_and_fields = best(|| {
        let text = Text::new(black_box(body.as_bytes()), None).unwrap();
        black_box(text.interchange(&limits).unwrap());
    });
    let whole_tree = best(|| {
        let text = Text::new(black_box(body.as_bytes()), None).unwrap();
        let interchange = text.interchange(&limits).unwrap();
        let fields = interchange.messages().flat_map(Message::segments).flat_map(Segment::fields);
        black_box(fields.map(leaves).sum::<usize>());
    });
    let tree_and_texts = best(|| {
        let text = Text::new(black_box(body.as_bytes()), None).unwrap();
        let interchange = text.interchange(&limits).unwrap();
        for message in interchange.messages() {
            black_box(message.segments().flat_map(Segment::fields).map(leaves).sum::<usize>());
            for place in &places {
                black_box(message.at(place).and_then(|part| part.text().unwrap()));
            }
        }
    });
    println!("{} bytes", body.len());
    println!("lines and fields: {lines_and_fields:?}, {:.0} MB/s", rate(lines_and_fields));
    println!("the whole tree: {whole_tree:?}, {:.0} MB/s", rate(whole_tree));
    println!("the whole tree, and 24 texts: {tree_and_texts:?}, {:.0} MB/s", rate(tree_and_texts));
    assert!(rate(tree_and_texts) >= 200.0);
}

#[cfg(feature = "zones")]
#[test]
#[ignore = "a measurement, meaningful in release mode alone"]
fn a_zone_is_found_by_its_name() {
    use hookwright_plugin_sdk::er7::Zone;
    for name in ["UTC", "America/Chicago", "Australia/Lord_Howe"] {
        let found = best(|| {
            black_box(Zone::named(black_box(name)));
        });
        let zone = Zone::named(name).unwrap();
        let used = best(|| {
            black_box(zone.unix_ms(black_box(1_767_565_800_000)));
        });
        println!("{name}: found in {found:?}, used in {used:?}");
    }
}
