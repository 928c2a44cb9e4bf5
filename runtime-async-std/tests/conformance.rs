//! The transport over surf does what a transport must do.
#![allow(clippy::expect_used)]

use async_std::task;
use bilibili_session_async_std::{SurfTransport, Transport};
use bilibili_session_simulator::conformance::{Settings, Suite};

fn transport(settings: &Settings) -> SurfTransport {
    let mut builder = SurfTransport::builder()
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
fn surf_conforms() {
    let report = Suite::new(|settings| {
        let transport = transport(settings);
        move |request| task::block_on(transport.send(request))
    })
    .run();
    assert!(report.is_ok(), "{report}");
}
