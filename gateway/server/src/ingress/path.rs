//! Where a request goes: the source's slug, and the hook below it.

use crate::problem::Problem;
use hookwright_core::source::Source;
use http::{Method, StatusCode, Uri};
use std::sync::Arc;

/// Below this path everything is a partner's.
const PREFIX: &str = "/webhooks/";
/// The longest hook, in bytes.
const HOOK_BYTES_MAX: usize = 1024;
/// The longest query, in bytes.
const QUERY_BYTES_MAX: usize = 8 * 1024;
/// The longest method, in bytes; the longest that is registered has 17.
const METHOD_BYTES_MAX: usize = 32;

/// The parts of a request's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub slug: &'a str,
    /// The path below the slug, without a leading slash, percent-encoding as it came.
    pub hook: &'a str,
    /// The same with the slash before it, where there is one.
    pub below: &'a str,
    pub query: &'a str,
}

impl<'a> Target<'a> {
    /// Takes an address apart; nothing is decoded, so that no two spellings of a slug exist.
    pub(super) fn of(uri: &'a Uri) -> Result<Self, Problem> {
        let path = uri.path().strip_prefix(PREFIX).unwrap_or_default();
        let (slug, hook) = path.split_once('/').unwrap_or((path, ""));
        let query = uri.query().unwrap_or_default();
        if hook.len() > HOOK_BYTES_MAX || query.len() > QUERY_BYTES_MAX {
            let detail =
                format!("the path below the source may have {HOOK_BYTES_MAX} bytes, the query {QUERY_BYTES_MAX}");
            return Err(Problem::new(StatusCode::URI_TOO_LONG, "uri_too_long", detail));
        }
        let below = path.get(slug.len()..).unwrap_or_default();
        Ok(Self { slug, hook, below, query })
    }

    /// The source it names. One that is switched off is answered like one that never was.
    pub(super) fn source(&self, sources: &[Arc<Source>]) -> Result<Arc<Source>, Problem> {
        let found = sources.iter().find(|source| source.active && source.slug == self.slug);
        found.cloned().ok_or_else(|| {
            Problem::new(StatusCode::NOT_FOUND, "unknown_source", "no source takes requests under this path")
        })
    }
}

/// Refuses methods that the source does not take.
pub(super) fn check_method(source: &Source, method: &Method) -> Result<(), Problem> {
    let listed = source.methods.iter().any(|allowed| allowed.eq_ignore_ascii_case(method.as_str()));
    let problem = |allow: String| {
        let detail = "the source does not take requests of this method; see the header Allow";
        Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).allow(allow))
    };
    match (source.methods.is_empty(), listed) {
        (false, false) => problem(source.methods.join(", ").to_uppercase()),
        (true, _) if method.as_str().len() > METHOD_BYTES_MAX => problem("GET, POST, PUT, PATCH, DELETE".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> (String, String, String) {
        let uri: Uri = uri.parse().unwrap();
        let target = Target::of(&uri).unwrap();
        (target.slug.to_owned(), target.hook.to_owned(), target.query.to_owned())
    }

    #[test]
    fn the_slug_ends_at_the_first_slash_and_the_rest_is_left_alone() {
        let parts = |slug: &str, hook: &str, query: &str| (slug.to_owned(), hook.to_owned(), query.to_owned());
        assert_eq!(target("/webhooks/emr/video-call-completed"), parts("emr", "video-call-completed", ""));
        assert_eq!(target("/webhooks/emr"), parts("emr", "", ""));
        assert_eq!(target("/webhooks/emr/"), parts("emr", "", ""));
        assert_eq!(target("/webhooks/emr/Encounter/12%2F3/?a=%20b"), parts("emr", "Encounter/12%2F3/", "a=%20b"));
        assert_eq!(target("/webhooks/e%6Dr/x").0, "e%6Dr");
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let long = |hook: usize, query: usize| -> Uri {
            format!("/webhooks/emr/{}?{}", "h".repeat(hook), "q".repeat(query)).parse().unwrap()
        };
        assert!(Target::of(&long(1024, 8192)).is_ok());
        for uri in [long(1025, 0), long(0, 8193)] {
            assert_eq!(Target::of(&uri).unwrap_err().code(), "uri_too_long");
        }
    }
}
