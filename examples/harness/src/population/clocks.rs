//! Clocks that are off, and lists that show a time of their own.

use bilibili_session::ConversationId;
use bilibili_session_simulator::Rng;

use super::conversation;
use crate::scenario::Scenario;
use crate::trouble::Trouble;

/// Possible errors of a sender's clock, or of a `session_ts` (s).
const OFF: [i64; 8] = [-7_200, -3_000, -600, -90, 90, 600, 3_000, 7_200];

/// Errors of clocks, which stay the same for a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clocks {
    /// Times of messages are off, by conversation or by sender.
    pub(super) times: Option<Whose>,
    /// Conversation with a `session_ts` that lies ahead (µs); all conversations if none.
    pub(super) ahead_of: Option<ConversationId>,
    pub(super) ahead_us: u64,
    /// Share of messages, in a thousand, for which `session_ts` stands still.
    pub(super) stands_still: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    Conversation,
    Sender,
}

impl Clocks {
    pub(super) fn draw(scenario: &Scenario, ids: &[ConversationId]) -> Self {
        // Of its own, so that the runs without are what they were.
        let mut rng = Rng::new(scenario.seed ^ 0x00c1_0c45);
        let whose = rng.pick(&[Whose::Conversation, Whose::Sender], Whose::Sender);
        let ahead = scenario.has(Trouble::FutureTs);
        Self {
            times: scenario.has(Trouble::TimesOff).then_some(whose),
            ahead_of: rng
                .chance(700)
                .then(|| rng.pick(ids, conversation(0)))
                .filter(|_| ahead),
            ahead_us: if ahead {
                rng.pick(&[90_000_000, 1_200_000_000, 3_600_000_000], 3_600_000_000)
            } else {
                0
            },
            stands_still: if scenario.has(Trouble::StillTs) {
                rng.pick(&[200, 500, 1000], 500)
            } else {
                0
            },
        }
    }

    /// Returns the error of the time of a message (s).
    pub(super) fn off(self, id: ConversationId, sender: i64) -> i64 {
        let of = match self.times {
            None => return 0,
            Some(Whose::Conversation) => id.talker_id().wrapping_mul(31) + id.session_type(),
            Some(Whose::Sender) => sender,
        };
        let place = of.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
        // Half of them are right.
        let place = usize::try_from(place).unwrap_or_default();
        OFF.get(place).copied().unwrap_or_default()
    }

    /// Returns the distance that `session_ts` lies ahead (µs).
    pub(super) fn ahead(self, id: ConversationId) -> u64 {
        match self.ahead_of {
            Some(odd) if odd != id => 0,
            _ => self.ahead_us,
        }
    }
}
