//! Bytes that look random and follow from what the call is about. They are no secret: whoever knows the ids knows them.

use std::convert::Infallible;

use rand::TryRng;
use sha2::{Digest, Sha256};

const BLOCK_LEN: usize = 32;

/// SHA-256 in counter mode over the purpose, the subject's id and the attempt. It is ours rather than a library's, so that
/// a replay gives the same bytes under every release of the gateway.
pub(super) struct Chance {
    seed: [u8; 32],
    counter: u64,
    block: [u8; BLOCK_LEN],
    /// How many bytes of the block have been given out.
    used: usize,
}

impl Chance {
    pub(super) fn new(purpose: &str, subject_id: &str, attempt: u32) -> Self {
        let mut seed = Sha256::new();
        seed.update(b"hookwright-plugin-chance-1");
        for part in [purpose.as_bytes(), subject_id.as_bytes()] {
            seed.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            seed.update(part);
        }
        seed.update(attempt.to_le_bytes());
        Self { seed: seed.finalize().into(), counter: 0, block: [0; BLOCK_LEN], used: BLOCK_LEN }
    }

    pub(super) fn fill(&mut self, wanted: &mut [u8]) {
        for byte in wanted {
            if self.used == BLOCK_LEN {
                let block = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_le_bytes());
                self.block = block.finalize().into();
                self.counter += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
    }
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> Result<(), Infallible> {
        self.fill(wanted);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(purpose: &str, subject_id: &str, attempt: u32) -> [u8; 80] {
        let mut bytes = [0; 80];
        Chance::new(purpose, subject_id, attempt).fill(&mut bytes);
        bytes
    }

    #[test]
    fn bytes_follow_from_the_call_and_from_nothing_else() {
        let one = bytes("secure", "msg_1", 1);
        assert_eq!(one, bytes("secure", "msg_1", 1));
        for other in [bytes("seed", "msg_1", 1), bytes("secure", "msg_2", 1), bytes("secure", "msg_1", 2)] {
            assert_ne!(one, other);
        }
        assert_ne!(one[..32], one[32..64]);
        // Written down, so that a change that would alter replays is noticed.
        assert_eq!(hex::encode(&one[..8]), "d80e3fffdfa838ae");
    }
}
