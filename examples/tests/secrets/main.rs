//! No cookie stands in anything that is printed, logged or written.
//!
//! The libraries log nothing themselves. What carries their requests does: at the level TRACE
//! ureq would log whole requests, in one target of its own ([`logged::WIRE`]), if the
//! runtime's feature `guard-cookies` did not switch it off. The command installs no logger.
#![cfg(unix)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod calls;
mod command;
mod debug;
mod hosts;
mod logged;
mod logins;
mod sessions;
#[path = "../support/mod.rs"]
mod support;

use std::sync::LazyLock;
use std::time::Duration;

use bilibili_session::poller::PollerConfig;
use bilibili_session::{ClientConfig, Credential, Hosts};
use support::*;
use tokio::runtime::Runtime;

/// Each value in every form that it may be shown in.
fn needles() -> Vec<String> {
    let mut needles: Vec<String> = SECRETS.iter().map(|it| (*it).to_owned()).collect();
    for value in [
        SESSDATA,
        "5e55da7a,1999999999,plant*ed",
        BILI_JCT,
        BUVID3,
        BUVID4,
    ] {
        // As `Debug` of bytes shows them.
        let bytes: Vec<String> = value.bytes().take(8).map(|it| it.to_string()).collect();
        needles.push(bytes.join(", "));
        needles.push(value.bytes().map(|it| format!("%{it:02X}")).collect());
    }
    needles
}

/// The first secret that stands in it.
fn found(text: &str) -> Option<String> {
    needles().into_iter().find(|it| text.contains(it.as_str()))
}

#[track_caller]
fn shows_nothing(what: &str, text: &str) {
    assert_eq!(found(text), None, "{what}: {text}");
}

/// Waits for a future of tokio.
fn on_tokio<F: Future>(future: F) -> F::Output {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    RUNTIME.block_on(future)
}

fn credential() -> Credential {
    Credential::builder()
        .sessdata(SESSDATA)
        .bili_jct(BILI_JCT)
        .buvid3(BUVID3)
        .buvid4(BUVID4)
        .build()
        .unwrap()
}

fn context(origin: &str) -> ClientConfig {
    ClientConfig::new(credential()).hosts(Hosts::origin(origin).unwrap())
}

fn config() -> PollerConfig {
    PollerConfig::new().interval(Duration::from_millis(100))
}

#[track_caller]
fn wait_for(condition: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
}
