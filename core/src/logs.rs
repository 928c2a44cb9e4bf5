//! Logs by the feature `tracing`; without it nothing is logged, and it costs nothing.
//!
//! Rounds, requests and calls are spans: a request of a round lies in that of the round, and each says at its end how long it
//! took and how it ended. Warnings are events. No address, no header, no query and no text of a message stands in them, and so
//! no cookie either. Everything has the target `bilibili_session`.

use std::time::Duration;

use http::Request;

use crate::error::Error;
use crate::ids::ConversationId;
use crate::poller::Warning;

/// A round, a request or a call, from its beginning on; one that is dropped before its end is logged without one.
#[derive(Debug)]
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
    #[cfg(feature = "tracing")]
    began: Duration,
}

#[cfg(feature = "tracing")]
mod on {
    use tracing::field::Empty;

    use super::*;

    impl Span {
        pub(crate) const fn none() -> Self {
            Self {
                span: tracing::Span::none(),
                began: Duration::ZERO,
            }
        }

        /// Begins a round.
        pub(crate) fn round(began: Duration, number: u64) -> Self {
            let span =
                tracing::debug_span!(target: "bilibili_session", "round", number, took_ms = Empty);
            Self { span, began }
        }

        /// Begins a request of a poller, in this round.
        pub(crate) fn request(
            round: &Self,
            began: Duration,
            asked: &'static str,
            conversation: Option<ConversationId>,
            request: &Request<Vec<u8>>,
        ) -> Self {
            let span = round.span.in_scope(|| {
                tracing::debug_span!(
                    target: "bilibili_session", "request", asked, path = request.uri().path(),
                    conversation = conversation.map(tracing::field::display), took_ms = Empty, outcome = Empty, code = Empty,
                )
            });
            Self { span, began }
        }

        /// Begins a call; `endpoint` is the name of its type.
        pub(crate) fn call(
            began: Duration,
            endpoint: &'static str,
            request: &Request<Vec<u8>>,
        ) -> Self {
            let asked = endpoint.rsplit("::").next();
            let span = tracing::debug_span!(
                target: "bilibili_session", "call", asked, path = request.uri().path(),
                took_ms = Empty, outcome = Empty, code = Empty,
            );
            Self { span, began }
        }

        pub(crate) fn is_none(&self) -> bool {
            self.span.is_none()
        }

        /// Ends a request or a call.
        pub(crate) fn end(self, now: Duration, failure: Option<&Error>) {
            let took_ms = self.took_ms(now);
            let outcome = failure.map_or("ok", |error| error.class().as_str());
            let code = failure.and_then(Error::code);
            self.span.record("took_ms", took_ms);
            self.span.record("outcome", outcome);
            self.span.record("code", code);
            self.span.in_scope(
                || tracing::debug!(target: "bilibili_session", took_ms, outcome, code, "ended"),
            );
        }

        /// Ends a round.
        pub(crate) fn end_round(self, now: Duration) {
            if self.is_none() {
                return;
            }
            let took_ms = self.took_ms(now);
            self.span.record("took_ms", took_ms);
            self.span
                .in_scope(|| tracing::debug!(target: "bilibili_session", took_ms, "ended"));
        }

        /// Logs a warning in this round, in its own words.
        pub(crate) fn warn(&self, warning: &Warning) {
            self.span.in_scope(
                || tracing::warn!(target: "bilibili_session", kind = warning.kind(), "{warning}"),
            );
        }

        fn took_ms(&self, now: Duration) -> u64 {
            let took = now.saturating_sub(self.began);
            u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
        }
    }
}

#[cfg(not(feature = "tracing"))]
impl Span {
    pub(crate) const fn none() -> Self {
        Self {}
    }

    pub(crate) const fn round(_: Duration, _: u64) -> Self {
        Self {}
    }

    pub(crate) const fn request(
        _: &Self,
        _: Duration,
        _: &'static str,
        _: Option<ConversationId>,
        _: &Request<Vec<u8>>,
    ) -> Self {
        Self {}
    }

    pub(crate) const fn call(_: Duration, _: &'static str, _: &Request<Vec<u8>>) -> Self {
        Self {}
    }

    pub(crate) const fn is_none(&self) -> bool {
        true
    }

    pub(crate) const fn end(self, _: Duration, _: Option<&Error>) {}

    pub(crate) const fn end_round(self, _: Duration) {}

    pub(crate) const fn warn(&self, _: &Warning) {}
}
