//! A subscriber as a simulated host: a real HTTP server that answers as its temper is.

use super::plan::Temper;
use super::run::{START_MS, elapsed_ms};
use super::witness::Witness;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An exchange that ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer;

/// An exchange that is under way at a subscriber.
struct Present {
    witness: Arc<Mutex<Witness>>,
    index: usize,
}

impl Drop for Present {
    fn drop(&mut self) {
        self.witness.lock().unwrap().left(self.index);
    }
}

/// Serves until the host dies.
pub(super) async fn serve(index: usize, witness: Arc<Mutex<Witness>>) -> turmoil::Result {
    let listener = turmoil::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let witness = Arc::clone(&witness);
        let service = hyper::service::service_fn(move |request| answer(request, index, Arc::clone(&witness)));
        // A partition or a crash ends it, as it ends any other.
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    index: usize,
    witness: Arc<Mutex<Witness>>,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| NoAnswer)?.to_bytes();
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let at_ms = elapsed_ms();
    let now_ms = START_MS + i64::try_from(at_ms).unwrap_or(i64::MAX);
    let (event, temper, wait) = {
        let mut witness = witness.lock().unwrap();
        let event = witness.arrived(index, &headers, &body, now_ms);
        let temper = witness.plan.subscribers[index].temper(at_ms);
        let wait = match temper {
            Temper::Slow => witness.dice[index].between(100, 1_200),
            _ => witness.dice[index].below(30),
        };
        witness.note(at_ms, || format!("subscriber {index} got {event:?}, is {temper:?} after {wait} ms"));
        (event, temper, wait)
    };
    let present = Present { witness, index };
    tokio::time::sleep(Duration::from_millis(wait)).await;
    let (status, retry_after) = match temper {
        Temper::Well | Temper::Slow => (200, None),
        Temper::Failing(status) => (status, None),
        Temper::Busy(status, seconds) => (status, seconds),
        Temper::Gone => (410, None),
        Temper::Resetting => return Err(NoAnswer),
        Temper::Hanging => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            return Err(NoAnswer);
        }
    };
    if status == 200
        && let Some(event) = event
    {
        present.witness.lock().unwrap().accepted.insert((index, event));
    }
    let mut response = Response::new(Full::new(Bytes::from_static(b"noted")));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}
