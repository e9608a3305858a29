//! Answers, byte for byte.

use super::*;

const NOW_MS: i64 = 1_767_565_800_250;

fn answer(verdict: Verdict<'_>) -> Answer<'_> {
    Answer { stage: Stage::Kept, verdict, now_ms: NOW_MS, id: "ack1" }
}

fn acknowledged(body: &[u8], answer: &Answer<'_>) -> Option<String> {
    acknowledge(body, None, answer).map(|it| String::from_utf8_lossy(&it.bytes).replace('\r', "\n"))
}

const MESSAGE: &str = "MSH|^~\\&|EMR|CLINIC^1.2^ISO|HW|US|20260104||ADT^A03^ADT_A03|17|T|2.5.1\rPID|1||4711^^^X~a\r";
const LOCATION: Reason<'_> = Reason { code: "malformed", location: Some("PID-3[2].4"), text: Some("an authority") };

#[test]
fn sender_and_receiver_change_places() {
    assert_eq!(
        acknowledged(MESSAGE.as_bytes(), &answer(Verdict::Accepted)).unwrap(),
        "MSH|^~\\&|HW|US|EMR|CLINIC^1.2^ISO|20260104223000.250+0000||ACK^A03^ACK|ack1|T|2.5.1\nMSA|AA|17\n"
    );
}

#[test]
fn errors_say_where_in_the_form_of_the_version() {
    let failed = answer(Verdict::Failed(LOCATION));
    let text = acknowledged(MESSAGE.as_bytes(), &failed).unwrap();
    assert!(
        text.ends_with(
            "MSA|AE|17|an authority\nERR||PID^1^3^2^4|101^Required field missing^HL70357|E||||an authority\n"
        ),
        "{text}"
    );
    let old = MESSAGE.replace("2.5.1", "2.3");
    let text = acknowledged(old.as_bytes(), &failed).unwrap();
    assert!(text.ends_with("ERR|PID^1^3^101&Required field missing&HL70357\n"), "{text}");
    let reason = Reason { code: "unsupported", location: Some("MSH-9"), text: Some("50% |of^ it") };
    let text = acknowledged(MESSAGE.as_bytes(), &answer(Verdict::Rejected(reason))).unwrap();
    assert!(
        text.ends_with(
            "MSA|AR|17|50% \\F\\of\\S\\ it\nERR||MSH^1^9|200^Unsupported message type^HL70357|E||||50% \\F\\of\\S\\ it\n"
        ),
        "{text}"
    );
    let reason = Reason { code: "internal", location: Some("/pointer"), text: None };
    let text = acknowledged(old.as_bytes(), &answer(Verdict::Failed(reason))).unwrap();
    assert!(text.ends_with("MSA|AE|17\nERR|^^^207&Application internal error&HL70357\n"), "{text}");
    let text =
        acknowledged(MESSAGE.as_bytes(), &answer(Verdict::Failed(Reason { location: Some("PID-3"), ..LOCATION })));
    assert!(text.unwrap().contains("ERR||PID^1^3|102^Data type error^HL70357|E"));
    let text =
        acknowledged(MESSAGE.as_bytes(), &answer(Verdict::Failed(Reason { location: Some("SCH-11.4"), ..LOCATION })));
    assert!(text.unwrap().contains("ERR||SCH^1^11^^4|100^Segment sequence error^HL70357|E"));
}

#[test]
fn separators_are_the_sender_s() {
    let body = b"MSH!*:@+!EMR!\xdc!HW!!2026!!SIU*S14!9!P!2.4!!!!!!8859/1\r";
    let mut bytes =
        b"MSH!*:@+!HW!!EMR!\xdc!20260104223000.250+0000!!ACK*S14*ACK!ack1!P!2.4!!!!!!8859/1\rMSA!AA!9\r".to_vec();
    let given = acknowledge(body, None, &answer(Verdict::Accepted)).unwrap();
    assert_eq!((given.bytes, given.charset.as_str()), (bytes.clone(), "iso-8859-1"));
    // Without an escape character the text must do without the separators, and without components without a place.
    let body = b"MSH|^|A|B|C|D|||ADT^A01|1|P|2.5\rPID|\r";
    bytes.clear();
    let reason = Reason { code: "malformed", location: Some("PID-3"), text: Some("a|b^c") };
    let given = acknowledge(body, None, &answer(Verdict::Failed(reason))).unwrap();
    assert!(given.bytes.ends_with(b"MSA|AE|1|a?b?c\rERR||PID^1^3|101^Required field missing^HL70357|E||||a?b?c\r"));
    // Left out, they are the usual ones, and are written out.
    let given = acknowledged(b"MSH||A|B|C|D|||ADT^A01|1|P|2.5\r", &answer(Verdict::Accepted)).unwrap();
    assert!(given.starts_with("MSH|^~\\&|C|D|A|B|"), "{given}");
}

#[test]
fn what_cannot_be_read_is_rejected() {
    for body in [&b""[..], b"hello", b"MSH", b"MSH|HIS|", b"\xff\xfeM"] {
        let text = acknowledged(body, &answer(Verdict::Accepted)).unwrap();
        let start = "MSH|^~\\&|||||20260104223000.250+0000||ACK|ack1|P|2.5\nMSA|AR|\nERR||";
        assert!(text.starts_with(start), "{text}");
    }
    // A batch without messages has none that could be answered.
    let reason = Reason { code: "malformed", location: Some("MSH"), text: Some("a message") };
    let batch = b"BHS|^~\\&|A\rPID|1\rBTS|1\r";
    let text = acknowledged(batch, &answer(Verdict::Failed(reason))).unwrap();
    assert!(text.ends_with("MSA|AR|\nERR||MSH^1|100^Segment sequence error^HL70357|E||||a message\n"), "{text}");
    let text = acknowledged(b"MSH|HIS|", &answer(Verdict::Accepted)).unwrap();
    assert!(text.contains("ERR||MSH^1^2|102^Data type error^HL70357|E||||separators"), "{text}");
}

#[test]
fn a_message_says_which_answers_it_wants() {
    let failed = Verdict::Failed(Reason::default());
    let rejected = Verdict::Rejected(Reason::default());
    for (asked, accepted_kept, failed_kept, accepted_processed, rejected_processed) in [
        ("|", Some("AA"), Some("AE"), Some("AA"), Some("AR")),
        ("AL|", Some("CA"), Some("CE"), Some("CA"), Some("CR")),
        ("AL|AL", Some("CA"), Some("CE"), Some("AA"), Some("AR")),
        ("AL|NE", Some("CA"), Some("CE"), Some("CA"), Some("CR")),
        ("NE|AL", Some("AA"), Some("AE"), Some("AA"), Some("AR")),
        ("|AL", Some("AA"), Some("AE"), Some("AA"), Some("AR")),
        ("NE|NE", None, None, None, None),
        ("ER|ER", None, Some("CE"), None, Some("AR")),
        ("SU|SU", Some("CA"), None, Some("AA"), None),
        ("ER|AL", None, Some("CE"), Some("AA"), Some("AR")),
        ("??|\"\"", Some("CA"), Some("CE"), Some("CA"), Some("CR")),
    ] {
        let body = format!("MSH|^~\\&|||||||ADT^A01|1|P|2.5|||{asked}");
        let text = Text::new(body.as_bytes(), None).unwrap();
        let interchange = text.interchange(&Limits::default()).unwrap();
        let mode = mode(interchange.messages().next().unwrap());
        let codes = [
            mode.code(Stage::Kept, &Verdict::Accepted),
            mode.code(Stage::Kept, &failed),
            mode.code(Stage::Processed, &Verdict::Accepted),
            mode.code(Stage::Processed, &rejected),
        ];
        assert_eq!(codes, [accepted_kept, failed_kept, accepted_processed, rejected_processed], "{asked}");
        let wanted = acknowledge(body.as_bytes(), None, &answer(Verdict::Accepted)).is_some();
        assert_eq!(wanted, accepted_kept.is_some(), "{asked}");
    }
}

#[test]
fn a_batch_is_answered_by_a_batch() {
    let body = "FHS|^~\\&|A|B|C|D|2026||f||F1\rBHS|^~\\&|A|B|C|D|2026||b||B1\r\
        MSH|^~\\&|A|B|C|D|||ADT^A03|1|P|2.5\rPID|\rMSH|^~\\&|A|B|C|D|||ADT^A01|2|P|2.5\rPID|\rBTS|2\rFTS|1\r";
    let reason = Reason { code: "malformed", location: Some("message 2 PID-3"), text: Some("an id") };
    let now = "20260104223000.250+0000";
    let (head, error) = ("MSH|^~\\&|C|D|A|B|", "ERR|||207^Application internal error^HL70357|E||||");
    let other = "another message of the same request is not taken";
    assert_eq!(
        acknowledged(body.as_bytes(), &answer(Verdict::Failed(reason))).unwrap(),
        format!(
            "FHS|^~\\&|C|D|A|B|{now}||||ack1|F1\nBHS|^~\\&|C|D|A|B|{now}||||ack1|B1\n\
            {head}{now}||ACK^A03^ACK|ack1|P|2.5\nMSA|AE|1|{other}\n{error}{other}\n\
            {head}{now}||ACK^A01^ACK|ack1-2|P|2.5\nMSA|AE|2|an id\n\
            ERR||PID^1^3|101^Required field missing^HL70357|E||||an id\nBTS|2\nFTS|1\n"
        )
    );
    // Several messages without an envelope are answered without one.
    let bare = "MSH|^~\\&|||||||ADT^A03|1\rMSH|^~\\&|||||||ADT^A03|2\r";
    let text = acknowledged(bare.as_bytes(), &answer(Verdict::Accepted)).unwrap();
    assert!(text.starts_with("MSH|") && text.contains("MSA|AA|1\nMSH|") && text.ends_with("MSA|AA|2\n"), "{text}");
    // An empty batch is a batch.
    let text = acknowledged(b"BHS|^~\\&|A|B|C|D\rBTS|0\r", &answer(Verdict::Accepted)).unwrap();
    assert_eq!(text, format!("BHS|^~\\&|C|D|A|B|{now}||||ack1\nBTS|0\n"));
}

#[test]
fn wide_characters_are_answered_in_utf_8() {
    let body: Vec<u8> = "\u{feff}MSH|^~\\&|É||HW||||ADT^A03|1|P|2.5||||||UNICODE UTF-16\r"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let given = acknowledge(&body, None, &answer(Verdict::Accepted)).unwrap();
    let text = String::from_utf8(given.bytes).unwrap();
    assert!(text.starts_with("MSH|^~\\&|HW||É||") && text.contains("|2.5||||||UNICODE UTF-8\r"), "{text}");
    assert_eq!(given.charset, "utf-8");
}

#[test]
fn answers_stay_small() {
    let many = "MSH|^~\\&|\r".repeat(10_001);
    let failed = answer(Verdict::Failed(LOCATION));
    assert!(acknowledge(many.as_bytes(), None, &failed).unwrap().bytes.len() < 300);
    let text = acknowledged(&many.as_bytes()[10..], &failed).unwrap();
    assert_eq!(text.matches("MSA|AE|").count(), 10_000);
    let body = format!("MSH|^~\\&|{0}|{0}|||||ADT^{0}|{0}|P|2.5\r", "x".repeat(1 << 20));
    assert!(acknowledge(body.as_bytes(), None, &answer(Verdict::Accepted)).unwrap().bytes.len() < 200);
}

#[test]
fn the_media_type_is_that_of_the_request() {
    let latin = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||8859/1\r";
    let given = acknowledge(latin, None, &answer(Verdict::Accepted)).unwrap();
    for (request, expected) in [
        (Some("application/hl7-v2; charset=utf-8"), "application/hl7-v2; charset=iso-8859-1"),
        (Some(" text/plain "), "text/plain; charset=iso-8859-1"),
        (Some("nonsense"), "x-application/hl7-v2+er7; charset=iso-8859-1"),
        (Some("a/b\r\nx: y"), "x-application/hl7-v2+er7; charset=iso-8859-1"),
        (None, "x-application/hl7-v2+er7; charset=iso-8859-1"),
    ] {
        assert_eq!(given.content_type(request), expected);
    }
}
