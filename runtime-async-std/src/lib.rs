//! Bilibili private messages and notifications: the async-std runtime, on surf.
//!
//! ```no_run
//! use async_std::stream::StreamExt;
//! use bilibili_session_async_std::core::poller::PollerConfig;
//! use bilibili_session_async_std::core::{ClientConfig, Credential};
//! use bilibili_session_async_std::{Session, SurfTransport};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let context = ClientConfig::new(Credential::parse("SESSDATA=…; bili_jct=…")?);
//! let session = Session::new(context, SurfTransport::new()?, PollerConfig::new())?;
//! let mut messages = session.messages();
//! while let Some(event) = messages.next().await {
//!     println!("{}: {:?}", event.sender_uid(), event.text());
//!     // What was handled up to here does not come again after a resume from this.
//!     let checkpoint = session.checkpoint();
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | | |
//! |---|---|
//! | [`Session`] | messages as they arrive: as a stream, or given to handlers |
//! | [`Client`] | one call at a time |
//! | `LoginClient` | log in by QR code, renew a login, end it (feature `login`) |
//! | [`Transport`] | what sends the requests: [`SurfTransport`], or any closure |
//!
//! All that is decided, is decided in the [`core`]: what to ask for and when, what an answer
//! means, when to try again. This crate and [`bilibili_session_async`], of which it is a part, send, wait, and call. Nothing
//! runs that nobody waits for: [`Session::run`] spawns a task, which runs until the session is closed, and a transport one that
//! sleeps until a request takes too long.
//! Work that a session has begun goes on when it is polled again, also by another stream.

#![cfg_attr(docsrs, feature(doc_cfg))]
mod connect;
mod connection;
mod deadlines;
mod names;
mod pictures;
#[cfg(feature = "push")]
mod push;
mod runtime;
mod transport;

pub use bilibili_session_async::{
    HandlerResult, IntoHandlerResult, Running, Transport, TransportConfig, Update,
};
#[cfg(feature = "login")]
pub use names::LoginClient;
pub use names::{ByHand, Client, Handler, Session, Updates};
pub use pictures::read_picture;
pub use runtime::{AsyncStd, now};
pub use transport::SurfTransport;

/// The core, so that one dependency is enough.
pub use bilibili_session as core;
