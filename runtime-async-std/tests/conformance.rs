//! The transport over surf does what a transport must do.
#![allow(clippy::expect_used)]

use std::process::Command;

use async_std::task;
use bilibili_session_async_std::{SurfTransport, Transport, TransportConfig};
use bilibili_session_simulator::conformance::{ENVIRONMENTS, Suite};

fn transport(config: &TransportConfig) -> SurfTransport {
    SurfTransport::with_config(config).expect("the suite's settings can be used")
}

#[test]
fn surf_conforms() {
    let report = Suite::new(|settings| {
        let transport = transport(settings);
        move |request| task::block_on(transport.send(request))
    })
    .run();
    assert!(report.is_ok(), "{report}");
}

/// The same in processes whose environment names a proxy, or wants none for any host.
#[test]
fn the_environment_decides_nothing() {
    for environment in ENVIRONMENTS {
        let myself = std::env::current_exe().expect("a test is a program");
        let mut child = Command::new(myself);
        let child = child.envs(environment.iter().copied());
        let child = child.args(["--exact", "surf_conforms"]).output();
        let output = child.expect("it can be run again");
        assert!(output.status.success(), "{environment:?}: {output:?}");
    }
}

#[test]
fn settings_are_checked_and_not_repeated() {
    let proxy = "http://user:p4ssword@[not an address]";
    let config = TransportConfig::new().proxy(proxy);
    assert!(!format!("{config:?}").contains("p4ssword"));
    let error = SurfTransport::with_config(&config).expect_err("no address");
    assert!(!format!("{error:?}").contains("p4ssword"));
    for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA", "made up"] {
        let config = TransportConfig::new().root_certificates(pem);
        assert!(SurfTransport::with_config(&config).is_err(), "{pem:?}");
    }
    let config = TransportConfig::new().proxy("http://user:p4ssword@127.0.0.1:1");
    let transport = SurfTransport::with_config(&config).expect("an address");
    assert!(!format!("{transport:?}").contains("p4ssword"));
}
