//! Traits of a session on tokio alone: its clock, its turns, its runtimes that come and go.
//! (The suites that every runtime passes are in `examples/tests/parity`.)
#![allow(clippy::unwrap_used)]

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bilibili_session::poller::{PollerConfig, Status};
use bilibili_session::session::{Driven, Output};
use bilibili_session::{ClientConfig, Credential, Hosts, TransportError, Uid};
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Answer, NewMessage, Simulator};
use bilibili_session_tokio::{ReqwestTransport, Session, Transport, now};
use futures_util::{FutureExt, StreamExt};
use http::Request;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

const HOUR: Duration = Duration::from_secs(3600);
/// Far more than any machine is late.
const SOON: Duration = Duration::from_secs(60);

type World = Arc<Mutex<Simulator>>;

/// Answers at once.
fn transport(world: &World) -> impl Transport + use<> {
    let world = Arc::clone(world);
    move |request: Request<Vec<u8>>| {
        let answer = world.lock().unwrap().handle(now().wall.0, &request);
        let answer = match answer {
            Answer::Respond(response) => Ok(response),
            _ => Err(TransportError::timeout()),
        };
        std::future::ready(answer)
    }
}

fn context(simulator: &Simulator, origin: &str) -> ClientConfig {
    let login = simulator.login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build();
    ClientConfig::new(credential.unwrap()).hosts(Hosts::origin(origin).unwrap())
}

fn session(world: &World, config: PollerConfig) -> Session {
    let context = context(&world.lock().unwrap(), "http://127.0.0.1:1");
    Session::new(context, transport(world), config).unwrap()
}

fn receive(world: &World, text: &str) {
    let message = NewMessage::text(20001, text);
    let mut simulator = world.lock().unwrap();
    simulator.receive(now().wall.0, message).unwrap();
}

async fn connected(session: &Session) {
    let mut updates = session.updates();
    while session.status() != Status::Connected {
        updates.next().await.unwrap();
    }
}

/// tokio's clock is the session's, and the date goes with it.
#[tokio::test(start_paused = true)]
async fn hours_pass_at_once_where_the_clock_is_paused() {
    let world = World::default();
    let session = session(&world, PollerConfig::new());
    let (begun, start) = (Instant::now(), now());
    session.on_text(async |text, event, session| {
        if text == "close" {
            session.close();
        }
        session.reply(&event, &text).await?;
        Ok(())
    });
    let users = async {
        sleep(HOUR).await;
        receive(&world, "hi");
        sleep(HOUR).await;
        receive(&world, "close");
    };
    let (end, ()) = tokio::join!(session.start(), users);
    assert_eq!(end, Ok(()));
    let passed = now();
    assert!(passed.monotonic - start.monotonic >= 2 * HOUR);
    let date = passed.wall.0 - start.wall.0;
    assert!((7_200_000_000..7_300_000_000).contains(&date), "{date} µs");
    assert!(begun.elapsed() < SOON);
    let simulator = world.lock().unwrap();
    assert_eq!(simulator.sent().count(), 2);
    // Every 6 s.
    let polls = simulator.requests_matching("new_sessions");
    assert!((1190..=1210).contains(&polls), "{polls}");
}

/// All is there, and nothing has to be waited for.
#[tokio::test]
async fn a_stream_that_always_has_more_gives_others_their_turn() {
    const ALL: usize = 2000;
    let world = World::default();
    let config = PollerConfig::new().interval(Duration::from_millis(1));
    let session = session(&world, config);
    connected(&session).await;
    for number in 0..ALL {
        receive(&world, &number.to_string());
    }
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let taking = tokio::spawn(async move {
        let messages = session.messages().take(ALL);
        messages
            .for_each(|_| {
                count.fetch_add(1, Ordering::Relaxed);
                std::future::ready(())
            })
            .await;
    });
    timeout(SOON, async {
        while seen.load(Ordering::Relaxed) == 0 {
            yield_now().await;
        }
    })
    .await
    .unwrap();
    assert!(seen.load(Ordering::Relaxed) < ALL, "it had all turns");
    timeout(SOON, taking).await.unwrap().unwrap();
}

fn with_one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn with_two_threads() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// Requests that one runtime has begun, and connections that it has opened, end with it.
#[test]
fn a_session_goes_on_in_the_next_runtime() {
    let server = Server::start(Simulator::default(), 0).unwrap();
    let context = context(&server.simulator(), &server.origin());
    let config = PollerConfig::new().interval(Duration::from_millis(20));
    let session = Session::new(context, ReqwestTransport::new().unwrap(), config).unwrap();
    let make = [with_one_thread, with_two_threads, with_one_thread];
    for (turn, make) in make.into_iter().enumerate() {
        let runtime = make();
        runtime.block_on(async {
            connected(&session).await;
            let message = NewMessage::text(20001, &turn.to_string());
            server.simulator().receive(now().wall.0, message).unwrap();
            let event = timeout(SOON, session.messages().next()).await.unwrap();
            assert_eq!(event.unwrap().text(), Some(&*turn.to_string()));
            // In the middle of the next round.
            let _ = timeout(Duration::from_millis(25), session.messages().next()).await;
        });
    }
}

/// The end of a runtime ends what it runs, and whoever waits for that.
#[test]
fn a_run_ends_with_its_runtime() {
    for make in [with_one_thread, with_two_threads] {
        let session = session(&World::default(), PollerConfig::new());
        let runtime = make();
        let running = {
            let _within = runtime.enter();
            session.run()
        };
        runtime.block_on(yield_now());
        drop(runtime);
        let end = with_one_thread().block_on(async { timeout(SOON, running).await });
        assert_eq!(end.unwrap(), Ok(()));
        assert_eq!(session.result(), None, "it can go on");
    }
}

/// The driver tells the time, also to a call that waits for keys that the session has asked for.
#[test]
fn a_session_by_hand_needs_no_runtime() {
    let world = World::default();
    let session = session(&world, PollerConfig::new());
    let mut by_hand = session.by_hand();
    let Output::Send(nav) = by_hand.poll_output(now(), &mut |_| ()) else {
        unreachable!("nothing is asked for");
    };
    let mut call = pin!(session.client().send_text(Uid(20001), "hi"));
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    let answer = transport(&world).send(nav.request).now_or_never().unwrap();
    by_hand.machine_mut().handle_response(now(), nav.id, answer);
    let Poll::Ready(sent) = call.as_mut().poll(&mut context) else {
        unreachable!("it waits");
    };
    sent.unwrap();
}

/// Whatever a session gives out can be moved to another thread.
#[test]
fn everything_can_be_spawned() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let world = World::default();
    let session = is_send(session(&world, PollerConfig::new()));
    drop(is_send(session.start()));
    drop(is_send(session.updates()));
    drop(is_send(session.messages()));
    let transport = is_send(ReqwestTransport::new().unwrap());
    let request = Request::new(Vec::new());
    drop(is_send(transport.send(request)));
    drop(is_send(
        session
            .client()
            .send_text(bilibili_session::Uid(20001), "hi"),
    ));
}
