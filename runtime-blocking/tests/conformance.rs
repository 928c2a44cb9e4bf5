//! The transport over ureq does what a transport must do.
#![allow(clippy::expect_used)]

use std::process::Command;

use bilibili_session_blocking::{Transport, UreqTransport};
use bilibili_session_simulator::conformance::{Settings, Suite};

fn transport(settings: &Settings) -> UreqTransport {
    let mut builder = UreqTransport::builder()
        .timeout(settings.timeout)
        .body_limit(settings.body_limit);
    if let Some(pem) = &settings.root_certificates {
        builder = builder.root_certificates(pem.as_str());
    }
    if let Some(url) = &settings.proxy {
        builder = builder.proxy(url);
    }
    builder.build().expect("the suite's settings can be used")
}

#[test]
fn ureq_conforms() {
    let report = Suite::new(|settings| {
        let transport = transport(settings);
        move |request| transport.send(request)
    })
    .run();
    assert!(report.is_ok(), "{report}");
}

/// The same in a process whose environment names a proxy that is not there.
#[test]
fn the_environment_names_no_proxy() {
    let myself = std::env::current_exe().expect("a test is a program");
    let nobody = "http://127.0.0.1:1";
    let mut child = Command::new(myself);
    for name in [
        "ALL_PROXY",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
    ] {
        child.env(name, nobody);
    }
    let child = child.args(["--exact", "ureq_conforms"]).output();
    let output = child.expect("it can be run again");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn settings_are_checked_and_not_repeated() {
    let proxy = "http://user:p4ssword@[not an address]";
    let builder = UreqTransport::builder().proxy(proxy);
    assert!(!format!("{builder:?}").contains("p4ssword"));
    let error = builder.build().expect_err("no address");
    assert!(!format!("{error:?}").contains("p4ssword"));
    for scheme in ["socks4", "socks4a", "socks5", "socks5h", "ftp"] {
        let builder = UreqTransport::builder().proxy(format!("{scheme}://127.0.0.1:1"));
        assert!(builder.build().is_err(), "{scheme}");
    }
    for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA", "made up"] {
        let builder = UreqTransport::builder().root_certificates(pem);
        assert!(builder.build().is_err(), "{pem:?}");
    }
    let transport = UreqTransport::builder().proxy("http://user:p4ssword@127.0.0.1:1");
    let transport = transport.build().expect("an address");
    assert!(!format!("{transport:?}").contains("p4ssword"));
}
