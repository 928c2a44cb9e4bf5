//! The transport over ureq does what a transport must do.
#![allow(clippy::expect_used)]

use bilibili_session_blocking::{Transport, TransportConfig, UreqTransport};
use bilibili_session_simulator::conformance::{
    Suite, check_settings, repeat_in_other_environments,
};

#[test]
fn ureq_conforms() {
    let report = Suite::new(|settings| {
        let transport =
            UreqTransport::with_config(settings).expect("the suite's settings can be used");
        move |request| transport.send(request)
    })
    .run();
    assert!(report.is_ok(), "{report}");
}

#[test]
fn the_environment_decides_nothing() {
    assert_eq!(repeat_in_other_environments("ureq_conforms"), Ok(()));
}

#[test]
fn settings_are_checked_and_not_repeated() {
    assert_eq!(check_settings(UreqTransport::with_config), Ok(()));
}

#[test]
fn proxies_of_other_kinds_are_refused() {
    for scheme in ["socks4", "socks4a", "socks5", "socks5h", "ftp"] {
        let config = TransportConfig::new().proxy(format!("{scheme}://127.0.0.1:1"));
        assert!(UreqTransport::with_config(&config).is_err(), "{scheme}");
    }
}
