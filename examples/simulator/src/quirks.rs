//! Behaviour where the real server is odd, or unknown.

use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::Value;

use crate::FeedQuirks;
use crate::wire::envelope;

/// Behaviour where the real server is odd or unknown: each reading can be had. The default is the likely one of each.
///
/// A client is right when it is right under all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Sends the oldest messages of a gap that does not fit a page, not the newest.
    pub oldest_of_gap: bool,
    /// A conversation whose `session_ts` is `begin_ts` exactly is listed.
    pub begin_ts_inclusive: bool,
    /// A conversation whose `session_ts` is `end_ts` exactly is listed.
    pub end_ts_inclusive: bool,
    /// The first conversation of each page is repeated at its end.
    pub lists_twice: bool,
    /// Length limit of a page of messages, whatever `size` asks for.
    pub message_page_cap: Option<usize>,
    /// Length limit of a page of conversations, whatever `size` asks for.
    pub conversation_page_cap: Option<usize>,
    /// Value of `has_more`, also on a page that is empty.
    pub has_more: HasMore,
    /// Pinned conversations come first on the first page, and on no other.
    pub pinned_first: bool,
    /// Integers in `data` come as strings.
    pub numbers_as_strings: bool,
    /// Flags come as `true` and `false`, not as 1 and 0.
    pub flags_as_bool: bool,
    /// Arrays that have nothing to say come as `null`, also those that are usually empty.
    pub arrays_null: bool,
    /// Fields that are 0 are left out of the unread counts.
    pub zeros_absent: bool,
    /// Lists have no `account_info` for people, only for the service's own accounts.
    pub people_unnamed: bool,
    /// A conversation's `session_ts` is this much before the moment its message can be seen
    /// (microseconds); below 0 it lies in the future.
    pub commit_lag_us: i64,
    /// `session_type=4` of `get_sessions` disregards `end_ts`: its second page is the first again.
    pub all_types_ignore_end_ts: bool,
    /// Makes the single types (1, 2, 3, 5, 7, 8, 9) ignore `end_ts` as well.
    pub single_types_ignore_end_ts: bool,
    /// Makes `new_sessions` take `end_ts` as well, so that it has a second page; else it disregards `end_ts`.
    pub new_sessions_takes_end_ts: bool,
    /// Need for a signature on lists of conversations, and the answer without one. A wrong one always brings -403.
    pub list_signature: ListSignature,
    /// `has_more` of messages says whether the conversation has older ones, whatever `begin_seqno` says.
    pub has_more_disregards_begin: bool,
    /// An empty page of either kind says that there is more, whatever [`has_more`](Self::has_more) says.
    pub empty_page_says_more: bool,
    /// Value of the `Date` header.
    pub date: DateHeader,
    /// `timestamp` of messages that arrive is off by this much (seconds): the sender's clock. One that is given stays.
    pub message_time_offset_s: i64,
    /// `session_ts` of a conversation that is known stands still when a message comes, unless one is given.
    pub session_ts_stands_still: bool,
    /// Every signature is refused with -403, whatever the keys are; lists that come without one go on without.
    pub refuses_signatures: bool,
    /// Messages are refused with this code, after all other checks: -352, -509, 21020, 21046, ….
    pub sends_refused: Option<i64>,
    /// Distance of `max_seqno` in lists above the newest message; `session_detail` tells the truth.
    pub list_max_seqno_ahead: u64,
    /// Automatic replies cannot be switched on: code 700009, as for accounts with less than 1,000 followers.
    pub refuses_automatic_replies: bool,
    /// Behaviour of the notification feeds.
    pub feeds: FeedQuirks,
    /// Place of a new login's cookies in the answer that a QR code was confirmed.
    pub login_cookies: LoginCookies,
    /// A refresh token that was exchanged is refused with 86095 from then on, whether or not its answer was heard; else it
    /// is taken until the confirmation.
    pub refresh_token_once: bool,
    /// A confirmation that is repeated is refused with 86095; else it succeeds again.
    pub confirms_once: bool,
}

/// Need for a signature on lists of conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListSignature {
    /// A list comes without a signature, and with one.
    #[default]
    NotWanted,
    /// A list without a signature is refused with -403.
    Code403,
    /// A list without a signature is refused with -352.
    Code352,
}

/// Place of a new login's cookies in the answer that a QR code was confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginCookies {
    /// In the headers alone, as since the middle of 2026.
    #[default]
    InHeaders,
    /// In the query of `data.url` alone.
    InQuery,
    /// Nowhere.
    Nowhere,
}

/// Value of the `Date` header, on every answer of the service: also on refusals, and on answers of a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateHeader {
    /// The server's time.
    #[default]
    Truthful,
    /// The header is missing.
    Absent,
    /// The server's time, off by this much (seconds).
    Skewed(i64),
    /// A time that stands still at this second since the epoch: something keeps answers.
    Stale(i64),
}

impl Quirks {
    /// Returns the value of `has_more` for a page.
    pub(crate) fn say_more(&self, truth: bool, is_empty: bool) -> i64 {
        if is_empty && self.empty_page_says_more {
            1
        } else {
            self.has_more.say(truth)
        }
    }

    /// Reads the quirks that differ from the default: `{"oldest_of_gap":true,"has_more":"always_no"}`.
    ///
    /// # Errors
    /// Says what is unknown or of the wrong kind.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        Self::deserialize(value).map_err(|error| error.to_string())
    }
}

/// Value of `has_more`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HasMore {
    /// The truth.
    #[default]
    Truthful,
    /// Always 0, although there is more.
    AlwaysNo,
    /// Always 1, although there is no more.
    AlwaysYes,
}

impl HasMore {
    fn say(self, truth: bool) -> i64 {
        match self {
            Self::Truthful => i64::from(truth),
            Self::AlwaysNo => 0,
            Self::AlwaysYes => 1,
        }
    }
}

impl DateHeader {
    /// Puts the header of this moment on an answer.
    pub(crate) fn put_on(self, now_us: i64, headers: &mut HeaderMap) {
        let seconds = match self {
            Self::Truthful => return,
            Self::Absent => {
                headers.remove(header::DATE);
                return;
            }
            Self::Skewed(by) => now_us.div_euclid(1_000_000).saturating_add(by),
            Self::Stale(at) => at,
        };
        if let Some(date) = envelope::date(seconds) {
            headers.insert(header::DATE, date);
        }
    }
}
