//! The signing keys, and whether a query was signed with them.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Places in the keys that the characters of the mixed key come from.
const PERMUTATION: [usize; 64] = [
    46, 47, 18, 2, 53, 8, 23, 32, 15, 50, 10, 31, 58, 3, 45, 35, 27, 43, 5, 49, 33, 9, 42, 19, 29,
    28, 14, 39, 12, 38, 41, 13, 37, 48, 7, 16, 24, 55, 40, 61, 26, 17, 0, 1, 60, 51, 30, 4, 22, 25,
    54, 21, 56, 59, 6, 63, 57, 62, 11, 36, 20, 34, 44, 52,
];

/// Characters that are escaped: all but those that `encodeURIComponent` leaves alone, and `!'()*`, which signing drops.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The two halves that nav publishes, and what they mix to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    img: String,
    sub: String,
    mixed: String,
}

impl Keys {
    pub(crate) fn new(img: &str, sub: &str) -> Self {
        let whole: Vec<char> = img.chars().chain(sub.chars()).collect();
        let mixed = PERMUTATION
            .iter()
            .filter_map(|&from| whole.get(from))
            .take(32)
            .collect();
        Self {
            img: img.to_owned(),
            sub: sub.to_owned(),
            mixed,
        }
    }

    /// Returns the keys of the next day: other than these, and the same in each run.
    pub(crate) fn rotated(&self) -> Self {
        Self::new(&md5_hex(&self.img), &md5_hex(&self.sub))
    }

    pub(crate) fn img_url(&self) -> String {
        format!("https://i0.hdslb.com/bfs/wbi/{}.png", self.img)
    }

    pub(crate) fn sub_url(&self) -> String {
        format!("https://i0.hdslb.com/bfs/wbi/{}.png", self.sub)
    }

    /// Judges the signature of these decoded pairs of a query: `wts` and the right `w_rid` make a right one.
    pub(crate) fn judge(&self, query: &[(String, String)]) -> Signature {
        let given = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let timed = given("wts").is_some_and(|wts| wts.parse::<i64>().is_ok());
        match given("w_rid") {
            None => Signature::Missing,
            Some(rid) if timed && rid == self.sign(query) => Signature::Right,
            Some(_) => Signature::Wrong,
        }
    }

    fn sign(&self, query: &[(String, String)]) -> String {
        let mut pairs: Vec<&(String, String)> =
            query.iter().filter(|(name, _)| name != "w_rid").collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        let mut text = String::new();
        for (name, value) in pairs {
            if !text.is_empty() {
                text.push('&');
            }
            let value: String = value.chars().filter(|c| !"!'()*".contains(*c)).collect();
            text.extend(utf8_percent_encode(name, COMPONENT));
            text.push('=');
            text.extend(utf8_percent_encode(&value, COMPONENT));
        }
        text.push_str(&self.mixed);
        md5_hex(&text)
    }
}

/// Verdict on the signature of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    Missing,
    Wrong,
    Right,
}

/// Returns the lower-case hexadecimal MD5 of these bytes.
pub(crate) fn md5_hex(of: impl AsRef<[u8]>) -> String {
    Md5::digest(of.as_ref())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
