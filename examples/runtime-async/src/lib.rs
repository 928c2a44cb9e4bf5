//! Bilibili private messages and notifications on an async runtime of your choice.
//!
//! These are the parts of an async runtime that need no runtime of their own. On tokio and on
//! async-std take `bilibili-session-tokio` or `bilibili-session-async-std`, which are this crate
//! with an HTTP client, and have all of its names. On any other runtime a session needs two things:
//!
//! | | |
//! |---|---|
//! | [`Runtime`] | the timers, in some lines; [`Spawn`] for [`Session::run`], `PushRuntime` for the push channel (feature `push`) |
//! | [`Transport`] | what sends the requests: an HTTP client, or any closure |
//!
//! and has all of these:
//!
//! | | |
//! |---|---|
//! | [`Session`] | messages as they arrive: as a stream, or given to handlers |
//! | [`Client`] | one call at a time |
//! | `LoginClient` | log in by QR code, renew a login, end it (feature `login`) |
//!
//! The page of [`Runtime`] has a whole program on smol; the conformance suite of
//! `bilibili-session-simulator` checks a transport.
//!
//! All that is decided, is decided in the [`core`]: what to ask for and when, what an answer
//! means, when to try again. This crate sends, waits, and calls. Nothing runs that nobody
//! waits for; [`Session::run`] alone spawns a task, which runs until the session is closed.
//! Work that a session has begun goes on when it is polled again, also by another stream.

#![cfg_attr(docsrs, feature(doc_cfg))]
mod calls;
mod clock;
mod engine;
mod handlers;
#[cfg(feature = "push")]
mod push;
mod runtime;
mod session;
mod transport;

pub use bilibili_session::TransportConfig;
pub use bilibili_session::session::{HandlerResult, IntoHandlerResult, Update};
pub use calls::Client;
#[cfg(feature = "login")]
pub use calls::LoginClient;
pub use handlers::Handler;
#[cfg(feature = "push")]
pub use push::{Connector, PushRuntime, Socket};
pub use runtime::{Runtime, Spawn};
pub use session::{ByHand, Running, Session, Updates};
pub use transport::Transport;

/// The core, so that one dependency is enough.
pub use bilibili_session as core;
