//! Abilities of sessions that are futures and streams: to be given up in the middle, and handle things side by side.
//!
//! Each of these files is compiled for each async runtime: it takes the session, and what tasks and timers are called,
//! from the module around it.
#![allow(clippy::duplicate_mod, reason = "once for each runtime")]

mod on_async_std;
mod on_smol;
mod on_tokio;
mod on_tokio_with_one_thread;
