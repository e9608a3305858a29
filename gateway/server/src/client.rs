//! A small HTTP client for the commands that talk to a running gateway: one request a connection, bounded in time and size.
//!
//! Deliveries do not go through here: they need the egress guard.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// The largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How long one request may take, from connecting to the last byte of the answer.
const DEADLINE: Duration = Duration::from_mins(1);

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be one.
    #[error("{url} is not an address such as http://127.0.0.1:8081")]
    Address {
        /// What was given.
        url: String,
    },
    /// No connection.
    #[error("cannot connect to {authority}")]
    Connect {
        /// Host and port.
        authority: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot be set up on this machine.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The request cannot be sent as it is.
    #[error("the request cannot be sent")]
    Request(#[from] http::Error),
    /// The connection failed during the exchange.
    #[error("the exchange with {authority} failed")]
    Exchange {
        /// Host and port.
        authority: String,
        /// What went wrong.
        #[source]
        source: hyper::Error,
    },
    /// The answer's body cannot be read.
    #[error("the answer of {authority} cannot be read")]
    Body {
        /// Host and port.
        authority: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It took too long.
    #[error("{authority} did not answer within {} s", DEADLINE.as_secs())]
    Timeout {
        /// Host and port.
        authority: String,
    },
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header's value as text, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A gateway's listener, and the key to show there.
#[derive(Clone)]
pub struct Client {
    base: String,
    bearer: Option<HeaderValue>,
}

/// The key is a secret.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for `base`, e.g. `http://127.0.0.1:8081`.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into().trim_end_matches('/').to_owned(), bearer: None }
    }

    /// The same, showing an API key.
    pub fn with_key(mut self, key: &str) -> Result<Self, ClientError> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {key}")).map_err(http::Error::from)?;
        bearer.set_sensitive(true);
        self.bearer = Some(bearer);
        Ok(self)
    }

    /// Where it connects to.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    /// Sends JSON.
    pub async fn json(&self, method: Method, path: &str, body: &serde_json::Value) -> Result<Answer, ClientError> {
        self.send(method, path, &[(CONTENT_TYPE.as_str(), "application/json")], Bytes::from(body.to_string())).await
    }

    /// Makes one request, its body sent as it is.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, ClientError> {
        let url = format!("{}{path}", self.base);
        let uri: Uri = url.parse().map_err(|_| ClientError::Address { url: url.clone() })?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(ClientError::Address { url });
        };
        let encrypted = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(ClientError::Address { url }),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
            .header(HOST, authority.as_str());
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).map_err(http::Error::from)?;
            request = request.header(name, HeaderValue::try_from(*value).map_err(http::Error::from)?);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        let request = request.body(Full::new(body.into()))?;
        let target = Target {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 }),
            encrypted,
        };
        let name = authority.to_string();
        tokio::time::timeout(DEADLINE, target.exchange(request, &name))
            .await
            .unwrap_or(Err(ClientError::Timeout { authority: name }))
    }
}

struct Target {
    host: String,
    port: u16,
    encrypted: bool,
}

impl Target {
    async fn exchange(&self, request: Request<Full<Bytes>>, authority: &str) -> Result<Answer, ClientError> {
        let connect = |source| ClientError::Connect { authority: authority.to_owned(), source };
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(connect)?;
        tcp.set_nodelay(true).map_err(connect)?;
        if !self.encrypted {
            return over(tcp, request, authority).await;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        let name = rustls::pki_types::ServerName::try_from(self.host.clone())
            .map_err(|_| ClientError::Address { url: authority.to_owned() })?;
        let tls = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(connect)?;
        over(tls, request, authority).await
    }
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>, authority: &str) -> Result<Answer, ClientError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let exchange = |source| ClientError::Exchange { authority: authority.to_owned(), source };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(exchange)?;
    // What goes wrong with the connection is told to the request, too.
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(exchange)?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|source| {
        let source = match source.downcast::<LengthLimitError>() {
            Ok(_) => format!("it is longer than {ANSWER_BYTES_MAX} bytes").into(),
            Err(source) => source,
        };
        ClientError::Body { authority: authority.to_owned(), source }
    })?;
    driver.abort();
    Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
}
