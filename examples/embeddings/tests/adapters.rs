//! The adapters do what a transport must do, as far as they go.
#![allow(clippy::unwrap_used)]

use bilibili_session_async::Transport;
use bilibili_session_simulator::conformance::{Suite, repeat_in_other_environments};
use isahc::HttpClient;
use isahc::config::Configurable;
use isahc::tls::{TlsConfig, TrustStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

#[allow(dead_code, unreachable_pub, reason = "a part of a program")]
#[path = "../src/bin/smol/transport.rs"]
mod by_isahc;

#[allow(dead_code, unreachable_pub, reason = "a part of a program")]
#[path = "../src/bin/plain_loop/http.rs"]
mod by_hand;

/// Cases of https.
const NEEDS_TLS: [&str; 7] = [
    "trusted_authority",
    "unknown_authority",
    "wrong_name",
    "expired_certificate",
    "timeout_within_the_handshake",
    "through_a_proxy",
    "proxy_that_refuses",
];

/// The program sets no proxy.
#[test]
fn isahc_conforms() {
    let report = Suite::new(|config| {
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &config.root_certificates {
            let certificate = CertificateDer::from_pem_slice(pem).unwrap();
            let trusted = TrustStore::builder().certificate_from_der(certificate);
            tls = tls.trust_store(trusted.build());
        }
        let (timeout, tls) = (config.timeout, tls.build());
        let builder = || {
            HttpClient::builder()
                .timeout(timeout)
                .tls_config(tls.clone())
        };
        let http = by_isahc::Http::with(builder, config.body_limit).unwrap();
        move |request| smol::block_on(http.send(request))
    })
    .skip("through_a_proxy")
    .skip("proxy_that_refuses")
    .run();
    assert!(report.is_ok(), "{report}");
}

#[test]
fn http_by_hand_conforms_but_for_tls() {
    let suite = Suite::new(|settings| {
        let (timeout, body_limit) = (settings.timeout, settings.body_limit);
        move |request| by_hand::exchange(&request, timeout, body_limit)
    });
    let report = NEEDS_TLS.into_iter().fold(suite, Suite::skip).run();
    assert!(report.is_ok(), "{report}");
}

#[test]
fn the_environment_decides_nothing() {
    assert_eq!(repeat_in_other_environments("isahc_conforms"), Ok(()));
}
