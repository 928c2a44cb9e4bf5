//! Notifications beside the messages: who causes them, all there ever were, and what was told.

mod bases;
mod bounds;
mod crowd;
mod ledger;
mod log;
mod ways;

use bilibili_session::FeedKind;
use bilibili_session_simulator as simulator;

pub(crate) use bases::FeedBase;
pub(crate) use bounds::{in_time, remembers};
pub(crate) use crowd::Crowd;
pub(crate) use log::FeedLog;
pub(crate) use ways::Ways;

/// Returns the same kind in the model's type.
pub(crate) const fn of_model(kind: FeedKind) -> simulator::FeedKind {
    match kind {
        FeedKind::Replies => simulator::FeedKind::Reply,
        FeedKind::At => simulator::FeedKind::At,
        FeedKind::Likes => simulator::FeedKind::Like,
        _ => simulator::FeedKind::System,
    }
}
