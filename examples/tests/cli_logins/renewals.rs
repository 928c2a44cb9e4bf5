//! Renewals of a stored login: refused, killed, two at once.

use std::time::{Duration, Instant};

use bilibili_session_simulator::{Fault, FaultKind};
use serde_json::json;

use super::support::*;
use super::*;

#[test]
fn a_renewal_brings_new_cookies_and_ends_the_old() {
    for runtime in RUNTIMES {
        let world = World::new();
        log_in(&world, "me");
        let first = sessdata(&world, "me");
        let line = json(&world, &["refresh", "--runtime", runtime]).line();
        assert_eq!(line["refreshed"], false);
        assert_eq!(sessdata(&world, "me"), first);
        let line = json(&world, &["refresh", "--force", "--runtime", runtime]).line();
        assert_eq!(line["event"], "refresh");
        assert_eq!(line["refreshed"], true);
        world.server.simulator().age_logins();
        let second = sessdata(&world, "me");
        let line = json(&world, &["refresh", "--runtime", runtime]).line();
        assert_eq!(line["refreshed"], true);
        let third = sessdata(&world, "me");
        assert!(first != second && second != third);
        let good = world.server.simulator().good_logins(10001);
        let good: Vec<&str> = good.iter().map(|(sessdata, _)| sessdata.as_str()).collect();
        assert_eq!(good, [SESSDATA, &third]);
        assert_eq!(json(&world, &["send", "20001", "hi"]).code, Some(0));
        assert!(stored(&world, "me")["login"]["replaces"].is_null());
    }
}

#[test]
fn refusals_of_a_renewal_leave_the_login() {
    let world = World::new();
    log_in(&world, "me");
    for (path, code, exit) in [
        ("cookie/info", -101, 3),
        ("cookie/info", -412, 4),
        ("cookie/refresh", 86095, 1),
        ("cookie/refresh", -111, 1),
        ("cookie/refresh", -500, 1),
    ] {
        world.fault(path, FaultKind::Code(code), 1);
        let ran = json(&world, &["refresh", "--force"]);
        assert_eq!(ran.code, Some(exit), "{path} {code} {ran:?}");
        let last = ran.lines().pop().unwrap();
        assert_eq!(
            (&last["event"], &last["code"]),
            (&json!("error"), &json!(code))
        );
        assert_eq!(json(&world, &["whoami"]).code, Some(0), "{path} {code}");
    }
    let not_found = FaultKind::Http(http::StatusCode::NOT_FOUND);
    world.fault("/correspond/", not_found, 1);
    assert_eq!(json(&world, &["refresh", "--force"]).code, Some(1));
    assert_eq!(json(&world, &["refresh", "--force"]).code, Some(0));
}

/// Step that hangs, and whether its work was done before.
const STEPS: [(&str, bool); 6] = [
    ("cookie/info", false),
    ("/correspond/", false),
    ("cookie/refresh", false),
    ("cookie/refresh", true),
    ("confirm/refresh", false),
    ("confirm/refresh", true),
];

#[test]
fn killed_between_each_two_steps_it_goes_on() {
    for once in [false, true] {
        for (path, is_done) in STEPS {
            let world = World::new();
            log_in(&world, "me");
            {
                let mut simulator = world.server.simulator();
                simulator.quirks_mut().refresh_token_once = once;
                simulator.quirks_mut().confirms_once = once;
            }
            let refresh = stopped_at(&world, (path, is_done));
            refresh.kill();
            let what = format!("{path} {is_done} {once}");
            let owes = path == "confirm/refresh";
            assert_eq!(
                !stored(&world, "me")["login"]["replaces"].is_null(),
                owes,
                "{what}"
            );

            let confirms = world.requests("confirm/refresh");
            assert_eq!(json(&world, &["whoami"]).code, Some(0), "{what}");
            assert_eq!(
                world.requests("confirm/refresh"),
                confirms + u64::from(owes),
                "{what}"
            );
            assert!(
                stored(&world, "me")["login"]["replaces"].is_null(),
                "{what}"
            );
            assert_eq!(
                json(&world, &["send", "20001", "hi"]).code,
                Some(0),
                "{what}"
            );
            // Where a token was taken and its answer not heard, only a new login helps later.
            let is_lost = once && (path, is_done) == ("cookie/refresh", true);
            let again = json(&world, &["refresh", "--force"]);
            assert_eq!(again.code, Some(i32::from(is_lost)), "{what} {again:?}");
            assert_eq!(json(&world, &["whoami"]).code, Some(0), "{what}");
        }
    }
}

