//! Logs by the feature `tracing`; without it nothing is logged, and it costs nothing.
//!
//! A log names what was asked for, how long it took and how it ended: no address, no header, no text of a message, and so no cookie
//! either. Everything has the target `bilibili_session`.

use std::time::Duration;

use crate::error::Error;
use crate::ids::ConversationId;
use crate::poller::Warning;

/// Logs the answer to a request of a poller, or its failure.
pub(crate) fn request(
    asked: &'static str,
    conversation: Option<ConversationId>,
    took: Duration,
    failure: Option<&Error>,
) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: "bilibili_session",
        asked,
        conversation = conversation.map(tracing::field::display),
        took_ms = millis(took),
        outcome = outcome(failure),
        code = failure.and_then(Error::code),
        "request",
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (asked, conversation, took, failure);
}

/// Logs the end of a call beside a poller; `endpoint` is the name of its type.
pub(crate) fn call(endpoint: &'static str, failure: Option<&Error>) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: "bilibili_session",
        asked = endpoint.rsplit("::").next(),
        outcome = outcome(failure),
        code = failure.and_then(Error::code),
        "call",
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (endpoint, failure);
}

/// Logs the beginning of a round.
pub(crate) fn round(number: u64) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "bilibili_session", number, "round");
    #[cfg(not(feature = "tracing"))]
    let _ = number;
}

/// Logs a warning, in its own words.
pub(crate) fn warning(warning: &Warning) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "bilibili_session", kind = warning.kind(), "{warning}");
    #[cfg(not(feature = "tracing"))]
    let _ = warning;
}

#[cfg(feature = "tracing")]
fn outcome(failure: Option<&Error>) -> &'static str {
    failure.map_or("ok", |error| error.class().as_str())
}

#[cfg(feature = "tracing")]
fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
