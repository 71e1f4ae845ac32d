//! The identifiers of sagas and of what is addressed by content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// The bits of an id that hold random numbers; the others hold milliseconds.
const RANDOM_BITS: u32 = 12;

/// 2020-01-01T00:00:00Z in milliseconds since 1970: the ids' zero. 41 bits last until 2089.
const EPOCH_MS: u64 = 1_577_836_800_000;

/// The id of a saga: an unsigned number below 2^53, so that a browser reads it exactly.
///
/// 41 bits of milliseconds and 12 random bits. It is never a counter of the journal: after a
/// restore that would hand out an id whose fences exist already. A clash is refused by the
/// journal's primary key, and another id is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SagaId(pub u64);

impl SagaId {
    /// The id for a moment (milliseconds since 1970) and some random bits, of which the lowest 12 count.
    pub fn compose(now_ms: u64, random: u64) -> Self {
        Self(unique_number(now_ms, random))
    }

    /// When it was made: milliseconds since 1970.
    pub fn born_ms(self) -> u64 {
        (self.0 >> RANDOM_BITS) + EPOCH_MS
    }
}

/// A number below 2^53 out of a moment (milliseconds since 1970) and 12 random bits.
pub fn unique_number(now_ms: u64, random: u64) -> u64 {
    let time = now_ms.saturating_sub(EPOCH_MS) & ((1 << 41) - 1);
    (time << RANDOM_BITS) | (random & ((1 << RANDOM_BITS) - 1))
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SagaId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// 16 random bytes that both the journal row and the fences of a saga carry.
///
/// An id that was given out twice shows as two nonces under it: the saga is stuck, not wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(pub [u8; 16]);

/// The sha256 of an artifact or of a definition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The first twelve hexadecimal digits: enough for people to tell versions apart.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// Why a text is no digest.
#[derive(Debug, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits")]
pub struct NoDigest;

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NoDigest)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_below_2_to_the_53_and_keeps_its_moment() {
        for (now, random) in [
            (EPOCH_MS, 0),
            (1_795_000_000_000, u64::MAX),
            (EPOCH_MS + (1 << 41) - 1, u64::MAX),
        ] {
            let id = SagaId::compose(now, random);
            assert!(id.0 < 1 << 53, "{id}");
            assert_eq!(id.born_ms(), now);
        }
    }

    #[test]
    fn a_digest_reads_back() {
        let digest = Digest::of(b"skald");
        assert_eq!(digest.to_string().parse::<Digest>().expect("64 digits"), digest);
        assert!("abc".parse::<Digest>().is_err());
    }
}
