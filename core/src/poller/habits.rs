//! Habits of the service that are known beforehand.

use serde::{Deserialize, Serialize};

/// Undocumented habits of the service, as far as they are known.
///
/// A poller finds out by itself what it needs: knowing a habit beforehand saves some requests.
/// `None` is "not known". Serialises as a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Habits {
    /// The list of all conversations (type 4) disregards `end_ts`: its second page equals the
    /// first.
    pub all_types_ignore_end_ts: Option<bool>,
    /// Lists of conversations are refused without a signature.
    pub lists_signed: Option<bool>,
}

impl Habits {
    /// Creates habits of which nothing is known.
    pub const fn new() -> Self {
        Self {
            all_types_ignore_end_ts: None,
            lists_signed: None,
        }
    }

    /// Sets whether the list of all conversations disregards `end_ts`.
    #[must_use]
    pub const fn all_types_ignore_end_ts(mut self, ignores: bool) -> Self {
        self.all_types_ignore_end_ts = Some(ignores);
        self
    }

    /// Sets whether lists of conversations are refused without a signature.
    #[must_use]
    pub const fn lists_signed(mut self, signed: bool) -> Self {
        self.lists_signed = Some(signed);
        self
    }
}
