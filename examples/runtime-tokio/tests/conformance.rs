//! The transport over reqwest does what a transport must do.
#![allow(clippy::expect_used)]

use bilibili_session::TransportConfig;
use bilibili_session_simulator::conformance::{
    Suite, check_settings, repeat_in_other_environments,
};
use bilibili_session_tokio::{ReqwestTransport, Transport};
use tokio::runtime::Builder;

#[test]
fn reqwest_conforms() {
    let report = Suite::new(|settings| {
        let transport =
            ReqwestTransport::with_config(settings).expect("the suite's settings can be used");
        // With a thread of its own, which sees a server close a connection that is idle.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a thread can be started");
        move |request| runtime.block_on(transport.send(request))
    })
    .run();
    assert!(report.is_ok(), "{report}");
}

#[test]
fn the_environment_decides_nothing() {
    assert_eq!(repeat_in_other_environments("reqwest_conforms"), Ok(()));
}

#[test]
fn settings_are_checked_and_not_repeated() {
    assert_eq!(check_settings(ReqwestTransport::with_config), Ok(()));
}

/// reqwest would go round them.
#[test]
fn proxies_of_other_kinds_are_refused() {
    for address in [
        "sock5://127.0.0.1:1",
        "socks5://127.0.0.1:1",
        "socks4a://127.0.0.1:1",
        "htp://127.0.0.1:1",
        "ftp://127.0.0.1:1",
        "sock5:127.0.0.1:1",
        "http://",
        "",
    ] {
        let config = TransportConfig::new().proxy(address);
        assert!(ReqwestTransport::with_config(&config).is_err(), "{address}");
    }
    for address in [
        "http://127.0.0.1:1",
        "https://127.0.0.1:1",
        "HTTP://h",
        "h:1",
    ] {
        let config = TransportConfig::new().proxy(address);
        assert!(ReqwestTransport::with_config(&config).is_ok(), "{address}");
    }
}
