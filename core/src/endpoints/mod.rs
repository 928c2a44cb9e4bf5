//! The calls of the service, one short file for each family.

mod messages;
mod nav;
mod send_msg;
mod sessions;

pub use messages::{Emote, FetchSessionMsgs, MessagePage};
pub use nav::{Nav, NavInfo};
pub use send_msg::{KeyHitInfos, SendMsg, SentMsg};
pub use sessions::{GetSessionDetail, GetSessions, NewSessions, SessionPage, SessionType};
