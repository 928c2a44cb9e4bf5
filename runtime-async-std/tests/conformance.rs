//! The transport over surf does what a transport must do.
#![allow(clippy::expect_used)]

use async_std::task;
use bilibili_session_async_std::{SurfTransport, Transport};
use bilibili_session_simulator::conformance::{
    Suite, check_settings, repeat_in_other_environments,
};

#[test]
fn surf_conforms() {
    let report = Suite::new(|settings| {
        let transport =
            SurfTransport::with_config(settings).expect("the suite's settings can be used");
        move |request| task::block_on(transport.send(request))
    })
    .run();
    assert!(report.is_ok(), "{report}");
}

#[test]
fn the_environment_decides_nothing() {
    assert_eq!(repeat_in_other_environments("surf_conforms"), Ok(()));
}

#[test]
fn settings_are_checked_and_not_repeated() {
    assert_eq!(check_settings(SurfTransport::with_config), Ok(()));
}
