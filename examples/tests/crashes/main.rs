//! `watch --checkpoint` when the process dies, the disk is full, or the file is not what it was.
#![cfg(unix)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod disks;
mod files;
mod journals;
mod kills;
mod replies;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bilibili_session::poller::Checkpoint;
use support::*;

/// `session_type` and `talker_id`.
type Talk = (i64, i64);

/// The cursors of the checkpoint on disk, which is whole at any time.
fn cursors(path: &Path) -> BTreeMap<Talk, u64> {
    let text = std::fs::read_to_string(path).unwrap();
    let checkpoint = Checkpoint::from_json(&text).unwrap();
    let value = serde_json::to_value(&checkpoint).unwrap();
    let conversations = value["body"]["conversations"].as_array().unwrap();
    conversations
        .iter()
        .map(|it| {
            let talk = (
                it["session_type"].as_i64().unwrap(),
                it["talker_id"].as_i64().unwrap(),
            );
            (talk, it["cursor"].as_u64().unwrap_or_default())
        })
        .collect()
}

/// A checkpoint of a few conversations, and a world that goes on from there.
fn with_checkpoint() -> (World, PathBuf) {
    let world = World::new();
    let file = world.path("checkpoint");
    let mut watch = world.watch(&["--checkpoint", file.to_str().unwrap()]);
    watch.until_connected();
    world.texts(20001, 3);
    world.texts(20002, 2);
    watch.messages(5);
    watch.interrupt();
    watch.end().gracefully();
    (world, file)
}

fn two_more(world: &World) {
    world.text(20001, "new");
    world.text(20001, "newer");
}

fn watch_args(file: &Path) -> Vec<&str> {
    let path = file.to_str().unwrap();
    vec![
        "watch",
        "--json",
        "--interval",
        "0.2",
        "--duration",
        "60",
        "--checkpoint",
        path,
    ]
}
