//! On async-std.

use async_std::future::timeout;
use async_std::task::{block_on, sleep, spawn, yield_now};
use bilibili_session_async_std::{Client, Session, Transport, Update};

#[path = "dropped.rs"]
mod dropped;
#[path = "keys.rs"]
mod keys;
#[path = "sessions.rs"]
mod sessions;
#[path = "streams.rs"]
mod streams;
