//! Whether an address may be asked: under the source's base address, or on its list.

use super::FetchPolicy;
use crate::egress::URL_MAX;
use url::{Position, Url};

/// The address is not one that the source may ask. It is not repeated: it may name a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is not on the source's list")]
pub struct Denied;

/// The whole address of what a plugin wants, if the source may ask it.
///
/// A relative address is taken under the base address, as a path below it whatever it begins with. Everything is compared after normalisation as browsers do it, so that
/// `..`, an escaped dot or a user name before the host lead nowhere; a listed path covers what is below it by whole segments.
pub fn resolve<S>(policy: &FetchPolicy<S>, wanted: &str) -> Result<Url, Denied> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if wanted.len() > URL_MAX || wanted.chars().any(odd) {
        return Err(Denied);
    }
    let base = Url::parse(&policy.base_url).map_err(|_| Denied)?;
    let absolute = match Url::parse(wanted) {
        Ok(url) => url,
        // `//host/path` would be another host.
        Err(_) if wanted.starts_with("//") => return Err(Denied),
        Err(_) => {
            let mut below = base.clone();
            if !below.path().ends_with('/') {
                below.set_path(&format!("{}/", base.path()));
            }
            below.join(&format!("./{}", wanted.trim_start_matches('/'))).map_err(|_| Denied)?
        }
    };
    let clean = absolute.username().is_empty() && absolute.password().is_none() && !escapes(&absolute);
    let allowed = || {
        let listed = policy.allow.iter().filter_map(|text| Url::parse(text).ok());
        std::iter::once(base.clone()).chain(listed).any(|place| covers(&place, &absolute))
    };
    if clean && allowed() { Ok(without_fragment(absolute)) } else { Err(Denied) }
}

/// Servers disagree on escaped slashes and dots: some take `%2e%2e%2f` for a way up.
fn escapes(url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    ["%2f", "%5c", "%2e", "%00"].iter().any(|escape| path.contains(escape))
}

fn covers(place: &Url, wanted: &Url) -> bool {
    let origin = |url: &Url| {
        (url.scheme().to_owned(), url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default())
    };
    let path = wanted.path();
    let under = path.strip_prefix(place.path().trim_end_matches('/'));
    origin(place) == origin(wanted) && under.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn without_fragment(mut url: Url) -> Url {
    if url[Position::AfterQuery..].is_empty() {
        return url;
    }
    url.set_fragment(None);
    url
}
