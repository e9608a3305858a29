use super::*;

fn text(problem: &Problem) -> String {
    let body: serde_json::Value = serde_json::from_slice(&problem.body("req_1")).unwrap();
    serde_json::to_string_pretty(&body).unwrap()
}

#[test]
fn a_problem_names_each_bad_field() {
    let problem = Problem::invalid(vec![
        FieldFault { pointer: "/url".into(), detail: "is required".into() },
        FieldFault { pointer: "/events/0".into(), detail: "expected text, found a number".into() },
    ]);
    insta::assert_snapshot!(text(&problem), @r#"
    {
      "code": "invalid",
      "detail": "2 fields are not valid",
      "errors": [
        {
          "detail": "is required",
          "pointer": "/url"
        },
        {
          "detail": "expected text, found a number",
          "pointer": "/events/0"
        }
      ],
      "request_id": "req_1",
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "about:blank"
    }
    "#);
}

#[test]
fn headers_go_with_the_problem() {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "a key is needed")
        .challenge("Bearer")
        .retry_after(3)
        .allow("GET");
    let response = problem.answer("req_1");
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("www-authenticate"), "Bearer");
    assert_eq!(header("retry-after"), "3");
    assert_eq!(header("allow"), "GET");
    assert_eq!(header("content-type"), "application/problem+json");
}

#[test]
fn a_store_failure_tells_the_client_nothing_of_its_cause() {
    let cause = StoreError::Unavailable("disk /var/lib/secret is gone".into());
    let problem = Problem::from(cause);
    assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!text(&problem).contains("secret"));
    insta::assert_snapshot!(text(&problem), @r#"
    {
      "code": "store_unavailable",
      "detail": "nothing was recorded; come again",
      "request_id": "req_1",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);
}

#[test]
fn every_store_failure_has_its_status() {
    let status = |error: StoreError| Problem::from(error).status().as_u16();
    assert_eq!(status(StoreError::Busy), 429);
    assert_eq!(status(StoreError::Closed), 503);
    assert_eq!(status(StoreError::NotWritable("full".into())), 503);
    assert_eq!(status(StoreError::Stale), 412);
    assert_eq!(status(StoreError::Taken { what: "slug" }), 409);
    assert_eq!(status(StoreError::Unsuitable("old".into())), 500);
}

#[test]
fn what_a_store_cannot_do_is_told_in_these_words() {
    let told: Vec<_> = [
        StoreError::Busy,
        StoreError::NotWritable("the disk is full".into()),
        StoreError::Stale,
        StoreError::Taken { what: "slug" },
        StoreError::Unsuitable("old".into()),
    ]
    .into_iter()
    .map(|error| text(&Problem::from(error)))
    .collect();
    insta::assert_snapshot!("store", told.join("\n"));
}
