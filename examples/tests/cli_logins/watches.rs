//! Watches that keep a stored login good.

use bilibili_session_simulator::FaultKind;

use super::support::*;
use super::*;

fn watch(world: &World, args: &[&str]) -> Watch {
    let args = [&["watch", "--json", "--interval", "0.2"], args].concat();
    Watch::start(bili(world, &args))
}

#[test]
fn a_watch_renews_at_its_start_and_prints_one_status() {
    for runtime in RUNTIMES {
        let world = World::new();
        log_in(&world, "me");
        world.server.simulator().age_logins();
        let first = sessdata(&world, "me");
        let mut watch = watch(&world, &["--runtime", runtime]);
        watch.until_connected();
        let begun = std::time::Instant::now();
        while world.requests("confirm/refresh") == 0 {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        world.text(20001, "after");
        assert_eq!(watch.messages(1)[0]["content"]["content"], "after");
        assert_ne!(sessdata(&world, "me"), first);
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        let statuses = ended.lines.iter().filter(|it| is_status(it, 1)).count();
        assert_eq!(statuses, 1, "{ended:?}");
        assert!(
            ended.lines.iter().all(|it| it["event"] != "notice"),
            "{ended:?}"
        );
    }
}

#[test]
fn a_watch_reads_a_login_again_that_another_process_renewed() {
    for runtime in RUNTIMES {
        let world = World::new();
        log_in(&world, "me");
        let mut watch = watch(&world, &["--runtime", runtime]);
        watch.until_connected();
        world.text(20001, "before");
        watch.messages(1);
        assert_eq!(json(&world, &["refresh", "--force"]).code, Some(0));
        world.text(20001, "after");
        assert_eq!(watch.messages(1)[0]["content"]["content"], "after");
        // Now it is dead indeed.
        world.server.simulator().log_out(10001).unwrap();
        let ended = watch.end();
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert_eq!(ended.texts(), ["before", "after"]);
        let statuses: Vec<i64> = ended
            .lines
            .iter()
            .filter_map(|it| it["status"].as_i64())
            .collect();
        assert_eq!(statuses, [1, 4], "{ended:?}");
    }
}

#[test]
fn a_renewal_that_fails_is_a_notice_of_a_watch() {
    let world = World::new();
    log_in(&world, "me");
    world.fault("cookie/info", FaultKind::Code(-500), 1);
    let mut watch = watch(&world, &[]);
    // Either may come first: the login is looked after beside the session.
    let (mut is_noticed, mut is_connected) = (false, false);
    watch.until("a notice, and that it is connected", |line| {
        is_noticed |= line["event"] == "notice" && line["kind"] == "login";
        is_connected |= line["status"] == 1;
        is_noticed && is_connected
    });
    world.text(20001, "all the same");
    assert_eq!(watch.messages(1)[0]["content"]["content"], "all the same");
    watch.interrupt();
    watch.end().gracefully();
}

#[test]
fn a_watch_ends_in_time_while_a_renewal_hangs() {
    let world = World::new();
    log_in(&world, "me");
    world.fault("confirm/refresh", FaultKind::Code(-500), 1);
    assert_eq!(json(&world, &["refresh", "--force"]).code, Some(1));
    world.fault("confirm/refresh", FaultKind::Hang, 1);
    let watch = watch(&world, &[]);
    let begun = std::time::Instant::now();
    while world.requests("confirm/refresh") < 2 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    watch.interrupt();
    watch.end().gracefully();
}
