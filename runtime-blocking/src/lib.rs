//! Bilibili private messages and notifications: the blocking runtime, on ureq.

mod clock;
mod client;
mod transport;
mod ureq;

pub use client::Client;
pub use clock::now;
pub use transport::Transport;
pub use ureq::{UreqTransport, UreqTransportBuilder};

// So that one dependency is enough.
pub use bilibili_session as core;
