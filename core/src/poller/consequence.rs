//! The one table of consequences of a failure.

use super::in_flight::Purpose;
use super::pauses::Cause;
use crate::error::ErrorClass;
use crate::feeds::{FeedCall, PauseCause, SentAt};
use crate::ids::ConversationId;

/// Consequence of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consequence {
    /// The poller ends, because going on makes no sense.
    End,
    /// No request is sent for a while.
    Pause(Cause),
    /// The list is asked for again with a signature, or with newer keys.
    SignList,
    /// The list is asked for again later.
    RetryList,
    /// The page is refetched with newer keys.
    SignFetch(ConversationId),
    /// The conversation is over.
    EndConversation(ConversationId),
    /// The conversation is refetched later; a page of this size may have been too large.
    RetryFetch(ConversationId, u32),
    /// No feed is asked for for a while; messages are.
    PauseFeeds(FeedCall, SentAt, PauseCause),
    /// The feed, or the counters, are asked for again later.
    RetryFeed(FeedCall),
}

/// Returns the consequence of a failure of this class.
pub(super) const fn consequence(class: ErrorClass, purpose: Purpose) -> Consequence {
    use Consequence as Then;
    match (class, purpose) {
        (ErrorClass::LoginLost, _) => Then::End,
        (ErrorClass::RiskControl, Purpose::Feed(call, sent)) => {
            Then::PauseFeeds(call, sent, PauseCause::RiskControl)
        }
        (ErrorClass::Throttled, Purpose::Feed(call, sent)) => {
            Then::PauseFeeds(call, sent, PauseCause::Throttled)
        }
        (_, Purpose::Feed(call, _)) => Then::RetryFeed(call),
        (ErrorClass::RiskControl, _) => Then::Pause(Cause::RiskControl),
        (ErrorClass::Throttled, _) => Then::Pause(Cause::Throttled),
        (_, Purpose::Nav) => Then::Pause(Cause::Fault),
        (ErrorClass::Signature, Purpose::Baseline | Purpose::List) => Then::SignList,
        (_, Purpose::Baseline | Purpose::List) => Then::RetryList,
        (ErrorClass::Signature, Purpose::Fetch(id, _)) => Then::SignFetch(id),
        (ErrorClass::ConversationGone, Purpose::Fetch(id, _)) => Then::EndConversation(id),
        (_, Purpose::Fetch(id, size)) => Then::RetryFetch(id, size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Uid;

    #[test]
    fn what_concerns_all_counts_whatever_was_asked_for() {
        let id = ConversationId::User(Uid(20001));
        let all = [
            Purpose::Nav,
            Purpose::Baseline,
            Purpose::List,
            Purpose::Fetch(id, 30),
        ];
        for purpose in all {
            let of = |class| consequence(class, purpose);
            assert_eq!(of(ErrorClass::LoginLost), Consequence::End);
            let risk = Consequence::Pause(Cause::RiskControl);
            assert_eq!(of(ErrorClass::RiskControl), risk);
            assert_eq!(
                of(ErrorClass::Throttled),
                Consequence::Pause(Cause::Throttled)
            );
        }
    }

    #[test]
    fn a_conversation_fails_for_itself() {
        let id = ConversationId::User(Uid(20001));
        let of = |class| consequence(class, Purpose::Fetch(id, 30));
        assert_eq!(of(ErrorClass::Signature), Consequence::SignFetch(id));
        let gone = Consequence::EndConversation(id);
        assert_eq!(of(ErrorClass::ConversationGone), gone);
        for class in [
            ErrorClass::Server,
            ErrorClass::Transport,
            ErrorClass::Refused,
        ] {
            assert_eq!(of(class), Consequence::RetryFetch(id, 30));
            assert_eq!(consequence(class, Purpose::List), Consequence::RetryList);
        }
    }
}
