//! Bilibili private messages and notifications: a sans-IO core.
//!
//! Nothing here opens a socket, reads a clock or draws a random number. The core builds
//! [`http::Request`]s, reads [`http::Response`]s, and says what to do next; a runtime does it.
//! `bilibili-session-blocking`, `bilibili-session-tokio` and `bilibili-session-async-std` are runtimes to take as they are,
//! `bilibili-session-async` is for any other async one.
//!
//! | to do this | take | a runtime's name for it |
//! |---|---|---|
//! | see messages as they arrive | [`poller::Poller`], its run loop is on [its first page](poller) | `Session` |
//! | call handlers for them | [`session::SessionMachine`] around a poller | `Session::on` |
//! | make one call, with keys and one retry | [`Call`] of one of the [`endpoints`] | `Client::call` |
//! | send, and know the outcome | [`send::ConfirmedSend`] | `Client::send`, `Session::reply` |
//! | make calls beside a poller, within its login and pauses | [`poller::Poller::poll_call`] | `Session::client` |
//! | show names of users and groups | [`Names`], a cache that says who is to be asked for | `Session::tell_names` |
//! | read page after page | one of the [`pager`]s | `Client::items` |
//! | look sooner when something happens | [`poller::Poller::handle_hint`]; with the feature `push` the module `push` gives hints | `Session::with_push` |
//! | log in by QR code, renew a login, log out (feature `login`) | the machines of `login` | `LoginClient` |
//! | spans of rounds, requests and calls, and warnings in them (feature `tracing`) | a subscriber of `tracing`, target `bilibili_session` | the same feature |
//! | only build a request and read its answer | [`Endpoint`] | |
//!
//! A call without any runtime:
//!
//! ```
//! use bilibili_session::call::{Call, Output};
//! use bilibili_session::endpoints::GetSessions;
//! use bilibili_session::{AuthState, ClientConfig, Credential, Now, UnixMicros};
//! use std::time::Duration;
//!
//! # let send = |_: http::Request<Vec<u8>>| {
//! #     let page = br#"{"code":0,"message":"0","data":{"session_list":[],"has_more":0}}"#;
//! #     Ok(http::Response::new(page.to_vec()))
//! # };
//! let mut account = AuthState::new(ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?));
//! let now = Now { monotonic: Duration::ZERO, wall: UnixMicros(1_700_000_000_000_000) };
//! let mut call = Call::new(GetSessions::new());
//! let page = loop {
//!     match call.poll_output(&mut account, now) {
//!         Output::Send(request) => {
//!             // With whatever sends requests; it gives whole answers back, of any status.
//!             let answer = send(request);
//!             call.handle_response(&mut account, now, answer);
//!         }
//!         Output::Wait(_) => unreachable!("no other call asks for the keys"),
//!         Output::Done(page) => break page?,
//!     }
//! };
//! assert_eq!(page.session_list.len(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An [`Error`] says by its [class](Error::class) what helps against it. A [`Credential`] shows its
//! cookies to nobody: not in `Debug`, not in an error.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::exhaustive_structs, clippy::exhaustive_enums)]

mod auth_state;
pub mod call;
mod call_machine;
mod client_config;
mod coverage;
mod credential;
mod endpoint;
pub mod endpoints;
pub mod error;
mod event;
pub mod feeds;
mod hosts;
mod identity;
mod ids;
mod json;
mod list_walk;
#[cfg(feature = "login")]
pub mod login;
mod logs;
pub mod model;
mod names;
mod nav_gate;
mod one_line;
pub mod pager;
mod picture_url;
pub mod poller;
#[cfg(feature = "push")]
pub mod push;
mod rng;
mod secret;
pub mod send;
pub mod session;
mod time;
mod transport;
mod tunnel;
mod wbi;

pub use auth_state::AuthState;
pub use call::Call;
pub use call_machine::{CallLogin, CallMachine};
pub use client_config::ClientConfig;
pub use credential::{Credential, CredentialBuilder, CredentialError};
pub use endpoint::{
    Auth, CookieAuth, Endpoint, OptionalWbiAuth, RequestParts, UidAuth, WbiAuth, WbiSigner,
    server_date,
};
pub use error::{Error, ErrorClass, TransportError, TransportErrorKind};
pub use event::Event;
pub use feeds::{FeedEvent, FeedKind};
pub use hosts::{Host, Hosts};
pub use identity::Identity;
pub use ids::{ConversationId, GroupId, MsgKey, NotAConversationId, Seqno, Uid};
pub use json::Unreadable;
pub use model::{Content, EventType, Message, Picture, PictureContent, VideoId};
pub use names::Names;
pub use one_line::OneLine;
pub use pager::Pager;
pub use time::{Now, UnixMicros, UnixSeconds};
pub use transport::TransportConfig;
pub use tunnel::Tunnel;
pub use wbi::WbiKeys;
