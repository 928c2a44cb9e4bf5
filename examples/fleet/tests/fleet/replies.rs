//! Replies through trouble: none is stuck, none is lost, none is sent twice.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bilibili_session_fleet::outbox;
use bilibili_session_fleet::sessions::core::Uid;
use bilibili_session_simulator::{Fault, FaultKind, Simulator};
use rustix::process::Signal;

use super::support::front::Front;
use super::support::proxy::Proxy;
use super::support::{FIRST, Fleet, number, simulator, until};
use super::ways::{bind, set_proxy};
use super::{LONG, OPTIONS, PACE, watched};

const SEND: &str = "send_msg";
/// A lease that lasts for all of a test: nobody claims the account anew.
const LASTING: [&str; 4] = ["--lease", "120", "--capacity", "20"];

async fn put(fleet: &Fleet, uid: i64, text: &str) {
    let new = outbox::put(&fleet.database, text, uid, Uid(20_001).into(), text).await;
    assert!(new.unwrap());
}

async fn state(client: &tokio_postgres::Client, key: &str) -> String {
    let state = "SELECT state FROM bili_fleet.outbox WHERE key = $1";
    client.query_one(state, &[&key]).await.unwrap().get(0)
}

fn sent(simulator: &Mutex<Simulator>) -> Vec<String> {
    let simulator = simulator.lock().unwrap();
    let all = simulator.sent().map(|message| message.content.clone());
    all.collect()
}

fn text(text: &str) -> String {
    format!(r#"{{"content":"{text}"}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_before_the_end_of_a_reply_keeps_none_back() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let simulator = simulator(1);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let _worker = fleet.worker("one", &front.origin, &LASTING);
    until("it is watched", LONG, async || watched(&client).await == 1).await;
    front.hold(SEND);
    put(&fleet, FIRST, "first").await;
    put(&fleet, FIRST, "second").await;
    until("it is being sent", LONG, async || front.held() == 1).await;
    fleet.postgres.stop();
    front.release();
    until("it is sent", LONG, async || sent(&simulator).len() == 1).await;
    // What came of it cannot be written before this.
    until("that is not written", LONG, async || {
        fleet
            .log("one")
            .contains("what came of a reply is not written")
    })
    .await;
    fleet.postgres.start_again();
    let client = fleet.client().await;
    until("both are written", LONG, async || {
        let sent = "SELECT count(*) FROM bili_fleet.outbox WHERE state = 'sent'";
        number(&client, sent).await == 2
    })
    .await;
    assert_eq!(sent(&simulator), [text("first"), text("second")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_whose_mark_was_never_answered_for_is_sent() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let simulator = simulator(1);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let _worker = fleet.worker("one", &front.origin, &LASTING);
    until("it is watched", LONG, async || watched(&client).await == 1).await;
    // As the worker leaves it where it is cut off after its commit, and before the answer.
    let marked =
        "INSERT INTO bili_fleet.outbox (key, uid, session_type, talker_id, text, state, epoch)
        SELECT 'marked', uid, 1, 20001, 'marked', 'sending', epoch FROM bili_fleet.leases";
    client.execute(marked, &[]).await.unwrap();
    put(&fleet, FIRST, "next").await;
    until("both are sent", LONG, async || sent(&simulator).len() == 2).await;
    assert_eq!(sent(&simulator), [text("marked"), text("next")]);
    until("that is written", LONG, async || {
        state(&client, "next").await == "sent" && state(&client, "marked").await == "sent"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_outlives_a_proxy_that_is_away_and_a_service_that_is_down() {
    let Some(fleet) = Fleet::start(2, PACE).await else {
        return;
    };
    let simulator = simulator(2);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let (proxied, direct) = (FIRST, FIRST + 1);
    let proxy = Proxy::start().await;
    let address = format!("http://{}", proxy.address);
    set_proxy(&fleet, &address).await;
    bind(&fleet, proxied, "proxied", PACE).await;
    let _worker = fleet.worker("one", &front.origin, &LASTING);
    until("both are watched", LONG, async || {
        watched(&client).await == 2
    })
    .await;
    proxy.end();
    let down = Fault::once(
        "send_msg",
        FaultKind::Http(http::StatusCode::SERVICE_UNAVAILABLE),
    );
    simulator.lock().unwrap().push_fault(down);
    put(&fleet, proxied, "through").await;
    put(&fleet, direct, "down").await;
    // They wait, with the reason, and are not given up.
    until("both were tried", LONG, async || {
        let tried = "SELECT count(*) FROM bili_fleet.outbox WHERE error IS NOT NULL";
        number(&client, tried).await == 2
    })
    .await;
    for key in ["through", "down"] {
        assert_eq!(state(&client, key).await, "waiting", "{key}");
    }
    let _again = Proxy::start_at(&proxy.address).await;
    until("both are sent", LONG, async || {
        let sent = "SELECT count(*) FROM bili_fleet.outbox WHERE state = 'sent'";
        number(&client, sent).await == 2
    })
    .await;
    assert_eq!(sent(&simulator), [text("through")]);
    let asked = simulator.lock().unwrap().requests_matching(SEND);
    assert_eq!(asked, 3, "each once, and the one that failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_being_sent_at_the_end_of_a_worker_is_told_of() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let simulator = simulator(1);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let mut worker = fleet.worker("one", &front.origin, &OPTIONS);
    until("it is watched", LONG, async || watched(&client).await == 1).await;
    front.hold(SEND);
    put(&fleet, FIRST, "last").await;
    until("it is being sent", LONG, async || front.held() == 1).await;
    worker.signal(Signal::TERM);
    let asked = Instant::now();
    // The answer comes while it ends.
    tokio::time::sleep(Duration::from_millis(200)).await;
    front.release();
    assert!(worker.0.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(2));
    assert_eq!(sent(&simulator), [text("last")]);
    assert_eq!(state(&client, "last").await, "sent");
}
