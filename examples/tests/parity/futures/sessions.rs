//! Sessions as futures and streams: what is given up in the middle, and what runs side by side.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bilibili_session::TransportError;
use bilibili_session::poller::{Checkpoint, Status, Warning};
use futures_util::future::abortable;
use futures_util::{FutureExt, StreamExt};
use http::{Request, Response};

use super::{Session, Transport, block_on, sleep, spawn, timeout};
use crate::world::{A_WHILE, SOON, World, numbers, often, text};

/// Runs a test, which must come to an end.
fn run<T>(test: impl Future<Output = T>) -> T {
    block_on(async { timeout(SOON, test).await }).unwrap_or_else(|_| panic!("it takes too long"))
}

fn session(world: &World) -> Session {
    Session::new(world.context(), world.transport(), often()).unwrap()
}

fn resumed(world: &World, checkpoint: &Checkpoint) -> Session {
    Session::resume(world.context(), world.transport(), often(), checkpoint).unwrap()
}

/// Calls this when the base line is taken: what it sends comes out.
fn when_connected(session: &Session, act: impl Fn() + Send + 'static) {
    session.on_status(move |change, _| {
        if change.status == Status::Connected {
            act();
        }
        async {}
    });
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        sleep(Duration::from_millis(2)).await;
    }
}

/// A list that handlers write to.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Says when it is dropped.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A panic before there is a future; the suite of all runtimes has the one within.
#[test]
fn a_handler_that_panics_before_its_future_is_reported() {
    let world = World::default();
    let session = session(&world);
    let warned = Log::default();
    session.on_any(|_, _| -> std::future::Ready<()> { panic!("out of luck") });
    session.on_any(async |_, session| session.close());
    let log = warned.clone();
    session.on_warning(move |warning, _| {
        if let Warning::HandlerFailed { reason, .. } = &*warning {
            log.push(reason);
        }
        async {}
    });
    let service = world.clone();
    when_connected(&session, move || service.receive(20001, "ping"));
    assert_eq!(run(session.start()), Ok(()));
    assert_eq!(warned.all(), ["it panicked: out of luck"]);
}

#[test]
fn conversations_are_handled_side_by_side_and_each_in_order() {
    let world = World::default();
    let session = session(&world);
    let log = Log::default();
    let writer = log.clone();
    session.on_any(move |event, session| {
        let log = writer.clone();
        async move {
            if text(&event) == "first" {
                // Waits for another conversation, and holds up its own.
                until(|| log.all().contains(&String::from("other"))).await;
            }
            log.push(text(&event));
            if text(&event) == "second" {
                session.close();
            }
        }
    });
    let service = world.clone();
    when_connected(&session, move || {
        service.receive(20001, "first");
        service.receive(20001, "second");
        service.receive(20002, "other");
    });
    assert_eq!(run(session.start()), Ok(()));
    assert_eq!(log.all(), ["other", "first", "second"]);
}

#[test]
fn a_slow_handler_stops_the_polling_when_the_queue_is_full_and_nothing_is_lost() {
    let world = World::default();
    let session = session(&world);
    session.limits(1, 3);
    let log = Log::default();
    let go_on = Arc::new(AtomicBool::new(false));
    let (writer, gate) = (log.clone(), Arc::clone(&go_on));
    session.on_any(move |event, session| {
        let (log, gate) = (writer.clone(), Arc::clone(&gate));
        async move {
            until(|| gate.load(Ordering::SeqCst)).await;
            log.push(text(&event));
            if log.len() == 10 {
                session.close();
            }
        }
    });
    run(async {
        let running = session.run();
        until(|| session.status() == Status::Connected).await;
        world.receive(20001, "0");
        let before = world.requests("");
        // One slow handler stops no polling.
        until(|| world.requests("") > before + 5).await;
        for text in numbers(1..10) {
            world.receive(20001, &text);
        }
        sleep(A_WHILE).await;
        let full = world.requests("");
        sleep(A_WHILE).await;
        assert_eq!(world.requests(""), full, "a full queue does");
        assert_eq!(log.len(), 0);
        go_on.store(true, Ordering::SeqCst);
        assert_eq!(running.await, Ok(()));
    });
    assert_eq!(log.all(), numbers(0..10));
}

