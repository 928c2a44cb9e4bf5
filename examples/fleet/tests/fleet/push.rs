//! The push channel: what arrives is asked for at once.

use std::time::{Duration, Instant};

use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Config, Login, NewMessage, Simulator};

use super::support::{FIRST, Fleet, now_us, number, until};
use super::{LONG, OPTIONS, watched};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_listens_need_not_wait_for_the_next_round() {
    let pace = Duration::from_secs(300);
    let Some(fleet) = Fleet::start(1, pace).await else {
        return;
    };
    let simulator = Simulator::new(Config {
        feeds: false,
        login: Login::made_up(FIRST),
        ..Config::default()
    });
    let server = Server::start(simulator, 0).unwrap();
    let client = fleet.client().await;
    let options = [&OPTIONS[..], &["--push"]].concat();
    let worker = fleet.worker("one", &server.origin(), &options);
    until("it listens", LONG, async || {
        watched(&client).await == 1 && server.simulator().push_listeners() == 1
    })
    .await;
    let arrived = Instant::now();
    let message = NewMessage::text(20_001, "made up");
    server.simulator().receive(now_us(), message).unwrap();
    let events = "SELECT count(*) FROM bili_fleet.events";
    until("it came", LONG, async || number(&client, events).await == 1).await;
    assert!(arrived.elapsed() < pace / 2);
    drop(worker);
    until("nobody listens", LONG, async || {
        server.simulator().push_listeners() == 0
    })
    .await;
}
