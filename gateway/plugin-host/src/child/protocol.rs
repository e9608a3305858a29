//! What goes through the pipes: a request (magic, memory checks, length, component) and an answer (magic, verdict, length,
//! tag, code or problem). Both carry their length, so that neither side mistakes an early end for the end.

use std::io::{self, Read, Write};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::version::Digest;

/// Names the protocol and its version.
const MAGIC: &[u8; 8] = b"hwcomp-1";
const TAG_LEN: usize = 32;
/// No component is larger, whatever the host's own limit is.
const COMPONENT_BYTES_MAX: u64 = 1 << 30;
/// Compiled code is two to four times as large as the component, and never less than some pages.
const CODE_FACTOR_MAX: u64 = 64;
const CODE_BYTES_MIN: u64 = 1 << 20;
const PROBLEM_BYTES_MAX: u64 = 64 << 10;

/// What a child is asked.
pub(super) struct Request {
    pub(super) explicit: bool,
    pub(super) component: Vec<u8>,
}

impl Request {
    pub(super) fn write(explicit: bool, component: &[u8], output: &mut impl Write) -> io::Result<()> {
        output.write_all(MAGIC)?;
        output.write_all(&[u8::from(explicit)])?;
        output.write_all(&(component.len() as u64).to_le_bytes())?;
        output.write_all(component)?;
        output.flush()
    }

    pub(super) fn read(input: &mut impl Read) -> io::Result<Self> {
        let [explicit] = header(input)?;
        let component = sized(input, COMPONENT_BYTES_MAX)?;
        Ok(Self { explicit: explicit != 0, component })
    }
}

/// What a child answers: the code, or why there is none.
pub(super) struct Answer {
    pub(super) compiled: Result<Vec<u8>, String>,
}

impl Answer {
    pub(super) fn write(&self, digest: &Digest, output: &mut impl Write) -> io::Result<()> {
        let (verdict, body) = match &self.compiled {
            Ok(code) => (0, code.as_slice()),
            Err(problem) => (1, cut(problem.as_bytes())),
        };
        output.write_all(MAGIC)?;
        output.write_all(&[verdict])?;
        output.write_all(&tag(digest, verdict, body).finalize().into_bytes())?;
        output.write_all(&(body.len() as u64).to_le_bytes())?;
        output.write_all(body)?;
        output.flush()
    }

    pub(super) fn read(digest: &Digest, component_len: usize, input: &mut impl Read) -> io::Result<Self> {
        let [verdict] = header(input)?;
        let mut expected = [0; TAG_LEN];
        input.read_exact(&mut expected)?;
        let code_max = CODE_BYTES_MIN.max((component_len as u64).saturating_mul(CODE_FACTOR_MAX));
        let body = sized(input, if verdict == 0 { code_max } else { PROBLEM_BYTES_MAX })?;
        tag(digest, verdict, &body).verify_slice(&expected).map_err(|_| invalid("the answer is damaged"))?;
        let compiled = if verdict == 0 { Ok(body) } else { Err(String::from_utf8_lossy(&body).into_owned()) };
        Ok(Self { compiled })
    }
}

fn cut(problem: &[u8]) -> &[u8] {
    let max = usize::try_from(PROBLEM_BYTES_MAX).unwrap_or(usize::MAX);
    &problem[..problem.len().min(max)]
}

/// The tag binds an answer to its component. The pipes are private, so it keeps out damage and strays, not attackers.
fn tag(digest: &Digest, verdict: u8, body: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(digest.as_bytes()).expect("a key of any length");
    mac.update(MAGIC);
    mac.update(&[verdict]);
    mac.update(body);
    mac
}

fn header(input: &mut impl Read) -> io::Result<[u8; 1]> {
    let mut magic = [0; MAGIC.len()];
    input.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(invalid("it is not the compiler of this program"));
    }
    let mut flag = [0];
    input.read_exact(&mut flag)?;
    Ok(flag)
}

/// A body after its length.
fn sized(input: &mut impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut len = [0; 8];
    input.read_exact(&mut len)?;
    let len = u64::from_le_bytes(len);
    if len > max {
        return Err(invalid("the length is beyond any measure"));
    }
    let mut body = Vec::new();
    // The length is not believed until the bytes are there.
    input.take(len).read_to_end(&mut body)?;
    if body.len() as u64 != len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(body)
}

fn invalid(problem: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(compiled: Result<Vec<u8>, String>) -> (Digest, Vec<u8>) {
        let digest = Digest::of(b"component");
        let mut bytes = Vec::new();
        Answer { compiled }.write(&digest, &mut bytes).unwrap();
        (digest, bytes)
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        Request::write(true, b"component", &mut bytes).unwrap();
        let request = Request::read(&mut bytes.as_slice()).unwrap();
        assert_eq!((request.explicit, request.component.as_slice()), (true, &b"component"[..]));
        for compiled in [Ok(b"code".to_vec()), Err("no such thing".to_owned())] {
            let (digest, bytes) = answer(compiled.clone());
            assert_eq!(Answer::read(&digest, 9, &mut bytes.as_slice()).unwrap().compiled, compiled);
        }
    }

    #[test]
    fn damage_is_noticed_wherever_it_is() {
        let (digest, sound) = answer(Ok(b"code".to_vec()));
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            assert!(Answer::read(&digest, 9, &mut bytes.as_slice()).is_err(), "byte {at}");
            assert!(Answer::read(&digest, 9, &mut &sound[..at]).is_err(), "cut at {at}");
        }
        assert!(Answer::read(&Digest::of(b"another"), 9, &mut sound.as_slice()).is_err());
    }
}
