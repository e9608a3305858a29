//! A request's body: read whole, up to a cap and within a deadline.

use crate::config::ListenerConfig;
use crate::problem::Problem;
use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use std::time::Duration;

/// Memory that is set aside before anything came: what a sender announces may be a lie.
const RESERVED_BYTES_MAX: usize = 64 * 1024;
/// How much is read, and thrown away, of a body that is refused.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// For how long.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// Reads the body byte for byte.
pub(super) async fn read(body: Body, config: &ListenerConfig) -> Result<Bytes, Problem> {
    let cap = config.body_bytes_max;
    let announced = body.size_hint().lower();
    if announced > cap as u64 {
        discard(body, config).await;
        return Err(too_large(cap));
    }
    let reserved = usize::try_from(announced).unwrap_or(RESERVED_BYTES_MAX).min(RESERVED_BYTES_MAX);
    tokio::time::timeout(config.body_timeout, collect(body, cap, reserved)).await.unwrap_or_else(|_| {
        let detail = format!("the body was not complete within {} s", config.body_timeout.as_secs_f32());
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail))
    })
}

/// Reads a body that nobody wants, within bounds: closing a connection on a sender who is still sending would lose the answer that says why.
pub(crate) async fn discard(body: Body, config: &ListenerConfig) {
    // Whether it ended or the time did, the answer is the same.
    let _ = tokio::time::timeout(config.body_timeout.min(DISCARD_TIME_MAX), drain(body)).await;
}

async fn drain(mut body: Body) {
    let mut left = DISCARDED_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            break;
        }
    }
}

async fn collect(mut body: Body, cap: usize, reserved: usize) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::with_capacity(reserved);
    while let Some(frame) = body.frame().await {
        // The sender hung up or broke the framing: most likely nobody reads this answer.
        let frame =
            frame.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", "the body ended too early"))?;
        // Trailers are no part of the body.
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > cap {
            drain(body).await;
            return Err(too_large(cap));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

fn too_large(cap: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("a body may have {cap} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::convert::Infallible;

    fn config(body_bytes_max: usize) -> ListenerConfig {
        ListenerConfig {
            address: ([127, 0, 0, 1], 0).into(),
            tls: None,
            connections_max: 1,
            header_timeout: Duration::from_secs(1),
            body_timeout: Duration::from_secs(5),
            body_bytes_max,
        }
    }

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok::<_, Infallible>(Bytes::from(vec![b'x'; *size]))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    #[tokio::test]
    async fn the_cap_holds_whether_the_length_is_announced_or_not() {
        assert_eq!(read(Body::from("12345"), &config(5)).await.unwrap().len(), 5);
        assert_eq!(read(chunks(&[3, 2]), &config(5)).await.unwrap().len(), 5);
        for body in [Body::from("123456"), chunks(&[3, 3])] {
            assert_eq!(read(body, &config(5)).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let body = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let problem = read(body, &config(5)).await.unwrap_err();
        assert_eq!(problem.code(), "body_timeout");
        insta::assert_snapshot!(String::from_utf8(problem.body("req_1")).unwrap());
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_told() {
        let body = Body::from_stream(stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset"))]));
        let problem = read(body, &config(5)).await.unwrap_err();
        assert_eq!(problem.code(), "body_incomplete");
        insta::assert_snapshot!(String::from_utf8(problem.body("req_1")).unwrap());
    }
}
