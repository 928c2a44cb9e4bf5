//! Threads that a session starts, counted: its own binary, so that no other test starts any.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bilibili_session::poller::PollerConfig;
use bilibili_session::session::Update;
use bilibili_session::{ClientConfig, Credential, Hosts};
use bilibili_session_blocking::{Session, Transport, UreqTransport};
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{NewMessage, Simulator};

/// Longer than any of this takes on any machine.
const PATIENCE: Duration = Duration::from_secs(60);
const CONVERSATIONS: i64 = 8;

/// One test at a time: threads are counted in the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap()
}

/// Number of threads that this process has started by now: the standard library counts them.
fn started() -> u64 {
    let newest = thread::spawn(|| format!("{:?}", thread::current().id()));
    let newest = newest.join().unwrap();
    let digits: String = newest.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

fn receive(server: &Server) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = i64::try_from(now.unwrap().as_micros()).unwrap();
    for n in 0..CONVERSATIONS {
        let message = NewMessage::text(20001 + n, "hi");
        server.simulator().receive(now, message).unwrap();
    }
}

fn session(server: &Server, transport: impl Transport + 'static) -> Session {
    let login = server.simulator().login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct);
    // A name, so that names have to be looked up.
    let origin = server.origin().replace("127.0.0.1", "localhost");
    let context =
        ClientConfig::new(credential.build().unwrap()).hosts(Hosts::origin(&origin).unwrap());
    let config = PollerConfig::new().interval(Duration::from_millis(10));
    Session::new(context, transport, config).unwrap()
}

fn take(updates: &mut impl Iterator<Item = Update>, events: i64) {
    for _ in 0..events {
        updates.find(|it| it.event().is_some()).expect("a message");
    }
}

#[test]
fn a_hundred_requests_start_none() {
    let _alone = alone();
    let server = Server::start(Simulator::default(), 0).unwrap();
    let (requests, senders) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::default()));
    let ureq = UreqTransport::new();
    let transport = {
        let (requests, senders) = (Arc::clone(&requests), Arc::clone(&senders));
        move |request| {
            requests.fetch_add(1, Ordering::Relaxed);
            let mut senders: MutexGuard<'_, BTreeSet<String>> = senders.lock().unwrap();
            senders.insert(format!("{:?}", thread::current().id()));
            drop(senders);
            ureq.send(request)
        }
    };
    let session = session(&server, transport);
    let mut updates = session.updates();
    updates.find(|it| it.status().is_some()).unwrap();
    for _ in 0..5 {
        receive(&server);
        take(&mut updates, CONVERSATIONS);
    }

    let (threads, before) = (started(), requests.load(Ordering::Relaxed));
    while requests.load(Ordering::Relaxed) < before + 100 {
        receive(&server);
        take(&mut updates, CONVERSATIONS);
    }
    // But for the one that counts.
    assert_eq!(started() - threads, 1);
    // As many as are fetched side by side.
    let senders = senders.lock().unwrap().len();
    assert!((1..=4).contains(&senders), "{senders} threads");

    session.close();
    assert!(updates.all(|it| it.event().is_none()));
    drop((updates, session));
    #[cfg(target_os = "linux")]
    until("the threads of the session end", || running() == 0);
}

/// One that hangs holds up neither the end nor the other threads, and its thread ends
/// when it does.
#[test]
fn one_that_hangs_is_left_behind() {
    let _alone = alone();
    let server = Server::start(Simulator::default(), 0).unwrap();
    let (hangs, goes_on) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let ureq = UreqTransport::new();
    let transport = {
        let (hangs, goes_on) = (Arc::clone(&hangs), Arc::clone(&goes_on));
        move |request: http::Request<Vec<u8>>| {
            if request.uri().path().ends_with("fetch_session_msgs") {
                hangs.store(true, Ordering::Relaxed);
                until("it goes on", || goes_on.load(Ordering::Relaxed));
            }
            ureq.send(request)
        }
    };
    let session = session(&server, transport);
    let mut updates = session.updates();
    updates.find(|it| it.status().is_some()).unwrap();
    receive(&server);
    let closing = {
        let (session, hangs) = (session.clone(), Arc::clone(&hangs));
        thread::spawn(move || {
            until("it hangs", || hangs.load(Ordering::Relaxed));
            session.close();
        })
    };
    assert!(updates.all(|it| it.event().is_none()));
    closing.join().unwrap();
    drop((updates, session));
    #[cfg(target_os = "linux")]
    {
        // And the one that looks names up, which is their transport's.
        until("only those that hang are left", || {
            (2..=5).contains(&running())
        });
        goes_on.store(true, Ordering::Relaxed);
        until("they end", || running() == 0);
    }
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        thread::sleep(Duration::from_millis(2));
    }
}

/// Threads of sessions that are there.
#[cfg(target_os = "linux")]
fn running() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names = threads.filter_map(|it| std::fs::read_to_string(it.ok()?.path().join("comm")).ok());
    // As much of a name as Linux keeps.
    names.filter(|it| it.trim() == "bilibili-sessio").count()
}
