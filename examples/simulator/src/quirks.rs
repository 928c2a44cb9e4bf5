//! Where the real server is odd, or unknown.

use serde::Deserialize;
use serde_json::Value;

/// Where the real server is odd or unknown: each reading can be had. The default is the likely one of each.
///
/// A client is right when it is right under all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Of a gap with more messages than fit a page, the oldest come, not the newest.
    pub oldest_of_gap: bool,
    /// A conversation whose `session_ts` is `begin_ts` exactly is listed.
    pub begin_ts_inclusive: bool,
    /// A conversation whose `session_ts` is `end_ts` exactly is listed.
    pub end_ts_inclusive: bool,
    /// The first conversation of each page is repeated at its end.
    pub lists_twice: bool,
    /// No page of messages is longer, whatever `size` asks for.
    pub message_page_cap: Option<usize>,
    /// No page of conversations is longer, whatever `size` asks for.
    pub conversation_page_cap: Option<usize>,
    /// What `has_more` says.
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
    /// A conversation's `session_ts` is this much before the moment its message can be seen
    /// (microseconds); below 0 it lies in the future.
    pub commit_lag_us: i64,
    /// `session_type=4` disregards `end_ts`: its second page is the first again.
    pub all_types_ignore_end_ts: bool,
    /// So do the single types (1, 2, 3, 5, 7, 8, 9).
    pub single_types_ignore_end_ts: bool,
    /// `new_sessions` takes `end_ts` as well: it has a second page of its own.
    pub new_sessions_takes_end_ts: bool,
    /// Whether lists of conversations want a signature, and what comes without one.
    pub list_signature: ListSignature,
    /// `has_more` of messages says whether the conversation has older ones, whatever `begin_seqno` says.
    pub has_more_disregards_begin: bool,
    /// An empty page of either kind says that there is more.
    pub empty_page_says_more: bool,
    /// What the `Date` header says.
    pub date: DateHeader,
    /// `timestamp` of messages that arrive is off by this much (seconds): the sender's clock.
    pub message_time_offset_s: i64,
    /// `session_ts` of a conversation that is known stands still when a message arrives.
    pub session_ts_stands_still: bool,
    /// Every signature is refused with -403, whatever the keys are.
    pub refuses_signatures: bool,
    /// Messages are refused with this code, after all other checks: -352, -509, 21020, 21046, ….
    pub sends_refused: Option<i64>,
    /// `max_seqno` of lists is this much above the newest message.
    pub list_max_seqno_ahead: u64,
}

/// Whether lists of conversations want a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListSignature {
    /// They come without one, and with one.
    #[default]
    NotWanted,
    /// Without one -403 comes.
    Code403,
    /// Without one -352 comes.
    Code352,
}

/// What the `Date` header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateHeader {
    /// The server's time.
    #[default]
    Truthful,
    /// There is none.
    Absent,
    /// The server's time, off by this much (seconds).
    Skewed(i64),
    /// A time that stands still at this second since the epoch: something keeps answers.
    Stale(i64),
}

impl Quirks {
    /// Reads the quirks that differ from the default: `{"oldest_of_gap":true,"has_more":"always_no"}`.
    ///
    /// # Errors
    /// Says what is unknown or of the wrong kind.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        Self::deserialize(value).map_err(|error| error.to_string())
    }
}

/// What `has_more` says.
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
    pub(crate) fn say(self, truth: bool) -> i64 {
        match self {
            Self::Truthful => i64::from(truth),
            Self::AlwaysNo => 0,
            Self::AlwaysYes => 1,
        }
    }
}
