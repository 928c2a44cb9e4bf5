//! Renewal of logins: none is lost, and none is stored without the lease.

use std::sync::Mutex;

use bilibili_session_fleet::accounts::{self, Settings, read_cookies};
use bilibili_session_fleet::sessions::core::login::Login;
use bilibili_session_simulator::{NewMessage, Simulator};

use super::support::front::Front;
use super::support::{FIRST, Fleet, cookies, now_us, number, simulator, until};
use super::{LONG, OPTIONS, PACE, watched};

const EXCHANGE: &str = "/cookie/refresh";
const CONFIRM: &str = "/confirm/refresh";

/// Gives the first account a login with a refresh token, which the service wants to be renewed like all others.
async fn age(fleet: &Fleet, simulator: &Mutex<Simulator>) {
    let credential = read_cookies(&cookies(FIRST)).unwrap().credential().clone();
    let login = {
        let mut simulator = simulator.lock().unwrap();
        simulator.age_logins();
        let token = simulator.refresh_token(FIRST).unwrap();
        Login::with_refresh_token(credential, token).unwrap()
    };
    let settings = Settings {
        pace: PACE,
        ..Settings::default()
    };
    accounts::add(&fleet.database, &fleet.vault(), &[login], &settings, true)
        .await
        .unwrap();
}

async fn stored(client: &tokio_postgres::Client) -> Vec<u8> {
    let login = "SELECT login FROM bili_fleet.accounts WHERE uid = $1";
    client.query_one(login, &[&FIRST]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_renewed_and_outlives_a_kill_before_the_old_one_is_ended() {
    let Some(fleet) = Fleet::start(2, PACE).await else {
        return;
    };
    let simulator = simulator(2);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    age(&fleet, &simulator).await;
    let (before, foreign) = {
        let simulator = simulator.lock().unwrap();
        (
            simulator.good_logins(FIRST),
            simulator.good_logins(FIRST + 1),
        )
    };
    let old = stored(&client).await;
    let good = || simulator.lock().unwrap().good_logins(FIRST);

    front.hold(CONFIRM);
    let worker = fleet.worker("one", &front.origin, &OPTIONS);
    until("it is to be confirmed", LONG, async || front.held() == 1).await;
    assert_ne!(stored(&client).await, old, "it was stored before");
    assert_eq!(good().len(), 2, "the old one was not ended");
    drop(worker);
    front.release();

    let worker = fleet.worker("two", &front.origin, &OPTIONS);
    until("the old one is ended", LONG, async || good().len() == 1).await;
    assert_ne!(good(), before);
    // Its session goes on with the new one, and so does that of the next worker.
    let events = "SELECT count(*) FROM bili_fleet.events";
    let come = async |count: i64| {
        let message = NewMessage::text(20_001, "made up");
        simulator
            .lock()
            .unwrap()
            .receive(now_us(), message)
            .unwrap();
        until("it came", LONG, async || {
            number(&client, events).await == count
        })
        .await;
    };
    come(1).await;
    drop(worker);
    let worker = fleet.worker("three", &front.origin, &OPTIONS);
    come(2).await;
    drop(worker);

    // A whole renewal under way of a session, which goes on with the new cookies when the old ones are dead.
    let renewed = good();
    simulator.lock().unwrap().age_logins();
    let due = "UPDATE bili_fleet.accounts SET login_due = 'epoch'";
    client.execute(due, &[]).await.unwrap();
    let _next = fleet.worker("four", &front.origin, &OPTIONS);
    until("it is renewed once more", LONG, async || {
        good().len() == 1 && good() != renewed
    })
    .await;
    come(3).await;
    let active =
        "SELECT count(*) FROM bili_fleet.accounts WHERE state = 'active' AND last_error IS NULL";
    assert_eq!(number(&client, active).await, 2);
    let confirms = simulator.lock().unwrap().requests_matching(CONFIRM);
    assert_eq!(confirms, 2, "what is settled is not repeated");

    // Cookies alone are used as they are.
    assert_eq!(watched(&client).await, 2);
    assert_eq!(simulator.lock().unwrap().good_logins(FIRST + 1), foreign);
    let (dump, log) = (fleet.postgres.dump(), fleet.log("four") + &fleet.log("one"));
    for secret in good()
        .into_iter()
        .flat_map(|(sessdata, csrf)| [sessdata, csrf])
    {
        assert!(!dump.contains(&secret) && !log.contains(&secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_login_is_not_stored_by_a_worker_whose_lease_was_taken() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let simulator = simulator(1);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    age(&fleet, &simulator).await;
    let old = stored(&client).await;
    front.hold(EXCHANGE);
    // A lease so long that it is not renewed in between.
    let _worker = fleet.worker("slow", &front.origin, &["--lease", "600"]);
    // What it writes when it begins to watch would tell it as well.
    until("it asks for a new one", LONG, async || {
        front.held() == 1 && watched(&client).await == 1
    })
    .await;
    let steal = "UPDATE bili_fleet.leases SET owner = 'other', epoch = epoch + 1, until = clock_timestamp() + interval '1 hour'";
    client.execute(steal, &[]).await.unwrap();
    front.release();
    until("it hears that", LONG, async || {
        fleet
            .log("slow")
            .contains("the renewed login was not stored")
    })
    .await;
    assert_eq!(stored(&client).await, old);
    let simulator = simulator.lock().unwrap();
    assert_eq!(simulator.requests_matching(EXCHANGE), 1);
    assert_eq!(simulator.requests_matching(CONFIRM), 0);
    assert_eq!(simulator.good_logins(FIRST).len(), 2, "the old one is good");
}
