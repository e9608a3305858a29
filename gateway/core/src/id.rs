//! The ids of everything the gateway makes: one 64-bit, time-ordered number, shown as a prefix and 13 Crockford base32 characters.
//!
//! A number is `milliseconds since 2024-01-01T00:00:00Z << 22 | node (10 bits) | sequence (12 bits)`, always positive, so that it fits
//! a signed column, appends to an index, and orders by creation. Text sorts as the numbers do. Ids that callers give (customers) are
//! none of this module's business.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};

/// 2024-01-01T00:00:00Z in unix milliseconds: the zero of every id's clock.
pub const EPOCH_MS: i64 = 1_704_067_200_000;

const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;
const TIME_SHIFT: u32 = NODE_BITS + SEQUENCE_BITS;
const SEQUENCE_MAX: u16 = (1 << SEQUENCE_BITS) - 1;
/// The last millisecond 41 bits can hold (in the year 2093).
const TIME_MAX: i64 = (1 << (63 - TIME_SHIFT)) - 1;
const TEXT_LENGTH: usize = 13;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The highest node number an id can carry.
pub const NODE_MAX: u16 = (1 << NODE_BITS) - 1;

/// Why a text or number is not an id of the kind asked for. It never repeats the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// The text does not begin with the kind's prefix.
    #[error("expected an id that begins with {expected}")]
    Prefix {
        /// The prefix, underscore included.
        expected: &'static str,
    },
    /// The prefix is not followed by exactly 13 characters.
    #[error("expected {expected} and 13 characters, found {found} after the prefix")]
    Length {
        /// The prefix, underscore included.
        expected: &'static str,
        /// How many bytes follow the prefix.
        found: usize,
    },
    /// A character is none of Crockford's 32 (digits and letters without i, l, o and u).
    #[error("expected {expected} and 13 characters of 0-9 and a-z without i, l, o and u")]
    Character {
        /// The prefix, underscore included.
        expected: &'static str,
    },
    /// The number is zero, negative or beyond 63 bits.
    #[error("expected {expected} and a number from 1 to 9223372036854775807")]
    Range {
        /// The prefix, underscore included.
        expected: &'static str,
    },
}

/// What all ids have in common, for code that works on any of them.
pub trait TypedId: Copy + Ord + fmt::Display + FromStr<Err = BadId> {
    /// The prefix of the text form, underscore included.
    const PREFIX: &'static str;

    /// The number, as it is stored.
    fn get(self) -> i64;

    /// The id with this number; zero and negative numbers are refused.
    fn from_i64(number: i64) -> Result<Self, BadId>;

    /// The id of a number that a maker has just made.
    fn from_made(made: Made) -> Self;
}

/// A number fresh from an [`IdMaker`]: positive by construction, so that turning it into an id cannot fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Made(i64);

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The prefix of the text form, underscore included.
            pub const PREFIX: &'static str = $prefix;

            /// The number, as it is stored.
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The id with this number; zero and negative numbers are refused.
            pub const fn from_i64(number: i64) -> Result<Self, BadId> {
                if number > 0 { Ok(Self(number)) } else { Err(BadId::Range { expected: $prefix }) }
            }

            /// When the id was made, in unix milliseconds.
            pub const fn created_at_ms(self) -> i64 {
                created_at_ms(self.0)
            }
        }

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;

            fn get(self) -> i64 {
                self.0
            }

            fn from_i64(number: i64) -> Result<Self, BadId> {
                Self::from_i64(number)
            }

            fn from_made(made: Made) -> Self {
                Self(made.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_text(f, $prefix, self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                parse($prefix, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(IdVisitor($prefix)).map(Self)
            }
        }
    )+};
}

typed_ids! {
    /// A request as a partner sent it.
    MessageId "msg_";
    /// A fact in the gateway's own vocabulary.
    EventId "evt_";
    /// An external system's registration to receive events.
    SubscriptionId "sub_";
    /// One event on its way to one subscription.
    DeliveryId "dlv_";
    /// One exchange made for a delivery.
    AttemptId "att_";
    /// A partner's way in.
    SourceId "src_";
    /// A customer's establishment in a region.
    EstablishmentId "est_";
    /// A plugin's name and all its versions.
    PluginId "plg_";
    /// An entry of the audit trail.
    AuditId "aud_";
    /// Long work an operator started.
    JobId "job_";
    /// A secret that signs a subscription's deliveries.
    SecretId "sec_";
    /// An API key (its public half).
    KeyId "key_";
}

/// Makes the ids of one node: strictly ascending, even when the clock steps back or 4,096 ids are asked for in one millisecond.
#[derive(Debug, Clone)]
pub struct IdMaker {
    node: u16,
    last_time: i64,
    last_sequence: u16,
}

