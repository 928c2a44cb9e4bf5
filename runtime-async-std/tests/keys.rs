//! The one nav of a session, when those that wait for it are dropped.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::future::{Future, pending};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_std::task::{block_on, sleep};
use bilibili_session::endpoints::SentMsg;
use bilibili_session::poller::PollerConfig;
use bilibili_session::{ClientConfig, Credential, Error, Hosts, TransportError, Uid};
use bilibili_session_async_std::{Client, Session, Transport, now};
use bilibili_session_simulator::{Answer, Fault, FaultKind, Simulator};
use futures_util::FutureExt;
use futures_util::StreamExt;
use http::Request;

type World = Arc<Mutex<Simulator>>;

/// Far less than the deadline of nav, far more than a machine is late.
const SOON: Duration = Duration::from_secs(15);

fn world(kind: FaultKind) -> World {
    let mut simulator = Simulator::default();
    simulator.push_fault(Fault::once("nav", kind));
    Arc::new(Mutex::new(simulator))
}

fn transport(world: &World) -> impl Transport + use<> {
    let world = Arc::clone(world);
    move |request: Request<Vec<u8>>| {
        let answer = world.lock().unwrap().handle(now().wall.0, &request);
        async move {
            match answer {
                Answer::Respond(response) => Ok(response),
                Answer::Delayed(delay, response) => {
                    sleep(delay).await;
                    Ok(response)
                }
                Answer::Hang => pending().await,
                _ => Err(TransportError::timeout()),
            }
        }
    }
}

fn context(world: &World) -> ClientConfig {
    let login = world.lock().unwrap().login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build();
    ClientConfig::new(credential.unwrap()).hosts(Hosts::origin("http://127.0.0.1:1").unwrap())
}

fn navs(world: &World) -> u64 {
    world.lock().unwrap().requests_matching("nav")
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
    let client = Client::new(context(&world), transport(&world));
    let mut hanging = Box::pin(client.send_text(Uid(20001), "hi"));
    begin(&mut hanging);
    let other = client.send_text(Uid(20001), "hi");
    let dropped = async {
        // The other waits by then.
        sleep(Duration::from_millis(50)).await;
        assert_eq!(navs(&world), 1);
        drop(hanging);
    };
    ends_soon(async { futures_util::join!(other, dropped).0 });
    assert_eq!(navs(&world), 2);
}

#[test]
fn a_call_drives_the_nav_that_it_waits_for() {
    let world = world(FaultKind::Delay(Duration::from_millis(50)));
    let config = PollerConfig::new().interval(Duration::from_secs(1));
    let session = Session::new(context(&world), transport(&world), config).unwrap();
    // The session has sent nav, and nobody drives it any more.
    begin(&mut session.updates().next());
    ends_soon(session.client().send_text(Uid(20001), "hi"));
    assert_eq!(navs(&world), 1);
}
