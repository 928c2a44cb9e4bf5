//! Bilibili private messages and notifications: the blocking runtime, on ureq.
//!
//! ```no_run
//! use bilibili_session_blocking::core::poller::PollerConfig;
//! use bilibili_session_blocking::core::{ClientConfig, Credential};
//! use bilibili_session_blocking::{Session, UreqTransport};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let context = ClientConfig::new(Credential::parse("SESSDATA=…; bili_jct=…")?);
//! let session = Session::new(context, UreqTransport::new(), PollerConfig::new())?;
//! for event in session.messages() {
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
//! | [`Session`] | messages as they arrive: as an iterator, or given to handlers |
//! | [`Client`] | one call at a time |
//! | `LoginClient` | log in by QR code, renew a login, end it (feature `login`) |
//! | [`Transport`] | what sends the requests: [`UreqTransport`], or any closure |
//!
//! All that is decided, is decided in the [`core`]: what to ask for and when, what an answer
//! means, when to try again. This crate sends, waits, and calls.

#![cfg_attr(docsrs, feature(doc_cfg))]
mod calls;
mod clock;
mod engine;
mod handlers;
#[cfg(feature = "push")]
mod push;
mod session;
mod transport;
mod watched;

pub use bilibili_session::TransportConfig;
pub use bilibili_session::session::{HandlerResult, IntoHandlerResult, Update};
#[cfg(feature = "login")]
pub use calls::LoginClient;
pub use calls::{Client, read_picture};
pub use clock::now;
pub use handlers::Handler;
pub use session::{ByHand, Running, Session};
pub use transport::{Transport, UreqTransport};

/// The core, so that one dependency is enough.
pub use bilibili_session as core;
