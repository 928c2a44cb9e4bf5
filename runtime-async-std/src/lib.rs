//! Bilibili private messages and notifications: the async-std runtime, on surf.

mod client;
mod clock;
mod curl;
mod dispatch;
mod session;
mod surf;
mod transport;
mod updates;

pub use client::Client;
pub use clock::now;
pub use dispatch::Outcome;
pub use session::{Running, Session, Update};
pub use surf::{SurfTransport, SurfTransportBuilder};
pub use transport::Transport;
pub use updates::Updates;

// So that one dependency is enough.
pub use bilibili_session as core;
