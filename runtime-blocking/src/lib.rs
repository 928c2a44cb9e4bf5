//! Bilibili private messages and notifications: the blocking runtime, on ureq.

mod client;
mod clock;
mod session;
mod transport;
mod ureq;

pub use client::Client;
pub use clock::now;
pub use session::{Outcome, Running, Session, Update};
pub use transport::Transport;
pub use ureq::{UreqTransport, UreqTransportBuilder};

// So that one dependency is enough.
pub use bilibili_session as core;
