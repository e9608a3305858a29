//! Where replacements come from: a keyed hash of the value, drawn out as long as the value needs.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Bytes that follow from a key and a value alone.
pub(super) struct Dice {
    mac: Hmac<Sha256>,
    block: [u8; 32],
    used: usize,
    blocks: u64,
}

impl Dice {
    /// Those of a value; a further attempt gives others.
    pub(super) fn new(mut mac: Hmac<Sha256>, value: &[u8], attempt: u8) -> Self {
        mac.update(&[attempt]);
        mac.update(value);
        // The value is hashed once, however long it is; its blocks follow from that.
        let seed: [u8; 32] = mac.clone().finalize().into_bytes().into();
        mac.update(&seed);
        let mut dice = Self { mac, block: [0; 32], used: 0, blocks: 0 };
        dice.refill();
        dice
    }

    fn refill(&mut self) {
        let mut mac = self.mac.clone();
        mac.update(&self.blocks.to_le_bytes());
        self.block = mac.finalize().into_bytes().into();
        self.blocks += 1;
        self.used = 0;
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            self.refill();
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// A number below `bound`, which is at least 1.
    pub(super) fn below(&mut self, bound: u16) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()]) % bound.max(1)
    }
}
