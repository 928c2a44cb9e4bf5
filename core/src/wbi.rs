//! WBI: the signature of the web client's queries.
//!
//! The service gives two key halves with every [`Nav`](crate::endpoints::Nav)
//! answer and changes them daily. A signed query carries the time (`wts`) and an
//! MD5 over the sorted query and the mixed key (`w_rid`). This is part of the
//! request format of the calls that want it; it is no secret and hides nothing.

use data_encoding::HEXLOWER;
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::time::UnixSeconds;

/// Position of each character of the mixed key in the two halves.
const MIXIN: [u8; 32] = [
    46, 47, 18, 2, 53, 8, 23, 32, 15, 50, 10, 31, 58, 3, 45, 35, 27, 43, 5, 49, 33, 9, 42, 19, 29,
    28, 14, 39, 12, 38, 41, 13,
];

/// The characters that JavaScript's `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Page of the site that the web client names, for calls that name none themselves.
const WEB_LOCATION: &str = "1550101";

/// Bytes of most queries.
const ROOM: usize = 256;

/// Mixed key that signs queries until the service changes the halves.
#[derive(Clone, PartialEq, Eq)]
pub struct WbiKeys {
    mixed: [u8; 32],
}

impl WbiKeys {
    /// Mixes the two halves, each 32 characters long.
    ///
    /// `None` when together they are not 64 ASCII characters.
    pub fn new(img_key: &str, sub_key: &str) -> Option<Self> {
        let halves = [img_key.as_bytes(), sub_key.as_bytes()].concat();
        if halves.len() != 64 || !halves.is_ascii() {
            return None;
        }
        let mut mixed = [0; 32];
        for (key, place) in mixed.iter_mut().zip(MIXIN) {
            *key = *halves.get(usize::from(place))?;
        }
        Some(Self { mixed })
    }

    /// Reads the two addresses of a nav answer, `…/wbi/HALF.png` each.
    ///
    /// `None` when an address does not end so.
    pub fn from_urls(img_url: &str, sub_url: &str) -> Option<Self> {
        Self::new(stem(img_url)?, stem(sub_url)?)
    }

    /// Signs a query: the pairs given, `wts`, `web_location` if it is absent or
    /// empty, and `w_rid` last. An old `wts` or `w_rid` is replaced. Names must be unique.
    pub fn sign<'a>(
        &self,
        query: Vec<(&'a str, String)>,
        wts: UnixSeconds,
    ) -> Vec<(&'a str, String)> {
        let mut signed = query;
        signed.retain(|(name, value)| match *name {
            "w_rid" | "wts" => false,
            "web_location" => !value.is_empty(),
            _ => true,
        });
        signed.push(("wts", wts.0.to_string()));
        if !signed.iter().any(|(name, _)| *name == "web_location") {
            signed.push(("web_location", WEB_LOCATION.to_owned()));
        }
        let w_rid = self.w_rid(&signed);
        signed.push(("w_rid", w_rid));
        signed
    }

    /// Returns the MD5 in lower-case hex over the sorted query and the key.
    fn w_rid(&self, pairs: &[(&str, String)]) -> String {
        let mut md5 = Md5::new();
        md5.update(canonical(pairs));
        md5.update(self.mixed);
        HEXLOWER.encode(&md5.finalize())
    }
}

/// Shows nothing of the key: not a secret, but no business of a log either.
impl std::fmt::Debug for WbiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WbiKeys")
    }
}

/// Returns the text that is signed: sorted by name, without `!'()*` in values, percent-encoded.
fn canonical(pairs: &[(&str, String)]) -> String {
    let mut sorted: Vec<_> = pairs.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut text = String::with_capacity(ROOM);
    for (name, value) in sorted {
        if !text.is_empty() {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name, COMPONENT));
        text.push('=');
        for kept in value.split(['!', '\'', '(', ')', '*']) {
            text.extend(utf8_percent_encode(kept, COMPONENT));
        }
    }
    text
}

/// Returns the last path segment without its extension.
fn stem(url: &str) -> Option<&str> {
    let path = url.split(['?', '#']).next()?;
    let name = path.rsplit('/').next()?;
    let stem = name.split('.').next()?;
    (!stem.is_empty()).then_some(stem)
}
