//! The URL of a subscriber, checked before anything is sent there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

use super::{AddressPolicy, Refusal, URL_MAX};

/// The longest name DNS can hold, in bytes.
const NAME_MAX: usize = 253;

/// A URL that deliveries may be tried at, as far as it can be told before its name is resolved.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetUrl {
    url: Url,
    host: String,
    literal: Option<IpAddr>,
    port: u16,
    plaintext: bool,
}

/// Why a URL is no target. It never repeats the URL, which may hold a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Longer than [`URL_MAX`].
    #[error("the URL is longer than {URL_MAX} bytes")]
    TooLong,
    /// Not a URL, or one with characters that readers disagree about: blanks, control characters, backslashes.
    #[error("not a URL (expected https://host/path)")]
    Malformed,
    /// Neither http nor https.
    #[error("the URL must begin with https:// (or http://, for an address on the allow-list)")]
    Scheme,
    /// With a user name or password, which would end up in logs and referrers.
    #[error("the URL must hold no user name or password")]
    UserInfo,
    /// With a fragment, which is never sent.
    #[error("the URL must hold no fragment (#…)")]
    Fragment,
    /// Without a host, or with one that cannot be a name or address.
    #[error("the URL's host is not a name or an address")]
    Host,
    /// With port 0.
    #[error("the URL's port is 0")]
    Port,
    /// With an address that no delivery goes to.
    #[error("the URL's host: {0}")]
    Address(#[from] Refusal),
    /// Unencrypted, and to nowhere on the allow-list.
    #[error("plain http:// is accepted only for addresses on the allow-list")]
    Plaintext,
}

impl TargetUrl {
    /// The URL as it is sent to, in its normal form.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The host to name in TLS and to resolve: lower case, without a dot at its end and without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address, if the URL holds one rather than a name.
    pub fn literal(&self) -> Option<IpAddr> {
        self.literal
    }

    /// The port, spelled out or not.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is unencrypted: then it may go to addresses on the allow-list only.
    pub fn plaintext(&self) -> bool {
        self.plaintext
    }

    /// The path and query of the request line.
    pub fn path_and_query(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }

    /// The `Host` header: host, and port where it is not the scheme's own.
    pub fn authority(&self) -> &str {
        &self.url[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// Whether a connection for this URL may go to an address its name resolved to. To be asked of every one of them.
    pub fn admits(&self, policy: &AddressPolicy, address: IpAddr) -> Result<(), Refusal> {
        policy.judge(address)?;
        if self.plaintext && !policy.allows(address) {
            return Err(Refusal { range: "plain http to an address that is not on the allow-list" });
        }
        Ok(())
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// Path and query may hold a credential: only scheme, host and port are shown.
impl fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetUrl({}://{}/…)", self.url.scheme(), self.authority())
    }
}

/// Checks a URL that deliveries shall go to. A host that is an address is judged at once; a name, when it is resolved.
pub fn check_url(text: &str, policy: &AddressPolicy) -> Result<TargetUrl, UrlFault> {
    if text.len() > URL_MAX {
        return Err(UrlFault::TooLong);
    }
    // WHATWG drops tabs and line ends and turns backslashes into slashes; other readers do not.
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(UrlFault::Malformed);
    }
    let url = Url::parse(text).map_err(|fault| match fault {
        url::ParseError::InvalidPort | url::ParseError::RelativeUrlWithoutBase => UrlFault::Malformed,
        _ => UrlFault::Host,
    })?;
    let plaintext = match url.scheme() {
        "https" => false,
        "http" => true,
        _ => return Err(UrlFault::Scheme),
    };
    // `https:host` and `https:/host` are read as `https://host` by some and as a relative reference by others.
    if text.get(url.scheme().len()..).is_none_or(|rest| !rest.starts_with("://") || rest.starts_with(":///")) {
        return Err(UrlFault::Malformed);
    }
    // An empty user name leaves no trace in the parsed URL.
    let authority = text.split('/').nth(2).unwrap_or_default();
    if !url.username().is_empty()
        || url.password().is_some()
        || authority.split(['?', '#']).next().is_some_and(|a| a.contains('@'))
    {
        return Err(UrlFault::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(UrlFault::Fragment);
    }
    let port = url.port_or_known_default().filter(|port| *port != 0).ok_or(UrlFault::Port)?;
    let (host, literal) = host_of(&url)?;
    // Names of the machine itself need no resolver to be judged.
    let local = host == "localhost" || host.ends_with(".localhost");
    let known = literal.or(local.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    if let Some(address) = known {
        policy.judge(address)?;
    }
    if plaintext && known.map_or(policy.allow.is_empty(), |address| !policy.allows(address)) {
        return Err(UrlFault::Plaintext);
    }
    Ok(TargetUrl { url, host, literal, port, plaintext })
}

fn host_of(url: &Url) -> Result<(String, Option<IpAddr>), UrlFault> {
    match url.host().ok_or(UrlFault::Host)? {
        Host::Ipv4(address) => Ok((address.to_string(), Some(IpAddr::V4(address)))),
        Host::Ipv6(address) => Ok((address.to_string(), Some(IpAddr::V6(address)))),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let label = |label: &str| (1..=63).contains(&label.len());
            if name.len() > NAME_MAX || !name.split('.').all(label) {
                return Err(UrlFault::Host);
            }
            Ok((name.to_owned(), None))
        }
    }
}
