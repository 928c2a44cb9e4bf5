//! Nav once: the poller and the calls of its account ask for the keys one at a time.

use std::time::Duration;

use bilibili_session::call::{self, Call};
use bilibili_session::endpoints::{FetchSessionMsgs, MessagePage};
use bilibili_session::poller::{Output, PollerConfig};
use bilibili_session::session::{self, SessionMachine};
use bilibili_session::{AuthState, Now, TransportError, Uid, UnixMicros};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::scenario::{Scenario, context, entry, nav_data, page, user};

type Answer = Result<Response<Vec<u8>>, TransportError>;

/// A signed call beside the poller, or of an account that has none.
struct Signed(Call<FetchSessionMsgs>);

/// The next thing to do for a call, in a word.
#[derive(Debug, PartialEq)]
enum Next {
    Nav,
    Send,
    Wait(Duration),
    /// The code of the service, or none.
    Failed(Option<i64>),
    Succeeded,
}

/// An account whose calls are polled.
trait Account {
    fn poll(&mut self, call: &mut Call<FetchSessionMsgs>) -> call::Output<MessagePage>;
    fn take(&mut self, call: &mut Call<FetchSessionMsgs>, answer: Answer);
    fn elapsed(&self) -> Duration;
}

impl Account for Scenario {
    fn poll(&mut self, call: &mut Call<FetchSessionMsgs>) -> call::Output<MessagePage> {
        let now = self.now();
        self.poller.poll_call(now, call)
    }

    fn take(&mut self, call: &mut Call<FetchSessionMsgs>, answer: Answer) {
        let now = self.now();
        self.poller.handle_call_response(now, call, answer);
    }

    fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// An account without a poller.
struct Alone {
    account: AuthState,
    elapsed: Duration,
}

impl Alone {
    fn new() -> Self {
        Self {
            account: AuthState::new(context()),
            elapsed: Duration::from_secs(1000),
        }
    }

    fn now(&self) -> Now {
        Now {
            monotonic: self.elapsed,
            wall: UnixMicros(1_700_000_000_000_000),
        }
    }
}

impl Account for Alone {
    fn poll(&mut self, call: &mut Call<FetchSessionMsgs>) -> call::Output<MessagePage> {
        let now = self.now();
        call.poll_output(&mut self.account, now)
    }

    fn take(&mut self, call: &mut Call<FetchSessionMsgs>, answer: Answer) {
        let now = self.now();
        call.handle_response(&mut self.account, now, answer);
    }

    fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl Signed {
    fn new() -> Self {
        Self(Call::new(FetchSessionMsgs::new(Uid(20001))))
    }

    fn next(&mut self, account: &mut impl Account) -> Next {
        match account.poll(&mut self.0) {
            call::Output::Send(request) if is_nav(&request) => Next::Nav,
            call::Output::Send(_) => Next::Send,
            call::Output::Wait(until) => Next::Wait(until - account.elapsed()),
            call::Output::Done(Ok(_)) => Next::Succeeded,
            call::Output::Done(Err(error)) => Next::Failed(error.code()),
        }
    }

    #[track_caller]
    fn waits(&mut self, account: &mut impl Account) {
        let next = self.next(account);
        let is_wait = matches!(next, Next::Wait(wait) if wait > Duration::ZERO);
        assert!(is_wait, "expected a wait, got {next:?}");
    }

    fn take(&mut self, account: &mut impl Account, answer: Answer) {
        account.take(&mut self.0, answer);
    }
}

fn is_nav(request: &Request<Vec<u8>>) -> bool {
    request.uri().path().ends_with("/nav")
}

fn good(data: &Value) -> Answer {
    let body = json!({"code": 0, "message": "0", "data": data});
    Ok(Response::new(body.to_string().into_bytes()))
}

fn refused(code: i64) -> Answer {
    let body = json!({"code": code, "message": "made up"});
    Ok(Response::new(body.to_string().into_bytes()))
}

fn start() -> Scenario {
    Scenario::new(PollerConfig::new())
}

/// The next request of the poller, warnings and changes of the status passed over; `None` when it waits.
fn sends(scenario: &mut Scenario) -> Option<String> {
    loop {
        match scenario.poll() {
            Output::Send(outgoing) => {
                let path = outgoing.request.uri().path();
                return path.rsplit('/').next().map(str::to_owned);
            }
            Output::Wait(until) => {
                assert!(until > scenario.elapsed, "a wait for the past: {until:?}");
                return None;
            }
            Output::Finished(_) => return None,
            Output::Event(_) | Output::Feed(_) | Output::Warning(_) | Output::Status(_) => {}
        }
    }
}

#[test]
fn calls_wait_for_the_nav_of_the_poller() {
    let mut scenario = start();
    let nav = scenario.expect_call("nav");
    let mut calls = [Signed::new(), Signed::new()];
    for call in &mut calls {
        call.waits(&mut scenario);
        call.waits(&mut scenario);
    }
    scenario.answer(&nav, nav_data());
    for call in &mut calls {
        assert_eq!(call.next(&mut scenario), Next::Send);
    }
}

#[test]
fn the_poller_and_other_calls_wait_for_the_nav_of_a_call() {
    let mut scenario = start();
    let (mut first, mut second) = (Signed::new(), Signed::new());
    assert_eq!(first.next(&mut scenario), Next::Nav);
    second.waits(&mut scenario);
    assert!(scenario.expect_wait() <= Duration::from_secs(30));
    first.take(&mut scenario, good(&nav_data()));
    assert_eq!(sends(&mut scenario).as_deref(), Some("get_sessions"));
    assert_eq!(second.next(&mut scenario), Next::Send);
    assert_eq!(first.next(&mut scenario), Next::Send);
}

#[test]
fn a_nav_of_the_poller_that_fails_fails_for_the_calls_that_wait() {
    let mut scenario = start();
    let nav = scenario.expect_call("nav");
    let (mut early, mut late) = (Signed::new(), Signed::new());
    early.waits(&mut scenario);
    scenario.respond(&nav, 502, "");
    assert_eq!(early.next(&mut scenario), Next::Failed(None));
    // A call that begins later asks for itself, though the poller pauses.
    assert_eq!(late.next(&mut scenario), Next::Nav);
}

#[test]
fn a_login_that_is_lost_ends_the_calls_that_wait() {
    let mut scenario = start();
    let nav = scenario.expect_call("nav");
    let mut call = Signed::new();
    call.waits(&mut scenario);
    scenario.refuse(&nav, -101);
    assert_eq!(call.next(&mut scenario), Next::Failed(Some(-101)));
}

#[test]
fn a_nav_of_a_call_that_fails_lets_the_poller_ask() {
    let mut scenario = start();
    let (mut first, mut second) = (Signed::new(), Signed::new());
    assert_eq!(first.next(&mut scenario), Next::Nav);
    second.waits(&mut scenario);
    assert_eq!(sends(&mut scenario), None);
    first.take(&mut scenario, Err(TransportError::timeout()));
    assert_eq!(first.next(&mut scenario), Next::Failed(None));
    assert_eq!(second.next(&mut scenario), Next::Failed(None));
    assert_eq!(sends(&mut scenario).as_deref(), Some("nav"));
}

#[test]
fn a_call_that_is_dropped_lets_the_others_ask() {
    let mut scenario = start();
    let (mut dropped, mut other) = (Signed::new(), Signed::new());
    assert_eq!(dropped.next(&mut scenario), Next::Nav);
    other.waits(&mut scenario);
    drop(dropped);
    assert_eq!(sends(&mut scenario).as_deref(), Some("nav"));
    other.waits(&mut scenario);

    let mut alone = Alone::new();
    let (mut dropped, mut other) = (Signed::new(), Signed::new());
    assert_eq!(dropped.next(&mut alone), Next::Nav);
    other.waits(&mut alone);
    drop(dropped);
    assert_eq!(other.next(&mut alone), Next::Nav);
}

#[test]
fn a_nav_that_is_overdue_lets_the_others_ask() {
    let mut scenario = start();
    let (mut hanging, mut other) = (Signed::new(), Signed::new());
    assert_eq!(hanging.next(&mut scenario), Next::Nav);
    let Next::Wait(wait) = other.next(&mut scenario) else {
        panic!("it does not wait");
    };
    assert_eq!(scenario.wait(), wait);
    assert_eq!(sends(&mut scenario).as_deref(), Some("nav"));
    other.waits(&mut scenario);
    // The overdue answer serves all the same.
    hanging.take(&mut scenario, good(&nav_data()));
    assert_eq!(other.next(&mut scenario), Next::Send);
}

#[test]
fn a_nav_of_the_poller_that_is_overdue_lets_a_call_ask() {
    let mut scenario = start();
    scenario.expect_call("nav");
    let mut call = Signed::new();
    call.waits(&mut scenario);
    // The poller gives its own up.
    scenario.wait();
    assert_eq!(call.next(&mut scenario), Next::Nav);
}

#[test]
fn an_overdue_nav_that_fails_is_not_the_failure_of_the_next() {
    let mut alone = Alone::new();
    let (mut hanging, mut other, mut third) = (Signed::new(), Signed::new(), Signed::new());
    assert_eq!(hanging.next(&mut alone), Next::Nav);
    let Next::Wait(wait) = other.next(&mut alone) else {
        panic!("it does not wait");
    };
    alone.elapsed += wait;
    assert_eq!(other.next(&mut alone), Next::Nav);
    third.waits(&mut alone);
    hanging.take(&mut alone, Err(TransportError::timeout()));
    third.waits(&mut alone);
    other.take(&mut alone, good(&nav_data()));
    assert_eq!(third.next(&mut alone), Next::Send);
}

#[test]
fn a_closed_poller_leaves_no_call_waiting() {
    let mut scenario = start();
    scenario.expect_call("nav");
    let mut call = Signed::new();
    call.waits(&mut scenario);
    scenario.poller.handle_close();
    assert_eq!(call.next(&mut scenario), Next::Nav);
}

#[test]
fn refused_keys_are_thrown_away_once() {
    let mut scenario = start();
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    let mut calls = [Signed::new(), Signed::new(), Signed::new()];
    for call in &mut calls {
        assert_eq!(call.next(&mut scenario), Next::Send);
    }
    for call in &mut calls {
        call.take(&mut scenario, refused(-403));
    }
    let [first, others @ ..] = &mut calls;
    assert_eq!(first.next(&mut scenario), Next::Nav);
    for call in &mut *others {
        call.waits(&mut scenario);
    }
    assert_eq!(sends(&mut scenario), None);
    let mut fresh = nav_data();
    fresh["wbi_img"]["img_url"] =
        json!("https://i0.hdslb.com/bfs/wbi/00112233445566778899aabbccddeeff.png");
    first.take(&mut scenario, good(&fresh));
    for call in &mut calls {
        assert_eq!(call.next(&mut scenario), Next::Send);
    }
    // They are refused again: no more keys.
    for call in &mut calls {
        call.take(&mut scenario, refused(-403));
        assert_eq!(call.next(&mut scenario), Next::Failed(Some(-403)));
    }
}

#[test]
fn no_call_waits_in_a_pause() {
    let mut scenario = start();
    let nav = scenario.expect_call("nav");
    let mut call = Signed::new();
    call.waits(&mut scenario);
    scenario.refuse(&nav, -352);
    let call::Output::Done(Err(error)) = Account::poll(&mut scenario, &mut call.0) else {
        panic!("the call is not over");
    };
    assert!(error.to_string().contains("pause"), "{error}");
}

#[test]
fn nothing_is_handled_while_nav_of_the_poller_is_in_flight() {
    let (early, late) = (user(20001), user(20002));
    let list = [entry(early, 0, -100), entry(late, 0, -100)];
    let mut scenario = Scenario::connected(PollerConfig::new(), &list);
    scenario.list(&[entry(early, 1, 6), entry(late, 1, 7)]);
    let (refused, served) = (scenario.expect_fetch(late), scenario.expect_fetch(early));
    scenario.refuse(&refused, -403);
    let nav = scenario.expect_call("nav");
    let message = scenario.message(early, 1);
    scenario.answer(&served, page(&[message], false));
    let now = scenario.now();
    let mut machine = SessionMachine::new(scenario.poller);
    let output = machine.poll_output(now);
    assert!(matches!(output, session::Output::Wait(_)), "{output:?}");
    machine.handle_response(now, nav.id, good(&nav_data()));
    let output = machine.poll_output(now);
    assert!(matches!(output, session::Output::Handle(_)), "{output:?}");
}