#[test]
fn a_confirmation_that_fails_for_the_moment_stays_owed() {
    let world = World::new();
    log_in(&world, "me");
    world.fault("confirm/refresh", FaultKind::Code(-500), 2);
    assert_eq!(json(&world, &["refresh", "--force"]).code, Some(1));
    let ran = json(&world, &["whoami"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("still owed"), "{}", ran.stderr);
    assert_eq!(json(&world, &["whoami"]).stderr, "");
    assert!(stored(&world, "me")["login"]["replaces"].is_null());
}

#[test]
fn two_at_once_renew_one_after_the_other() {
    let world = World::new();
    log_in(&world, "me");
    world.server.simulator().age_logins();
    let refreshes = [0, 1].map(|_| Watch::start(bili(&world, &["refresh", "--json"])));
    let mut refreshed: Vec<bool> = refreshes
        .into_iter()
        .map(|it| it.end().lines[0]["refreshed"].as_bool().unwrap())
        .collect();
    refreshed.sort_unstable();
    assert_eq!(refreshed, [false, true]);
    assert_eq!(world.requests("cookie/refresh"), 1);
    assert_eq!(json(&world, &["whoami"]).code, Some(0));
}

/// A process is killed fifty times: at each step in turn, and at moments of chance in between. No
/// login is lost, and what was renewed and stored is not renewed once more.
#[test]
#[ignore = "half a minute"]
fn killed_fifty_times_no_login_is_lost() {
    let world = World::new();
    log_in(&world, "me");
    let (mut again, mut owed) = (0, 0);
    for kill in 0..50_u64 {
        world.server.simulator().age_logins();
        let asked = world.requests("cookie/refresh");
        let before = sessdata(&world, "me");
        let step = STEPS[usize::try_from(kill / 2).unwrap() % STEPS.len()];
        let refresh = match kill % 2 {
            0 => stopped_at(&world, step),
            _ => {
                let refresh = Watch::start(bili(&world, &["refresh", "--json"]));
                std::thread::sleep(Duration::from_millis(kill * 37 % 150));
                refresh
            }
        };
        refresh.kill();
        let was_stored = sessdata(&world, "me") != before;
        owed += u64::from(!stored(&world, "me")["login"]["replaces"].is_null());
        assert_eq!(json(&world, &["whoami"]).code, Some(0), "kill {kill}");
        let refreshed = json(&world, &["refresh"]);
        assert_eq!(refreshed.code, Some(0), "kill {kill}: {refreshed:?}");
        assert_eq!(refreshed.line()["refreshed"], !was_stored, "kill {kill}");
        let renewals = world.requests("cookie/refresh") - asked;
        assert!(matches!(renewals, 1 | 2), "kill {kill}: {renewals}");
        again += renewals - 1;
        assert!(stored(&world, "me")["login"]["replaces"].is_null());
        assert_eq!(json(&world, &["send", "20001", "hi"]).code, Some(0));
    }
    println!(
        "50 kills: no login lost, {owed} confirmations made up for, {again} asked for again as no answer had come"
    );
}

/// Begins a renewal, and waits until it hangs at this step.
fn stopped_at(world: &World, (path, is_done): (&str, bool)) -> Watch {
    let fault = Fault::once(path, FaultKind::Hang);
    world.server.simulator().push_fault(match is_done {
        true => fault.carried_out(),
        false => fault,
    });
    let asked = world.server.simulator().requests_matching(path);
    let refresh = Watch::start(bili(world, &["refresh", "--force", "--json"]));
    let begun = Instant::now();
    while world.server.simulator().requests_matching(path) == asked {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    refresh
}
