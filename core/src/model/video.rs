//! The two names of a video: its number and its `BV…` id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::lenient;

const TABLE: &[u8; 58] = b"FcwAPNKTMug3GV5Lj7EJnHpWsx4tb8haYeviqBz6rkCy12mUSDQX9RdoZf";
const XOR: u64 = 23_442_827_791_579;
const MASK: u64 = 2_251_799_813_685_247;
const LENGTH: usize = 12;

/// A video, by its number (`av170001`). The `BV…` id is the same number written differently, so
/// either gives the other.
///
/// ```
/// use bilibili_session::model::VideoId;
///
/// let video: VideoId = "BV17x411w7KC".parse()?;
/// assert_eq!(video.aid(), 170001);
/// assert_eq!(VideoId::from_aid(170001).map(|id| id.bvid()), Some("BV17x411w7KC".to_owned()));
/// # Ok::<(), bilibili_session::model::NotAVideoId>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VideoId(u64);

/// A text that is neither `BV…`, nor `av…`, nor a number in range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a video id: neither BV and ten characters, nor av and a number")]
#[non_exhaustive]
pub struct NotAVideoId;

impl VideoId {
    /// Creates the id from a number; `None` unless it is 1 to 2^51 - 1.
    pub fn from_aid(aid: i64) -> Option<Self> {
        let aid = u64::try_from(aid).ok()?;
        (1..=MASK).contains(&aid).then_some(Self(aid))
    }

    /// Creates the id from a `BV…` id; `None` if the text is none.
    pub fn from_bvid(bvid: &str) -> Option<Self> {
        let mut symbols: [u8; LENGTH] = bvid.as_bytes().try_into().ok()?;
        unshuffle(&mut symbols);
        let mut number: u64 = 0;
        for symbol in symbols.strip_prefix(b"BV1")? {
            let digit = TABLE.iter().position(|known| known == symbol)?;
            number = number
                .checked_mul(58)?
                .checked_add(u64::try_from(digit).ok()?)?;
        }
        let video = Self((number & MASK) ^ XOR);
        // Other spellings of the same number are none of the service's.
        (video.0 != 0 && video.0 <= MASK && video.bvid() == bvid).then_some(video)
    }

    /// Returns the number.
    pub const fn aid(self) -> i64 {
        self.0.cast_signed()
    }

    /// Returns the `BV…` id, 12 characters.
    pub fn bvid(self) -> String {
        let mut symbols = *b"BV1000000000";
        let mut number = (self.0 | (MASK + 1)) ^ XOR;
        for symbol in symbols.iter_mut().skip(3).rev() {
            let digit = usize::try_from(number % 58).unwrap_or_default();
            *symbol = TABLE.get(digit).copied().unwrap_or_default();
            number /= 58;
        }
        unshuffle(&mut symbols);
        symbols.iter().copied().map(char::from).collect()
    }

    /// Returns the video of these two fields: by the id where it is one, else by the number.
    pub(crate) fn of_fields(bvid: &str, aid: i64) -> Option<Self> {
        Self::from_bvid(bvid.trim()).or_else(|| Self::from_aid(aid))
    }
}

/// Swaps the symbols that the service swaps; the swap is its own inverse.
fn unshuffle(symbols: &mut [u8; LENGTH]) {
    symbols.swap(3, 9);
    symbols.swap(4, 7);
}

impl FromStr for VideoId {
    type Err = NotAVideoId;

    /// Reads `BV17x411w7KC`, `av170001` or `170001`.
    fn from_str(text: &str) -> Result<Self, NotAVideoId> {
        let number = match text.get(..2) {
            Some(av) if av.eq_ignore_ascii_case("av") => text.get(2..).unwrap_or_default(),
            _ => text,
        };
        Self::from_bvid(text)
            .or_else(|| Self::from_aid(number.parse().ok()?))
            .ok_or(NotAVideoId)
    }
}

/// Formats the video as `BV17x411w7KC`.
impl fmt::Display for VideoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bvid())
    }
}

/// Writes the `BV…` id.
impl Serialize for VideoId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VideoId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::text(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_pairs() {
        for (aid, bvid) in [
            (170_001, "BV17x411w7KC"),
            (455_017_605, "BV1Q541167Qg"),
            (882_584_971, "BV1mK4y1C7Bz"),
            (740_817_783, "BV1Dk4y1E7MZ"),
        ] {
            assert_eq!(VideoId::from_aid(aid).unwrap().bvid(), bvid);
            assert_eq!(VideoId::from_bvid(bvid).unwrap().aid(), aid);
        }
    }

    #[test]
    fn there_and_back() {
        let mut aid: u64 = 1;
        for step in 0..20_000_u64 {
            let video = VideoId::from_aid(aid.cast_signed()).unwrap();
            assert_eq!(VideoId::from_bvid(&video.bvid()), Some(video));
            aid = (aid.wrapping_mul(6_364_136_223_846_793_005) ^ step) % MASK + 1;
        }
        for aid in [1, MASK] {
            let video = VideoId(aid);
            assert_eq!(VideoId::from_bvid(&video.bvid()), Some(video));
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "BV",
            "BVxx",
            "BV17x411w7K",
            "BV17x411w7KCC",
            "BV07x411w7KC",
            "BV17x411w7K0",
            "bv17x411w7KC",
            "BV1ZZZZZZZZZ",
            "av0",
            "av-1",
            "av2251799813685248",
            "BV17x411w7é",
            "é",
        ] {
            assert_eq!(text.parse::<VideoId>(), Err(NotAVideoId), "{text}");
        }
        assert_eq!("AV170001".parse(), Ok(VideoId(170_001)));
    }
}
