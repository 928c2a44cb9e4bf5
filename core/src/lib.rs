//! Bilibili private messages and notifications: a sans-IO core.
#![doc(html_no_source)]

mod call;
mod context;
mod credential;
mod endpoint;
pub mod endpoints;
pub mod error;
mod event;
mod hosts;
mod identity;
mod ids;
mod json;
pub mod model;
mod one_line;
pub mod pager;
mod picture_url;
pub mod poller;
pub mod session;
mod time;
mod transport;
mod wbi;

pub use call::{Account, Call, Step};
pub use context::Context;
pub use credential::{Credential, CredentialBuilder, CredentialError};
pub use endpoint::{Auth, Cookies, Endpoint, OwnUid, Parts, Signer, Wbi, server_date};
pub use error::{Error, ErrorClass, TransportError, TransportErrorKind};
pub use event::Event;
pub use hosts::{Host, Hosts};
pub use identity::{Generation, Identity, IdentityCache};
pub use ids::{ConversationId, GroupId, MsgKey, Seqno, Uid};
pub use json::Unreadable;
pub use model::{Content, EventType, Message, Picture, PictureContent, VideoId};
pub use one_line::OneLine;
pub use pager::Pager;
pub use time::{Now, UnixMicros, UnixSeconds};
pub use transport::TransportConfig;
pub use wbi::WbiKeys;
