//! Checks that a poller holds little, and signs with the server's time.

use bilibili_session::poller::Poller;

use crate::request_kind::RequestKind;
use crate::scenario::Scenario;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property};

/// Checks that a drained poller holds no more messages than allowed.
pub(crate) fn holds(poller: &Poller, scenario: &Scenario) -> Result<(), Breach> {
    let (held, most) = (poller.held_messages(), scenario.backlog);
    Breach::unless(held <= most, Property::Bounded, || {
        format!("{held} messages are held, {most} may be")
    })
}

/// Checks that an idle poller remembers no more conversations than allowed: besides those that
/// are `unforgettable`. With a clock that is behind, or changes that lie ahead of it, all that
/// changed since then is listed again; so is all that a list shows which is never proven whole.
pub(crate) fn remembers(
    poller: &Poller,
    scenario: &Scenario,
    unforgettable: usize,
) -> Result<(), Breach> {
    let remembered = poller.remembered_conversations();
    let most = scenario.max_conversations.max(unforgettable);
    let is_behind = scenario.has(Trouble::DateOff) || scenario.has(Trouble::FutureTs);
    Breach::unless(remembered <= most || is_behind, Property::Bounded, || {
        format!("{remembered} conversations are remembered, {most} may be")
    })
}

/// Checks that the time in a signature is the server's, whatever the local clock shows.
pub(crate) fn signed_in_time(
    scenario: &Scenario,
    asked: RequestKind,
    server_s: i64,
) -> Result<(), Breach> {
    let RequestKind::Fetch { wts, .. } = asked else {
        return Ok(());
    };
    let off = (wts - server_s).unsigned_abs();
    // The server's clock is known as it was when the last answer set out.
    let most = 5 + 2 * scenario.request_timeout.as_secs();
    Breach::unless(
        off <= most || scenario.has(Trouble::NoDate) || scenario.has(Trouble::DateOff),
        Property::WallClock,
        || format!("signed with a time that is off by {off} s"),
    )
}
