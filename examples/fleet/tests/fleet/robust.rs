//! One account, or one way out, that is of no use: the others go on.

use bilibili_session_fleet::ways;
use bilibili_session_simulator::NewMessage;

use super::support::front::Front;
use super::support::proxy::Proxy;
use super::support::{FIRST, Fleet, now_us, number, simulator, until};
use super::ways::{bind, set_proxy};
use super::{LONG, OPTIONS, PACE, watched};

/// State of an account, and why it failed.
async fn state(client: &tokio_postgres::Client, uid: i64) -> (String, String) {
    let state = "SELECT state, coalesce(last_error, '') FROM bili_fleet.accounts WHERE uid = $1";
    let row = client.query_one(state, &[&uid]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_cannot_be_decrypted_fails_alone() {
    let Some(fleet) = Fleet::start(4, PACE).await else {
        return;
    };
    let simulator = simulator(4);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let damage = "UPDATE bili_fleet.accounts SET login = login || '\\x00' WHERE uid = $1";
    client.execute(damage, &[&FIRST]).await.unwrap();
    let _worker = fleet.worker("one", &front.origin, &OPTIONS);
    until("the others are watched", LONG, async || {
        watched(&client).await == 3
    })
    .await;
    until("it is failed", LONG, async || {
        let (state, why) = state(&client, FIRST).await;
        state == "failed" && why.contains("damaged")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_out_that_cannot_be_opened_keeps_its_own_accounts_waiting_alone() {
    let Some(fleet) = Fleet::start(4, PACE).await else {
        return;
    };
    let simulator = simulator(4);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let sealed = FIRST;
    let proxy = Some("http://127.0.0.1:1");
    ways::set(&fleet.database, &fleet.vault(), "a-sealed", 100.0, proxy)
        .await
        .unwrap();
    bind(&fleet, sealed, "a-sealed", PACE).await;
    let damage = "UPDATE bili_fleet.ways SET proxy = proxy || '\\x00' WHERE name = 'a-sealed'";
    client.execute(damage, &[]).await.unwrap();
    let _worker = fleet.worker("one", &front.origin, &OPTIONS);
    until("the others are watched", LONG, async || {
        watched(&client).await == 3
    })
    .await;
    until("it is said", LONG, async || {
        fleet.log("one").contains("`a-sealed` cannot be opened")
    })
    .await;
    assert_eq!(
        state(&client, sealed).await,
        ("active".into(), String::new())
    );
    let asked = front.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|(uid, _)| *uid != sealed));
    // Once it can be opened they are claimed.
    let proxy = Proxy::start().await;
    let address = format!("http://{}", proxy.address);
    ways::set(
        &fleet.database,
        &fleet.vault(),
        "a-sealed",
        100.0,
        Some(&address),
    )
    .await
    .unwrap();
    until("it is watched", LONG, async || watched(&client).await == 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_proxy_is_used_by_a_running_worker() {
    let Some(fleet) = Fleet::start(2, PACE).await else {
        return;
    };
    let simulator = simulator(2);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let proxied = FIRST + 1;
    let (old, new) = (Proxy::start().await, Proxy::start().await);
    let set = async |proxy: &Proxy| {
        let address = format!("http://{}", proxy.address);
        set_proxy(&fleet, &address).await;
    };
    set(&old).await;
    bind(&fleet, proxied, "proxied", PACE).await;
    let _worker = fleet.worker("one", &front.origin, &OPTIONS);
    until("both are watched", LONG, async || {
        watched(&client).await == 2
    })
    .await;
    set(&new).await;
    let asked = |proxy: &Proxy| proxy.asked.lock().unwrap().len();
    until("it goes the new way", LONG, async || asked(&new) > 2).await;
    let before = asked(&old);
    let goes_on = asked(&new) + 6;
    until("it goes on", LONG, async || asked(&new) > goes_on).await;
    assert_eq!(asked(&old), before, "nothing goes the old way");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_fails_its_account_alone() {
    let Some(fleet) = Fleet::start(3, PACE).await else {
        return;
    };
    let simulator = simulator(3);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let refuse = "CREATE FUNCTION bili_fleet.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF new.line LIKE '%indigestible%' THEN
                RAISE EXCEPTION 'no room for this' USING ERRCODE = '22000';
            END IF;
            RETURN new; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON bili_fleet.events FOR EACH ROW EXECUTE FUNCTION bili_fleet.refuse()";
    client.batch_execute(refuse).await.unwrap();
    let _worker = fleet.worker("one", &front.origin, &OPTIONS);
    until("all are watched", LONG, async || {
        watched(&client).await == 3
    })
    .await;
    let checkpoint = "SELECT checkpoint FROM bili_fleet.accounts WHERE uid = $1";
    let checkpoint = async || -> String {
        let row = client.query_one(checkpoint, &[&FIRST]).await.unwrap();
        row.get(0)
    };
    let before = checkpoint().await;
    for (uid, text) in [
        (FIRST, "indigestible"),
        (FIRST + 1, "made up"),
        (FIRST + 2, "made up"),
    ] {
        let message = NewMessage::text(20_001, text);
        simulator
            .lock()
            .unwrap()
            .receive_for(uid, now_us(), message)
            .unwrap();
    }
    until("it is failed", LONG, async || {
        let (state, why) = state(&client, FIRST).await;
        state == "failed" && why.contains("no room for this")
    })
    .await;
    let events = "SELECT count(*) FROM bili_fleet.events";
    until("the others came", LONG, async || {
        number(&client, events).await == 2
    })
    .await;
    assert_eq!(
        checkpoint().await,
        before,
        "it comes again once it can be stored"
    );
    let free = "SELECT count(*) FROM bili_fleet.leases WHERE owner IS NULL";
    until("it is given back", LONG, async || {
        number(&client, free).await == 1
    })
    .await;
}
