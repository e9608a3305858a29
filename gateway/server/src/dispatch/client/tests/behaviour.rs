//! The ways in which a receiver can be hostile, one a row, and what each is to be taken for.

use CameTo::{Answer, AnswerOrReset, Failure};
use Then::{Close, Drip, Flood, Hold, Reset, Serve};
use std::io::Result;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Between two drops of one that drips.
const DRIP_EVERY: Duration = Duration::from_millis(20);
/// The most that one who floods gets rid of before it gives up: far more than buffers hold.
pub(crate) const FLOOD_BYTES_MAX: usize = 256 << 20;

/// What a receiver does.
#[derive(Clone)]
pub(crate) struct Behaviour {
    pub(crate) name: &'static str,
    /// Whether it answers without waiting for the request.
    pub(crate) hasty: bool,
    pub(crate) says: Vec<u8>,
    pub(crate) then: Then,
    pub(crate) came_to: CameTo,
}

/// What it does after it has spoken.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Closes the connection.
    Close,
    /// Resets it.
    Reset,
    /// Says no more, and holds it.
    Hold,
    /// Waits for the next request, as it should.
    Serve,
    /// Says this again and again, as fast as it can.
    Flood(&'static str),
    /// The same, at its leisure.
    Drip(&'static str),
}

/// What the exchange is to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CameTo {
    /// An answer of this status, whole or cut at the cap.
    Answer(u16),
    /// A failure of this kind.
    Failure(&'static str),
    /// An answer of this status, or the end of a connection on which somebody spoke unasked: whichever is seen first.
    AnswerOrReset(u16),
    /// The end of a connection, which may be seen while it is still being set up.
    EndAtOnce,
}

impl CameTo {
    /// Whether this is what the exchange has come to.
    pub(crate) fn fits(self, status: Option<u16>, kind: Option<&str>) -> bool {
        match self {
            Self::Answer(expected) => (status, kind) == (Some(expected), None),
            Self::Failure(expected) => kind == Some(expected),
            Self::EndAtOnce => matches!(kind, Some("reset" | "connect")),
            Self::AnswerOrReset(expected) => kind == Some("reset") || (status, kind) == (Some(expected), None),
        }
    }
}

/// Plays a behaviour on a connection; tells how many bytes went out.
pub(crate) async fn play(mut stream: TcpStream, behaviour: &Behaviour) -> Result<usize> {
    let mut sent = 0;
    loop {
        if !behaviour.hasty && !request(&mut stream).await? {
            return Ok(sent);
        }
        stream.write_all(&behaviour.says).await?;
        sent += behaviour.says.len();
        match behaviour.then {
            Serve => {}
            Close => return stream.shutdown().await.map(|()| sent),
            Reset => {
                // What was said must be read before it is thrown away.
                tokio::time::sleep(DRIP_EVERY).await;
                return stream.set_zero_linger().map(|()| sent);
            }
            Hold => {
                let mut read = [0; 4_096];
                while stream.read(&mut read).await? > 0 {}
                return Ok(sent);
            }
            Flood(text) => {
                let piece = text.repeat(64 * 1_024 / text.len());
                while sent < FLOOD_BYTES_MAX && stream.write_all(piece.as_bytes()).await.is_ok() {
                    sent += piece.len();
                }
                return Ok(sent);
            }
            Drip(text) => {
                while stream.write_all(text.as_bytes()).await.is_ok() {
                    sent += text.len();
                    tokio::time::sleep(DRIP_EVERY).await;
                }
                return Ok(sent);
            }
        }
    }
}

/// Reads one request to its end; false at the end of the connection.
async fn request(stream: &mut TcpStream) -> Result<bool> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            if read.len() >= end + 4 + length.and_then(|digits| digits.parse().ok()).unwrap_or(0) {
                return Ok(true);
            }
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(false);
        }
    }
}

const HEAD: &str = "HTTP/1.1 200 OK\r\n";
const RESET: CameTo = Failure("reset");
const PROTOCOL: CameTo = Failure("protocol");
const TIMEOUT: CameTo = Failure("timeout");

/// All of them.
pub(crate) fn all() -> Vec<Behaviour> {
    let mut rows = [ends(), waits(), floods(), no_http(), no_frames(), more_than_one(), wishes()].concat();
    rows.push(bomb());
    rows
}

