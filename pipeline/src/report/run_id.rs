//! `RunId`: identifies a run.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Identifies a run: in logs, reports and files, and as a key for data that stages keep themselves. The default is 0, the id of no
/// run.
///
/// Each run gets a UUID of version 7, unless the pipeline [sets one](crate::Pipeline::run_id). It begins with the time, so that ids
/// sort by it. Source: RFC 9562, section 5.7.
///
/// ```
/// use pipeline::RunId;
///
/// let id: RunId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse()?;
/// assert_eq!(id.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
/// assert_eq!(RunId::from_u128(id.as_u128()), id);
/// assert!(RunId::now() > id); // which is of 2022
/// # Ok::<(), pipeline::ParseRunIdError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(u128);

impl RunId {
    /// A new id, of the current time.
    #[must_use]
    pub fn now() -> Self {
        Self::of_serial(Self::next_serial())
    }

    /// What a new id is made of, in 64 bits: 44 of the time in milliseconds, which are enough until 2527, and 20 of a counter. It is
    /// not 0.
    pub(crate) fn next_serial() -> u64 {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX).max(1);
        (millis << 20) | (COUNTER.fetch_add(1, Ordering::Relaxed) & 0xf_ffff)
    }

    /// The id with the time and the counter of a serial, and bits that are random for the process.
    pub(crate) fn of_serial(serial: u64) -> Self {
        static RANDOM: OnceLock<u64> = OnceLock::new();
        let random = *RANDOM.get_or_init(|| fastrand::u64(..));
        // Each serial of a process has other bits.
        let bits = fastrand::Rng::with_seed(random ^ serial).u64(..);
        Self::at(Duration::from_millis(serial >> 20), (u128::from(serial & 0xfff) << 64) | u128::from(bits))
    }

    fn at(since_epoch: Duration, random: u128) -> Self {
        const VERSION: u128 = 7 << 76;
        const VARIANT: u128 = 0b10 << 62;
        const RANDOM: u128 = (0xfff << 64) | (u128::MAX >> 66);
        let millis = since_epoch.as_millis() & 0xffff_ffff_ffff;
        Self((millis << 80) | VERSION | VARIANT | (random & RANDOM))
    }

    /// The id of these 128 bits, such as those of another UUID.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits of the id.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

/// As UUIDs are written: `017f22e2-79b0-7cc3-98c4-dc0c0c07398f`.
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        f.pad(&groups.join("-"))
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunId({self})")
    }
}

/// The error of a text that is not a [`RunId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseRunIdError(());

impl fmt::Display for ParseRunIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a run id is a UUID, such as `017f22e2-79b0-7cc3-98c4-dc0c0c07398f`")
    }
}

impl std::error::Error for ParseRunIdError {}

/// A UUID with its hyphens, or its 32 digits alone.
impl FromStr for RunId {
    type Err = ParseRunIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        let hyphens = [8, 13, 18, 23];
        let is_grouped = bytes.len() == 36 && hyphens.iter().all(|at| bytes[*at] == b'-');
        let digits = if is_grouped { text.replace('-', "") } else { text.to_owned() };
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(ParseRunIdError(()));
        }
        u128::from_str_radix(&digits, 16).map(Self).map_err(|_| ParseRunIdError(()))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for RunId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::duration_suboptimal_units)] // As in the RFC.
    fn the_example_of_the_rfc() {
        let since_epoch = Duration::from_millis(0x017F_22E2_79B0);
        let id = RunId::at(since_epoch, (0xCC3 << 64) | 0x18C4_DC0C_0C07_398F);
        assert_eq!(id.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }

    #[test]
    fn all_other_bits_are_random() {
        let (zeros, ones) = (RunId::at(Duration::ZERO, 0), RunId::at(Duration::MAX, u128::MAX));
        assert_eq!(zeros.to_string(), "00000000-0000-7000-8000-000000000000");
        assert_eq!(&ones.to_string()[14..], "7fff-bfff-ffffffffffff");
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(|_| RunId::now()).collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn only_a_uuid_is_an_id() {
        let digits = "017f22e279b07cc398c4dc0c0c07398f";
        assert_eq!(
            digits.parse::<RunId>().map(|id| id.to_string()).ok(),
            digits.parse().map(|id: RunId| id.to_string()).ok()
        );
        for wrong in [
            "",
            "run-1",
            "017f22e2",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
            "+17f22e279b07cc398c4dc0c0c07398f",
            "017f22e-279b0-7cc3-98c4-dc0c0c07398f",
        ] {
            assert!(wrong.parse::<RunId>().is_err(), "{wrong}");
        }
        assert!("017F22E2-79B0-7CC3-98C4-DC0C0C07398F".parse::<RunId>().is_ok());
    }
}
