//! The proxy that deliveries go out by, as an operator names it: `http://[user:password@]host:port` or `socks5://[user:password@]host:port`.

use super::percent;
use std::fmt;
use url::{Host, Url};

/// The longest user name and password: what SOCKS5 can carry (RFC 1929).
const CREDENTIAL_BYTES_MAX: usize = 255;
const EXPECTED: &str =
    "expected http://host:port or socks5://host:port, with user:password@ before the host if need be";

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP, by the method CONNECT (RFC 9110, section 9.3.6).
    Connect,
    /// SOCKS version 5 (RFC 1928).
    Socks5,
}

/// A proxy. Its address is the operator's own and is not judged.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// What it speaks.
    pub kind: ProxyKind,
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User name and password.
    pub credentials: Option<(String, String)>,
    shown_host: String,
}

impl Proxy {
    /// Reads one. An error says what was expected and repeats nothing, for there may be a password in it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let expected = || EXPECTED.to_owned();
        let url = Url::parse(text.trim()).map_err(|_| expected())?;
        let kind = match url.scheme() {
            "http" => ProxyKind::Connect,
            "socks5" => ProxyKind::Socks5,
            _ => return Err(expected()),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(expected());
        }
        let shown_host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(expected)?.to_owned();
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => shown_host.clone(),
        };
        // For http, the URL's reader leaves the port out where it is 80.
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or_else(expected)?;
        let (user, password) = (decoded(url.username())?, decoded(url.password().unwrap_or_default())?);
        let credentials = (!user.is_empty() || !password.is_empty()).then_some((user, password));
        Ok(Self { kind, host, port, credentials, shown_host })
    }
}

/// Without the password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Connect => "http",
            ProxyKind::Socks5 => "socks5",
        };
        let credentials = if self.credentials.is_some() { "[redacted]@" } else { "" };
        write!(f, "{scheme}://{credentials}{}:{}", self.shown_host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// What stands in a URL's user name or password.
fn decoded(text: &str) -> Result<String, String> {
    let unfit = || format!("the user name and the password may have {CREDENTIAL_BYTES_MAX} bytes each, in UTF-8");
    let text = percent::decoded(text).ok_or_else(unfit)?;
    // A colon ends the user name where the two are written together (RFC 7617).
    if text.len() > CREDENTIAL_BYTES_MAX || text.chars().any(char::is_control) { Err(unfit()) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_and_shown_without_its_password() {
        for (text, shown, host, port) in [
            ("http://proxy.internal:3128", "http://proxy.internal:3128", "proxy.internal", 3128),
            ("http://10.0.0.1/", "http://10.0.0.1:80", "10.0.0.1", 80),
            ("socks5://[::1]:1080", "socks5://[::1]:1080", "::1", 1080),
            ("socks5://ada:s%3Acret@h:1080", "socks5://[redacted]@h:1080", "h", 1080),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!((proxy.to_string().as_str(), proxy.host.as_str(), proxy.port), (shown, host, port));
            assert!(!format!("{proxy:?}").contains("cret"));
        }
        let proxy = Proxy::parse("http://ada:s%3Acr%25t@h:1").unwrap();
        assert_eq!(proxy.credentials, Some(("ada".to_owned(), "s:cr%t".to_owned())));
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_being_repeated() {
        for text in [
            "",
            "proxy:3128",
            "https://hunter2@proxy:3128",
            "socks4://proxy:1080",
            "socks5://proxy",
            "http://proxy:0",
            "http://proxy:3128/path",
            "http://proxy:3128/?hunter2",
            "http://user:hunter2@",
        ] {
            assert_eq!(Proxy::parse(text), Err(EXPECTED.to_owned()), "{text}");
        }
        for secret in ["x".repeat(256), "%ff".to_owned(), "%0d%0a".to_owned()] {
            let error = Proxy::parse(&format!("http://u:{secret}@h:1")).unwrap_err();
            assert!(error.contains("255 bytes") && !error.contains(&secret), "{error}");
        }
    }
}