#[test]
fn a_start_that_is_dropped_leaves_what_it_was_about() {
    let world = World::default();
    let session = session(&world);
    let log = Log::default();
    let is_first = Arc::new(AtomicBool::new(true));
    let dropped = Arc::new(AtomicBool::new(false));
    let (writer, first, gone) = (log.clone(), is_first, Arc::clone(&dropped));
    session.on_any(move |event, session| {
        let (log, guard) = (writer.clone(), Guard(Arc::clone(&gone)));
        let is_first = first.swap(false, Ordering::SeqCst);
        async move {
            let _guard = guard;
            if is_first {
                log.push("begun");
                pending::<()>().await;
            }
            log.push(text(&event));
            if text(&event) == "2" {
                session.close();
            }
        }
    });
    let service = world.clone();
    when_connected(&session, move || {
        for text in numbers(0..3) {
            service.receive(20001, &text);
        }
    });
    run(async {
        let start = session.clone();
        let (start, handle) = abortable(async move { start.start().await });
        drop(spawn(start));
        until(|| log.len() == 1).await;
        handle.abort();
        until(|| dropped.load(Ordering::SeqCst)).await;
        let polls = world.requests("");
        sleep(A_WHILE).await;
        assert_eq!(world.requests(""), polls, "nobody asks any more");

        let checkpoint = session.checkpoint().unwrap();
        let again = resumed(&world, &checkpoint).messages().take(3);
        let again = again.map(|event| text(&event)).collect::<Vec<_>>().await;
        assert_eq!(again, numbers(0..3));

        assert_eq!(
            session.start().await,
            Ok(()),
            "the same session goes on, too"
        );
    });
    assert_eq!(log.all(), ["begun", "0", "1", "2"]);
}

#[test]
fn requests_outlive_their_stream_and_end_with_the_session() {
    let world = World::default();
    let dropped = Arc::new(AtomicBool::new(false));
    let answers = Arc::new(AtomicBool::new(false));
    let (service, gone, go_on) = (world.clone(), Arc::clone(&dropped), Arc::clone(&answers));
    let transport = move |request: Request<Vec<u8>>| {
        let (service, guard) = (service.clone(), Guard(Arc::clone(&gone)));
        let go_on = Arc::clone(&go_on);
        async move {
            until(|| go_on.load(Ordering::SeqCst)).await;
            let answer = service.answer(request).await;
            std::mem::forget(guard);
            answer
        }
    };
    let session = Session::new(world.context(), transport, often()).unwrap();
    run(async {
        let mut updates = session.updates();
        assert!(timeout(A_WHILE, updates.next()).await.is_err());
        drop(updates);
        answers.store(true, Ordering::SeqCst);
        sleep(A_WHILE).await;
        assert_eq!(world.requests(""), 0, "nobody goes on");

        let mut updates = session.updates();
        while session.status() != Status::Connected {
            let update = updates.next().await.unwrap();
            assert!(update.warning().is_none(), "{update:?}");
        }
        assert_eq!(world.requests("nav"), 1, "it was not asked again");
        // One that is given up between two items loses nothing.
        world.receive(20001, "hi");
        assert!(updates.next().now_or_never().is_none());
        let mut events = session.messages();
        drop(updates);
        assert_eq!(text(&events.next().await.unwrap()), "hi");

        answers.store(false, Ordering::SeqCst);
        assert!(timeout(A_WHILE, events.next()).await.is_err());
        drop(session);
        assert!(!dropped.load(Ordering::SeqCst), "the stream is a handle");
        drop(events);
        assert!(dropped.load(Ordering::SeqCst), "the last handle is gone");
    });
}

#[test]
fn a_close_ends_the_requests() {
    let world = World::default();
    let dropped = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&dropped);
    let transport = move |_: Request<Vec<u8>>| {
        let guard = Guard(Arc::clone(&gone));
        async move {
            let _guard = guard;
            pending().await
        }
    };
    let session = Session::new(world.context(), transport, often()).unwrap();
    run(async {
        assert!(timeout(A_WHILE, session.updates().next()).await.is_err());
        assert!(!dropped.load(Ordering::SeqCst));
        session.close();
        assert!(dropped.load(Ordering::SeqCst));
    });
}

#[test]
fn transports_can_be_shared_and_asynchronous() {
    fn takes(_: impl Transport) {}
    let closure = |_: Request<Vec<u8>>| async { Ok(Response::new(Vec::new())) };
    takes(closure);
    let borrowed = &closure;
    takes(borrowed);
    takes(Box::new(closure));
    takes(Arc::new(closure));
    takes(async |_: Request<Vec<u8>>| Ok(Response::new(Vec::new())));

    struct Own;
    impl Transport for Own {
        async fn send(&self, _: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
            Ok(Response::new(Vec::new()))
        }
    }
    takes(Own);
    takes(Arc::new(Own));
}
