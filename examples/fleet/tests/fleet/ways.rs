//! Ways out: slowed as a whole, and through the proxy alone.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use bilibili_session_fleet::accounts::{self, Settings, read_cookies};
use bilibili_session_fleet::ways;
use bilibili_session_simulator::{Fault, FaultKind, NewMessage};

use super::support::front::Front;
use super::support::proxy::Proxy;
use super::support::{FIRST, Fleet, cookies, now_us, number, simulator, until};
use super::{LONG, OPTIONS, PACE, watched};

/// Makes the way out `proxied`, or changes it, so that it goes through this proxy.
pub(super) async fn set_proxy(fleet: &Fleet, proxy: &str) {
    ways::set(
        &fleet.database,
        &fleet.vault(),
        "proxied",
        100.0,
        Some(proxy),
    )
    .await
    .unwrap();
}

/// Binds an account to a way out.
pub(super) async fn bind(fleet: &Fleet, uid: i64, way: &str, pace: Duration) {
    let settings = Settings {
        way: way.to_owned(),
        pace,
        ..Settings::default()
    };
    let login = read_cookies(&cookies(uid)).unwrap();
    accounts::add(&fleet.database, &fleet.vault(), &[login], &settings, true)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn risk_control_on_one_account_slows_all_of_its_way_out_and_no_other() {
    const ACCOUNTS: i64 = 20;
    const BUDGET: f64 = 20.0;
    let pace = Duration::from_millis(100);
    let Some(fleet) = Fleet::start(ACCOUNTS, pace).await else {
        return;
    };
    for way in ["direct", "other"] {
        ways::set(&fleet.database, &fleet.vault(), way, BUDGET, None)
            .await
            .unwrap();
    }
    let of_other = |uid: i64| uid % 2 == 0;
    for uid in (FIRST..FIRST + ACCOUNTS).filter(|uid| of_other(*uid)) {
        bind(&fleet, uid, "other", pace).await;
    }
    let simulator = simulator(ACCOUNTS);
    let fronts = [
        Front::start(&simulator).await,
        Front::start(&simulator).await,
    ];
    let client = fleet.client().await;
    let _one = fleet.worker("one", &fronts[0].origin, &OPTIONS);
    let _two = fleet.worker("two", &fronts[1].origin, &OPTIONS);
    until("all are watched by two", LONG, async || {
        let half = "SELECT count(DISTINCT owner) FROM bili_fleet.leases WHERE until > now()";
        watched(&client).await == ACCOUNTS && number(&client, half).await == 2
    })
    .await;
    // Returns the requests of so long, at all workers, by `direct` and by `other`.
    let count = async |span: Duration| {
        let from = now_us();
        tokio::time::sleep(span).await;
        let mut counts = [0, 0];
        for front in &fronts {
            for (uid, at) in front.asked.lock().unwrap().iter() {
                counts[usize::from(of_other(*uid))] += usize::from(*at >= from);
            }
        }
        counts
    };
    let before = count(Duration::from_secs(5)).await;
    let fault = Fault::once("session_svr", FaultKind::Code(-352));
    simulator.lock().unwrap().push_fault(fault);
    let slowed = "SELECT count(*) FROM bili_fleet.ways WHERE slowed_until > now()";
    until("one is slowed", LONG, async || {
        number(&client, slowed).await == 1
    })
    .await;
    let which =
        "SELECT count(*) FROM bili_fleet.ways WHERE slowed_until > now() AND name = 'other'";
    let slowed = usize::try_from(number(&client, which).await).unwrap();
    let free = 1 - slowed;
    // The other worker has heard of it by then: it looks every second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = count(Duration::from_secs(5)).await;
    println!("{before:?} requests before, {after:?} after on way {slowed}");
    // A quarter of the budget is left to all together.
    let most = (BUDGET * 0.25 * 5.0 * 1.2) as usize;
    assert!(after[slowed] <= most, "{after:?}");
    assert!(before[slowed] > most, "{before:?}");
    assert!(after[free] > most, "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_a_way_with_a_proxy_go_through_it_alone() {
    let Some(fleet) = Fleet::start(2, PACE).await else {
        return;
    };
    let (simulator, proxied) = (simulator(2), FIRST + 1);
    let front = Front::start(&simulator).await;
    let proxy = Proxy::start().await;
    let client = fleet.client().await;
    let mut way = fleet.command();
    way.args(["way", "proxied", "--budget", "100", "--proxy-on-stdin"]);
    let mut way = way.stdin(Stdio::piped()).spawn().unwrap();
    let address = format!("http://somebody:made-up-password@{}\n", proxy.address);
    let mut input = way.stdin.take().unwrap();
    input.write_all(address.as_bytes()).unwrap();
    drop(input);
    assert!(way.wait().unwrap().success());
    bind(&fleet, proxied, "proxied", PACE).await;

    let _worker = fleet.worker("one", &front.origin, &OPTIONS);
    until("both are watched", LONG, async || {
        watched(&client).await == 2
    })
    .await;
    let message = NewMessage::text(20_001, "made up");
    simulator
        .lock()
        .unwrap()
        .receive_for(proxied, now_us(), message)
        .unwrap();
    let events = "SELECT count(*) FROM bili_fleet.events";
    until("it came", LONG, async || number(&client, events).await == 1).await;
    proxy.end();
    let passed = proxy.asked.lock().unwrap().clone();
    assert!(!passed.is_empty());
    let others = passed.iter().filter(|it| **it != (proxied, true));
    assert_eq!(others.count(), 0, "{passed:?}");

    // Without the proxy nothing of the account goes out, and the other one goes on.
    let of = |uid: i64| {
        let asked = front.asked.lock().unwrap();
        asked.iter().filter(|(asked, _)| *asked == uid).count()
    };
    let direct = of(FIRST);
    until("the other goes on", LONG, async || of(FIRST) > direct + 4).await;
    let passed = proxy.asked.lock().unwrap().len();
    assert_eq!(of(proxied), passed, "each went through the proxy");
    let (dump, log) = (fleet.postgres.dump(), fleet.log("one"));
    for text in [&dump, &log] {
        assert!(!text.contains("made-up-password"));
    }
}

#[tokio::test]
async fn a_proxy_that_workers_could_not_go_through_is_refused_with_words() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let way = |input: &str| fleet.run(&["way", "p", "--proxy-on-stdin"], input);
    for address in [
        "sock5://u:made-up-password@10.0.0.1:1080",
        "socks5://u:made-up-password@10.0.0.1:1080",
        "https://u:made-up-password@10.0.0.1:1080",
        "htp://10.0.0.1",
        "http://",
        "",
    ] {
        let (code, words) = way(address);
        assert_eq!(code, 2, "{address}: {words}");
        let says_what_to_do = words.contains("http://HOST:PORT");
        assert!(says_what_to_do && !words.contains("made-up"), "{words}");
    }
    for budget in ["0", "-1", "0.001", "1e-20", "NaN", "inf"] {
        let (code, words) = fleet.run(&["way", "p", &format!("--budget={budget}")], "");
        assert!(code == 2 && words.contains("budget"), "{budget}: {words}");
    }
    let ways = "SELECT count(*) FROM bili_fleet.ways WHERE name <> 'direct'";
    assert_eq!(number(&client, ways).await, 0, "nothing is stored");
    for address in ["http://u:p@10.0.0.1:1080\n", "10.0.0.1:1080"] {
        assert_eq!(way(address).0, 0, "{address}");
    }
    assert_eq!(number(&client, ways).await, 1);
}
