//! How long verification takes. Not run with the rest: `cargo test --release -p hookwright-core -- --ignored speed --nocapture`.

use super::*;

#[test]
#[ignore = "measures; run in release mode on a quiet machine"]
fn a_kibibyte_is_verified_within_five_microseconds() {
    const ROUNDS: u32 = 50_000;
    let body = vec![b'x'; 1024];
    let content_type = [("Content-Type".to_owned(), "application/json".to_owned())];
    for row in crate::preset::all() {
        let (signing, verifying) = match row.id.as_str() {
            "elation" => (
                "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
                "1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
            ),
            "standard-webhooks" => ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            "zus" | "hl7-over-http" => ("partner:pass:word", "partner:pass:word"),
            _ => ("test_secret_do_not_use", "test_secret_do_not_use"),
        };
        let secrets = [raw(verifying)];
        let headers = content_type.to_vec();
        let request =
            Request { public_url: Some("https://hooks.example.com/x"), ..Request::new(&headers, &body, 1_700_000_000) };
        let signed = sign_request(&row.verification, &raw(signing), &request, "id").unwrap();
        let headers = [headers.clone(), signed.headers].concat();
        let query = signed.query.unwrap_or_default();
        let request = Request { headers: &headers, query: &query, ..request };
        let verifier = Verifier::new(&row.verification, &secrets).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a measurement")]
        let began = std::time::Instant::now();
        for _ in 0..ROUNDS {
            assert!(std::hint::black_box(&verifier).verify(std::hint::black_box(&request)).is_ok());
        }
        let each = began.elapsed() / ROUNDS;
        println!("{:20} {each:?}", row.id);
        // Ed25519 is arithmetic on a curve, whatever the body's length.
        let allowed_ns = if row.id == "elation" { 200_000 } else { 5_000 };
        assert!(each.as_nanos() < allowed_ns, "{}: {each:?}", row.id);
    }
}