impl IdMaker {
    /// A maker for this node; `None` if the number is above [`NODE_MAX`].
    pub fn new(node: u16) -> Option<Self> {
        // The first id of millisecond zero on node zero would be the number zero, which is no id: begin at sequence 1.
        (node <= NODE_MAX).then_some(Self { node, last_time: 0, last_sequence: 0 })
    }

    /// Makes every later id greater than `last`: called at start-up with the greatest id on disk, so that a clock that stepped
    /// back over a restart repeats nothing.
    pub fn resume_after(&mut self, last: i64) {
        let time = (last >> TIME_SHIFT).max(0);
        let same_node = (last >> SEQUENCE_BITS) & i64::from(NODE_MAX) == i64::from(self.node);
        let sequence = u16::try_from(last & i64::from(SEQUENCE_MAX)).unwrap_or(SEQUENCE_MAX);
        // Under another node's bits the sequence says nothing about order: only the next millisecond is surely later.
        let sequence = if same_node { sequence } else { SEQUENCE_MAX };
        if (time, sequence) > (self.last_time, self.last_sequence) {
            (self.last_time, self.last_sequence) = (time, sequence);
        }
    }

    /// The next number, for a caller that stores it untyped.
    pub fn next(&mut self, now_ms: i64) -> i64 {
        self.advance(now_ms).0
    }

    /// The next id of a kind.
    pub fn make<I: TypedId>(&mut self, now_ms: i64) -> I {
        I::from_made(self.advance(now_ms))
    }

    fn advance(&mut self, now_ms: i64) -> Made {
        let now = now_ms.saturating_sub(EPOCH_MS).clamp(0, TIME_MAX);
        if now > self.last_time {
            (self.last_time, self.last_sequence) = (now, 0);
        } else if self.last_sequence < SEQUENCE_MAX {
            self.last_sequence += 1;
        } else {
            (self.last_time, self.last_sequence) = ((self.last_time + 1).min(TIME_MAX), 0);
        }
        Made(self.last_time << TIME_SHIFT | i64::from(self.node) << SEQUENCE_BITS | i64::from(self.last_sequence))
    }
}

/// When the id with this number was made, in unix milliseconds.
pub const fn created_at_ms(number: i64) -> i64 {
    (number >> TIME_SHIFT) + EPOCH_MS
}

/// The smallest number an id made at or after this time can have: turns a time range into an id range.
pub fn first_at_ms(now_ms: i64) -> i64 {
    now_ms.saturating_sub(EPOCH_MS).clamp(0, TIME_MAX) << TIME_SHIFT
}

fn write_text(f: &mut fmt::Formatter<'_>, prefix: &str, number: i64) -> fmt::Result {
    f.write_str(prefix)?;
    f.write_str(text_of(number.unsigned_abs(), &mut [0; TEXT_LENGTH]))
}

/// The 13 characters of a number, written into the caller's buffer.
pub(crate) fn text_of(number: u64, buffer: &mut [u8; TEXT_LENGTH]) -> &str {
    let mut rest = number;
    for slot in buffer.iter_mut().rev() {
        *slot = ALPHABET[usize::from((rest & 31) as u8)];
        rest >>= 5;
    }
    str::from_utf8(buffer).unwrap_or_default()
}

/// The character of a value below 32.
pub(crate) fn digit(value: u8) -> char {
    char::from(ALPHABET[usize::from(value & 31)])
}

fn parse(expected: &'static str, text: &str) -> Result<i64, BadId> {
    let (prefix, digits) = text.split_at_checked(expected.len()).ok_or(BadId::Prefix { expected })?;
    if !prefix.eq_ignore_ascii_case(expected) {
        return Err(BadId::Prefix { expected });
    }
    if digits.len() != TEXT_LENGTH {
        return Err(BadId::Length { expected, found: digits.len() });
    }
    let mut number: i64 = 0;
    for digit in digits.bytes() {
        let value = value_of(digit).ok_or(BadId::Character { expected })?;
        number = number.checked_mul(32).and_then(|n| n.checked_add(value)).ok_or(BadId::Range { expected })?;
    }
    if number > 0 { Ok(number) } else { Err(BadId::Range { expected }) }
}

/// Crockford's look-alikes (i, l, o) are refused: an id has one spelling but for its case.
fn value_of(digit: u8) -> Option<i64> {
    let digit = digit.to_ascii_lowercase();
    ALPHABET.iter().position(|&c| c == digit).and_then(|at| i64::try_from(at).ok())
}

struct IdVisitor(&'static str);

impl de::Visitor<'_> for IdVisitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and 13 characters", self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
        parse(self.0, text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests;
