//! Sessions on a runtime that brings little, or that ends.
//! (The suites that every runtime passes are in `examples/tests/parity`; futures and streams run there on smol as well.)
#![allow(clippy::unwrap_used)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, process};

use bilibili_session::model::PictureContent;
use bilibili_session::poller::PollerConfig;
use bilibili_session::{ClientConfig, Credential, TransportError};
use bilibili_session_async::{Client, Runtime, Session, Spawn};
use http::{Request, Response};
use smol::{Timer, block_on};

/// Timers, and nothing else.
#[derive(Debug, Clone)]
struct Bare;

impl Runtime for Bare {
    async fn sleep(span: Duration) {
        Timer::after(span).await;
    }
}

fn context() -> ClientConfig {
    ClientConfig::new(Credential::parse("SESSDATA=made%2Cup").unwrap())
}

fn session<R: Runtime>() -> Session<R> {
    let out_of_reach = |_: Request<Vec<u8>>| async { Err(TransportError::timeout()) };
    Session::new(context(), out_of_reach, PollerConfig::new()).unwrap()
}

/// Of this process, and deleted at the end.
struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_is_written_where_the_runtime_has_no_files() {
    let name = format!("bilibili-session-{}.png", process::id());
    let file = File(env::temp_dir().join(name));
    fs::write(&file.0, "what was there is longer").unwrap();
    let transport = |_: Request<Vec<u8>>| async { Ok(Response::new(b"made up".to_vec())) };
    let client = Client::<Bare>::new(context(), transport);
    let picture = PictureContent::new("https://i0.hdslb.com/bfs/made-up.png");
    block_on(client.save_picture(&picture, &file.0)).unwrap();
    assert_eq!(fs::read(&file.0).unwrap(), b"made up");
    let nowhere = file.0.join("within a file");
    assert!(block_on(client.save_picture(&picture, nowhere)).is_err());
}

/// A runtime that was shut down.
#[derive(Debug, Clone)]
struct Gone;

impl Runtime for Gone {
    async fn sleep(span: Duration) {
        Timer::after(span).await;
    }
}

impl Spawn for Gone {
    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        drop(task);
    }
}

#[test]
fn a_run_whose_task_is_dropped_ends_as_asked_for() {
    let session = session::<Gone>();
    assert_eq!(block_on(session.run()), Ok(()));
    assert_eq!(session.result(), None, "it can go on");
}

/// A runtime without timers.
#[derive(Debug, Clone)]
struct Timeless;

impl Runtime for Timeless {
    #[allow(clippy::panic, reason = "what a runtime does where its timers are off")]
    async fn sleep(_: Duration) {
        panic!("made up");
    }
}

impl Spawn for Timeless {
    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(task).detach();
    }
}

#[test]
fn a_panic_of_the_runtime_comes_to_whoever_waits() {
    let running = session::<Timeless>().run();
    let panic = catch_unwind(AssertUnwindSafe(|| block_on(running))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"made up"));
}
