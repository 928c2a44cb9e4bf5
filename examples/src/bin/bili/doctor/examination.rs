//! The examination as a machine of values: questions out, answers in.

use bilibili_session::{Error, ErrorClass, UnixMicros, UnixSeconds};

use super::facts::{Facts, Step};
use super::findings::{Finding, findings};
use super::plan;
use super::question::{Question, Reply};

/// The most requests that an examination takes, nav included.
pub(super) const MOST: u32 = 30;

/// Number of faults of the service after which it is left in peace.
const FAULTS: u32 = 3;

/// An examination of the service.
#[derive(Debug)]
pub(super) struct Examination {
    facts: Facts,
    asked: u32,
    faults: u32,
    /// Reason why nothing more is asked.
    ended: Option<Error>,
}

impl Examination {
    /// Creates an examination whose only answer so far is the identity.
    pub(super) fn new() -> Self {
        Self {
            facts: Facts::default(),
            asked: 1,
            faults: 0,
            ended: None,
        }
    }

    /// Returns the next question, if there is one.
    pub(super) fn next(&self) -> Option<(Step, Question)> {
        match self.ended.is_none() && self.asked < MOST {
            true => plan::next(&self.facts),
            false => None,
        }
    }

    /// Takes in what came of a question, at this time by the local clock.
    pub(super) fn learn(
        &mut self,
        (step, question): (Step, Question),
        reply: Result<Reply, Error>,
        at: UnixMicros,
    ) {
        self.asked = self.asked.saturating_add(1);
        let reply = reply.unwrap_or_else(|error| Reply {
            data: Err(error),
            date: None,
        });
        if let Err(error) = &reply.data {
            let is_over = matches!(
                error.class(),
                ErrorClass::RiskControl
                    | ErrorClass::Throttled
                    | ErrorClass::LoginLost
                    | ErrorClass::Transport
            );
            // Without a list there is nothing to go on with.
            let is_first = step == Step::Signed
                || step == Step::Unsigned && error.class() != ErrorClass::Signature;
            self.faults += u32::from(error.class() == ErrorClass::Server);
            if is_over || is_first || self.faults >= FAULTS {
                self.ended = Some(error.clone());
            }
        }
        self.facts.learn(step, question, &reply, at);
    }

    /// Returns the time to sign with.
    pub(super) fn server_now(&self, local: UnixMicros) -> UnixSeconds {
        self.facts.dates.server_now(local)
    }

    /// Returns the number of requests made.
    pub(super) const fn asked(&self) -> u32 {
        self.asked
    }

    /// Returns the findings.
    pub(super) fn findings(&self) -> Vec<Finding> {
        findings(&self.facts)
    }

    /// Returns the reason of an early end, if there was one.
    pub(super) fn ended(self) -> Option<Error> {
        self.ended
    }
}
