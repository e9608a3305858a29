//! Bodies that came compressed although nobody asked for it: what is kept of them is made readable, within the cap.

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, HeaderMap};
use std::io::Read;

/// A compressed body, made readable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// Its first bytes, up to the cap.
    pub(super) body: Vec<u8>,
    /// Whether there is more.
    pub(super) truncated: bool,
}

/// Makes a body readable that is in one of the codings `gzip`, `x-gzip` and `deflate`. Nothing, if it is in another or in none, or is not what it says it is.
///
/// No more comes out than `bytes_max`, and the decoder stops there: a bomb costs what the cap costs.
pub(super) fn decode(headers: &HeaderMap, body: &[u8], cut: bool, bytes_max: usize) -> Option<Decoded> {
    let coding = headers.get(CONTENT_ENCODING)?.to_str().ok()?.trim().to_ascii_lowercase();
    let decoded = match coding.as_str() {
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(body), bytes_max),
        // Some who say `deflate` leave the wrapper out that the word stands for (RFC 9110, section 8.4.1.2).
        "deflate" if is_wrapped(body) => read(ZlibDecoder::new(body), bytes_max),
        "deflate" => read(DeflateDecoder::new(body), bytes_max),
        _ => return None,
    };
    let Output { mut out, whole } = decoded;
    let long = out.len() > bytes_max;
    out.truncate(bytes_max);
    // Of a body that was cut, only the beginning can be read; one that breaks off of itself is not what it says it is.
    let readable = whole || long || (cut && !out.is_empty());
    readable.then_some(Decoded { body: out, truncated: long || cut })
}

/// What a decoder gave.
struct Output {
    out: Vec<u8>,
    whole: bool,
}

fn read(decoder: impl Read, bytes_max: usize) -> Output {
    let mut out = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let whole = decoder.take(limit).read_to_end(&mut out).is_ok();
    Output { out, whole }
}

/// Whether the first two bytes are the zlib wrapper's (RFC 1950, section 2.2).
fn is_wrapped(body: &[u8]) -> bool {
    matches!(body, [first, second, ..] if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    const TEXT: &[u8] = br#"{"error":"no such order"}"#;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(coding: &'static str, body: &[u8], cut: bool) -> Option<Decoded> {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, http::HeaderValue::from_static(coding))]);
        decode(&headers, body, cut, 1_000)
    }

    #[test]
    fn each_coding_is_made_readable() {
        let readable = Some(Decoded { body: TEXT.to_vec(), truncated: false });
        for (coding, body) in [
            ("gzip", gzip(TEXT)),
            ("X-GZIP", gzip(TEXT)),
            ("gzip", [gzip(&TEXT[..9]), gzip(&TEXT[9..])].concat()),
            ("deflate", zlib(TEXT)),
            ("deflate", raw(TEXT)),
        ] {
            assert_eq!(decoded(coding, &body, false), readable, "{coding}");
        }
    }

    #[test]
    fn what_is_not_what_it_says_stays_as_it_is() {
        let mut damaged = gzip(TEXT);
        damaged[14] ^= 0xff;
        for (coding, body) in [
            ("gzip", TEXT.to_vec()),
            ("gzip", Vec::new()),
            ("gzip", damaged),
            ("gzip", gzip(TEXT)[..20].to_vec()),
            ("gzip", [gzip(TEXT), b"more".to_vec()].concat()),
            ("deflate", TEXT.to_vec()),
            ("br", TEXT.to_vec()),
            ("gzip, gzip", gzip(&gzip(TEXT))),
            ("identity", TEXT.to_vec()),
        ] {
            assert_eq!(decoded(coding, &body, false), None, "{coding}");
        }
        assert_eq!(decode(&HeaderMap::new(), &gzip(TEXT), false, 1_000), None);
    }

    #[test]
    fn a_bomb_is_cut_at_the_cap() {
        let bomb = gzip(&vec![0; 64 << 20]);
        assert!(bomb.len() < 70_000);
        for cut in [false, true] {
            let decoded = decoded("gzip", &bomb[..bomb.len() / 2], cut).unwrap();
            assert_eq!((decoded.body.len(), decoded.truncated), (1_000, true));
            assert!(decoded.body.capacity() < 10_000, "{}", decoded.body.capacity());
        }
    }

    #[test]
    fn the_cap_exactly_is_whole() {
        let decoded_of = |len: usize| decoded("gzip", &gzip(&vec![b'x'; len]), false).unwrap();
        assert!(!decoded_of(1_000).truncated);
        assert!(decoded_of(1_001).truncated);
    }

    #[test]
    fn of_a_body_that_was_cut_the_beginning_is_read() {
        let text: Vec<u8> = (0..400u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        let body = gzip(&text);
        let decoded = decoded("gzip", &body[..700], true).unwrap();
        assert!(decoded.truncated && decoded.body.len() > 300 && text.starts_with(&decoded.body));
    }
}