fn row(name: &'static str, says: &str, then: Then, came_to: CameTo) -> Behaviour {
    let hasty = matches!(name, "closes at once" | "resets at once" | "answers before it has read");
    Behaviour { name, hasty, says: says.as_bytes().to_vec(), then, came_to }
}

fn head(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

fn chunked(rest: &str) -> String {
    format!("{HEAD}transfer-encoding: chunked\r\n\r\n{rest}")
}

fn bomb() -> Behaviour {
    let bomb = include_bytes!("bomb.gz");
    let head = head(&format!("content-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len()));
    let says = [head.as_bytes(), bomb].concat();
    Behaviour { name: "packs a bomb", hasty: false, says, then: Serve, came_to: Answer(200) }
}

/// Connections that end.
fn ends() -> Vec<Behaviour> {
    vec![
        row("closes at once", "", Close, CameTo::EndAtOnce),
        row("resets at once", "", Reset, CameTo::EndAtOnce),
        row("closes without a word", "", Close, RESET),
        row("resets without a word", "", Reset, RESET),
        row("closes within the head", &head("content-len"), Close, RESET),
        row("resets within the head", &head("content-len"), Reset, RESET),
        row("closes within the body", &head("content-length: 100\r\n\r\nabc"), Close, RESET),
        row("resets within the body", &head("content-length: 100\r\n\r\nabc"), Reset, RESET),
        row("closes within a chunk", &chunked("5\r\nabc"), Close, RESET),
        row("closes before the last chunk", &chunked("3\r\nabc\r\n"), Close, RESET),
        row("promises more than it has", &head("content-length: 99999999\r\n\r\nabc"), Close, RESET),
    ]
}

/// Silence and slowness.
fn waits() -> Vec<Behaviour> {
    vec![
        row("never answers", "", Hold, TIMEOUT),
        row("stops within the head", &head("x: y"), Hold, TIMEOUT),
        row("stops within the body", &head("content-length: 100\r\n\r\nabc"), Hold, TIMEOUT),
        row("stops within a chunk's size", &chunked("1"), Hold, TIMEOUT),
        row("says 100 and no more", "HTTP/1.1 100 Continue\r\n\r\n", Hold, TIMEOUT),
        row("drips a head", HEAD, Drip("x: y\r\n"), TIMEOUT),
        row("drips a header's value", &head("x: "), Drip("y"), TIMEOUT),
        row("drips a body", &head("content-length: 900\r\n\r\n"), Drip("x"), TIMEOUT),
        row("drips chunks", &chunked(""), Drip("1\r\nx\r\n"), TIMEOUT),
        row("drips interim answers", "", Drip("HTTP/1.1 103 Early Hints\r\n\r\n"), TIMEOUT),
    ]
}

/// More than anybody wants.
fn floods() -> Vec<Behaviour> {
    vec![
        row("has endless header fields", HEAD, Flood("x: y\r\n"), PROTOCOL),
        row("has an endless header", &head("x: "), Flood("y"), PROTOCOL),
        row("has an endless reason", "HTTP/1.1 200 ", Flood("y"), PROTOCOL),
        row("has an endless status", "HTTP/1.1 2", Flood("0"), PROTOCOL),
        row("begins with endless lines", "", Flood("\r\n"), PROTOCOL),
        row("has endless interim answers", "", Flood("HTTP/1.1 100 Continue\r\n\r\n"), PROTOCOL),
        row("has endless early hints", "", Flood("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"), PROTOCOL),
        row("has an endless body", &head("\r\n"), Flood("x"), Answer(200)),
        row(
            "has an endless body by its length",
            &head("content-length: 999999999999\r\n\r\n"),
            Flood("x"),
            Answer(200),
        ),
        row("has endless chunks", &chunked(""), Flood("4\r\nabcd\r\n"), Answer(200)),
        row("has an endless chunk extension", &chunked("1;"), Flood("x"), PROTOCOL),
        row("has endless trailers", &chunked("0\r\n"), Flood("x: y\r\n"), PROTOCOL),
        row("has an endless error page", "HTTP/1.1 500 Oh\r\n\r\n", Flood("x"), Answer(500)),
    ]
}

/// What is not HTTP.
fn no_http() -> Vec<Behaviour> {
    vec![
        row("is an SSH server", "SSH-2.0-OpenSSH_9.6\r\n", Close, PROTOCOL),
        row("speaks HTTP/0.9", "hello, world", Close, PROTOCOL),
        row("speaks HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Close, PROTOCOL),
        row("speaks HTTP/3.0", "HTTP/3.0 200 OK\r\n\r\n", Close, PROTOCOL),
        row("has a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", Close, PROTOCOL),
        row("has a status of letters", "HTTP/1.1 two OK\r\n\r\n", Close, PROTOCOL),
        row("has a status below 100", "HTTP/1.1 099 OK\r\n\r\n", Close, PROTOCOL),
        row("has a field without a colon", &head("bad\r\n\r\n"), Close, PROTOCOL),
        row("has a field with a blank in its name", &head("bad name: x\r\n\r\n"), Close, PROTOCOL),
        row("has a blank before the colon", &head("content-length : 2\r\n\r\nok"), Close, PROTOCOL),
        row("folds a field", &head("x: y\r\n z\r\n\r\n"), Close, PROTOCOL),
        row("has a zero byte in a field", &head("x: \0\r\n\r\n"), Close, PROTOCOL),
    ]
}

/// HTTP whose end nobody can tell.
fn no_frames() -> Vec<Behaviour> {
    vec![
        row("has two lengths", &head("content-length: 1\r\ncontent-length: 2\r\n\r\nxx"), Close, PROTOCOL),
        row("has a negative length", &head("content-length: -1\r\n\r\n"), Close, PROTOCOL),
        row("has a signed length", &head("content-length: +2\r\n\r\nok"), Close, PROTOCOL),
        row("has a length beyond numbers", &head("content-length: 99999999999999999999999\r\n\r\n"), Close, PROTOCOL),
        row("has a chunk of nonsense", &chunked("zz\r\nabc\r\n"), Close, PROTOCOL),
        row("has a negative chunk", &chunked("-1\r\nabc\r\n"), Close, PROTOCOL),
        row("has a chunk beyond numbers", &chunked("11111111111111111\r\nx"), Close, PROTOCOL),
        row("has a chunk longer than it says", &chunked("1\r\nabc\r\n"), Close, PROTOCOL),
        row(
            "has chunks in HTTP/1.0",
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            Close,
            PROTOCOL,
        ),
    ]
}

/// Answers that mean to be more than one, or other than they are.
fn more_than_one() -> Vec<Behaviour> {
    vec![
        row(
            "has a length and chunks",
            &head("content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            Serve,
            Answer(200),
        ),
        row("has a tail behind its body", &head("content-length: 2\r\n\r\nokGARBAGE"), Serve, Answer(200)),
        row(
            "answers twice",
            &head("content-length: 2\r\n\r\nokHTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n"),
            Serve,
            Answer(200),
        ),
        row("has a body where there is none", "HTTP/1.1 204 No Content\r\n\r\nsurprise", Serve, Answer(204)),
        row(
            "has a length where there is no body",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 100\r\n\r\n",
            Serve,
            Answer(304),
        ),
        row(
            "switches protocols",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
            Hold,
            Answer(101),
        ),
        row(
            "answers before it has read",
            &head("content-length: 0\r\nconnection: close\r\n\r\n"),
            Hold,
            AnswerOrReset(200),
        ),
        row("closes under the next request", &head("content-length: 2\r\n\r\nok"), Close, Answer(200)),
    ]
}

/// Answers that are sound, and ask for something.
fn wishes() -> Vec<Behaviour> {
    vec![
        row(
            "redirects to itself",
            "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
            Serve,
            Answer(302),
        ),
        row(
            "redirects nowhere",
            "HTTP/1.1 308 Go\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n",
            Serve,
            Answer(308),
        ),
        row("packs nonsense", &head("content-encoding: gzip\r\ncontent-length: 2\r\n\r\nok"), Serve, Answer(200)),
        row(
            "asks for an age",
            "HTTP/1.1 503 No\r\nretry-after: 9999999999\r\ncontent-length: 0\r\n\r\n",
            Serve,
            Answer(503),
        ),
        row("asks for the past", "HTTP/1.1 503 No\r\nretry-after: -5\r\ncontent-length: 0\r\n\r\n", Serve, Answer(503)),
        row(
            "asks for nonsense",
            "HTTP/1.1 429 No\r\nretry-after: soon\r\ncontent-length: 0\r\n\r\n",
            Serve,
            Answer(429),
        ),
        row(
            "asks for a far day",
            "HTTP/1.1 429 No\r\nretry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\ncontent-length: 0\r\n\r\n",
            Serve,
            Answer(429),
        ),
    ]
}
