//! The URL that a partner signs: the one it was told, never one that a request says of itself.

use super::Request;

const URL_MAX: usize = 512;

/// Whether a text can be a source's public URL: `https://` or `http://`, a host, and the path at which the partner reaches the source; no
/// credentials, query or fragment. The partner's further path and query are put behind it.
pub fn is_public_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    text.len() <= URL_MAX
        && !authority.is_empty()
        && text.bytes().all(|b| b.is_ascii_graphic())
        && !text.contains(['?', '#', '@', '\\'])
}

/// The URL of a request, as its sender wrote it.
pub(super) fn of(request: &Request<'_>) -> Option<String> {
    let base = request.public_url?;
    let mut url = String::with_capacity(base.len() + request.path.len() + request.query.len() + 1);
    // What ends with a slash was told with it.
    url.push_str(if request.path.starts_with('/') { base.trim_end_matches('/') } else { base });
    url.push_str(request.path);
    if !request.query.is_empty() {
        url.push('?');
        url.push_str(request.query);
    }
    Some(url)
}

/// The path of a URL, with its leading slash.
pub(super) fn path(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else { return "/" };
    let rest = rest.split('?').next().unwrap_or_default();
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// The same URL with its scheme's default port where it has none, or without it where it has; another port stays as it is.
pub(super) fn other_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = if scheme == "https" { ":443" } else { ":80" };
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if let Some(host) = authority.strip_suffix(port) {
        return Some(format!("{scheme}://{host}{tail}"));
    }
    // The colons of an IPv6 address are in brackets.
    let has_port = authority.rsplit(']').next().is_some_and(|end| end.contains(':'));
    (!has_port).then(|| format!("{scheme}://{authority}{port}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_address_without_a_query() {
        for text in ["https://hooks.example.com/webhooks/square", "http://10.0.0.1:8080/x/", "https://h"] {
            assert!(is_public_url(text), "{text}");
        }
        for text in [
            "",
            "hooks.example.com/x",
            "ftp://h/x",
            "https://",
            "https:///x",
            "https://h/x?y",
            "https://u@h/",
            "https://h/ x",
            "https://h/#f",
        ] {
            assert!(!is_public_url(text), "{text}");
        }
        assert!(!is_public_url(&format!("https://h/{}", "x".repeat(512))));
    }

    #[test]
    fn a_url_has_a_path_and_one_other_spelling_of_its_port() {
        assert_eq!(path("https://h:1/a/b?c=/d"), "/a/b");
        assert_eq!(path("https://h?x"), "/");
        for (one, other) in [
            ("https://h/a?b", "https://h:443/a?b"),
            ("http://h", "http://h:80"),
            ("https://[::1]/a", "https://[::1]:443/a"),
            ("https://h?a:b", "https://h:443?a:b"),
        ] {
            assert_eq!(other_port(one).as_deref(), Some(other));
            assert_eq!(other_port(other).as_deref(), Some(one));
        }
        for text in ["https://h:80/", "http://h:443/", "http://h:1234/x", "https://[::1]:8443/"] {
            assert_eq!(other_port(text), None, "{text}");
        }
    }
}
