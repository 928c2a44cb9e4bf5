//! Bilibili private messages and notifications: the tokio runtime, on reqwest.
//!
//! ```no_run
//! use bilibili_session_tokio::core::poller::PollerConfig;
//! use bilibili_session_tokio::core::{ClientConfig, Credential};
//! use bilibili_session_tokio::{ReqwestTransport, Session};
//! use futures_util::StreamExt;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let context = ClientConfig::new(Credential::parse("SESSDATA=…; bili_jct=…")?);
//! let session = Session::new(context, ReqwestTransport::new()?, PollerConfig::new())?;
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
//! | [`Transport`] | what sends the requests: [`ReqwestTransport`], or any closure |
//!
//! All that is decided, is decided in the [`core`]: what to ask for and when, what an answer
//! means, when to try again. This crate sends, waits, and calls. Nothing runs that nobody
//! waits for; [`Session::run`] alone spawns a task, which runs until the session is closed.
//! What a session has begun goes on when it is polled again, also by another stream.

#![cfg_attr(docsrs, feature(doc_cfg))]
mod calls;
mod clock;
mod engine;
mod handlers;
#[cfg(feature = "push")]
mod push;
mod session;
mod tls;
mod transport;

pub use bilibili_session::TransportConfig;
pub use bilibili_session::session::{HandlerResult, IntoHandlerResult, Update};
#[cfg(feature = "login")]
pub use calls::LoginClient;
pub use calls::{Client, read_picture};
pub use clock::now;
pub use handlers::Handler;
pub use session::{ByHand, Running, Session, Updates};
pub use transport::{ReqwestTransport, Transport};

/// The core, so that one dependency is enough.
pub use bilibili_session as core;
