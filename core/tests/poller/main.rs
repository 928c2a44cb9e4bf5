//! The poller, driven with nothing but values: no clock, no socket, no sleep.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod calls;
mod checkpoint;
mod close;
mod connected;
mod drive;
mod failure;
mod feeds;
mod gap;
mod hints;
mod init;
mod lists;
mod lists_moved;
mod names;
mod nav;
mod oddities;
mod pace;
mod scenario;
mod sends;
mod session;
mod spacing;
