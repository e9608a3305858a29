//! What verification needs of a request's headers.

use super::{Flaw, HEADER_MAX, VerifyError};

/// A request's headers, however they are kept.
pub trait Headers {
    /// Every value of the header with this name (in any case), in the order of arrival.
    fn values(&self, name: &str) -> Vec<&[u8]>;
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        self.iter().filter(|(n, _)| n.as_ref().eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref()).collect()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        self.as_slice().values(name)
    }
}

impl<H: Headers + ?Sized> Headers for &H {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        (**self).values(name)
    }
}

/// The one value of a header, without the blanks HTTP allows around it.
pub(super) fn single<'a>(headers: &'a dyn Headers, name: &str) -> Result<&'a [u8], VerifyError> {
    match headers.values(name).as_slice() {
        [] => Err(VerifyError::MissingHeader { header: name.to_owned() }),
        [value] => bounded(name, value),
        _ => Err(malformed(name, Flaw::Duplicate)),
    }
}

/// A header's value without the blanks around it, where its length is honest.
pub(super) fn bounded<'a>(name: &str, value: &'a [u8]) -> Result<&'a [u8], VerifyError> {
    let value = trim(value);
    match value.len() {
        0 => Err(malformed(name, Flaw::Empty)),
        1..=HEADER_MAX => Ok(value),
        _ => Err(malformed(name, Flaw::TooLong)),
    }
}

pub(super) fn malformed(name: &str, flaw: Flaw) -> VerifyError {
    VerifyError::MalformedHeader { header: name.to_owned(), flaw }
}

pub(super) fn trim(value: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = value.iter().position(|b| !blank(b)).unwrap_or(value.len());
    let end = value.iter().rposition(|b| !blank(b)).map_or(start, |at| at + 1);
    &value[start..end]
}
