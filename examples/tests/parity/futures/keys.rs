//! The one nav of a session, when those that wait for it are dropped.

use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bilibili_session::endpoints::SentMsg;
use bilibili_session::poller::PollerConfig;
use bilibili_session::{Error, Uid};
use bilibili_session_simulator::{Fault, FaultKind};
use futures_util::{FutureExt, StreamExt};

use super::{Client, Session, block_on, sleep};
use crate::world::World;

/// Far less than the deadline of nav, far more than a machine is late.
const SOON: Duration = Duration::from_secs(15);

fn world(kind: FaultKind) -> World {
    let world = World::default();
    world.fault(Fault::once("nav", kind));
    world
}

/// Polls once: something else is waited for, or nothing more is asked for.
fn begin(future: &mut (impl Future + Unpin)) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(future.poll_unpin(&mut context), Poll::Pending));
}

#[track_caller]
fn ends_soon(call: impl Future<Output = Result<SentMsg, Error>>) {
    let began = Instant::now();
    block_on(call).unwrap();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn a_call_that_is_dropped_lets_the_next_ask() {
    let world = world(FaultKind::Hang);
    let client = Client::new(world.context(), world.transport());
    ends_soon(async {
        let mut hanging = Box::pin(client.send_text(Uid(20001), "hi"));
        begin(&mut hanging);
        let other = client.send_text(Uid(20001), "hi");
        let dropped = async {
            // The other waits by then.
            sleep(Duration::from_millis(50)).await;
            assert_eq!(world.requests("nav"), 1);
            drop(hanging);
        };
        futures_util::join!(other, dropped).0
    });
    assert_eq!(world.requests("nav"), 2);
}

#[test]
fn a_call_drives_the_nav_that_it_waits_for() {
    let world = world(FaultKind::Delay(Duration::from_millis(50)));
    let config = PollerConfig::new().interval(Duration::from_secs(1));
    let session = Session::new(world.context(), world.transport(), config).unwrap();
    ends_soon(async {
        // The session has sent nav, and nobody drives it any more.
        begin(&mut session.updates().next());
        session.client().send_text(Uid(20001), "hi").await
    });
    assert_eq!(world.requests("nav"), 1);
}
