//! Certificates that do not hold, shown in the middle of a session.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use super::front::Front;
use super::polling::Polling;
use super::{RUNTIMES, Row};

pub(super) struct Authority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let key = KeyPair::generate().unwrap();
        Self {
            pem: params.self_signed(&key).unwrap().pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Returns the configuration of a server that shows a certificate for this name.
    pub(super) fn server(&self, name: &str) -> Arc<ServerConfig> {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            );
        Arc::new(config.unwrap())
    }
}

/// In the middle of a session somebody else answers.
#[test]
fn certificates_that_do_not_hold() {
    let authority = Authority::new();
    let good = authority.server("127.0.0.1");
    let wrong_name = authority.server("example.test");
    let unknown = Authority::new().server("127.0.0.1");
    for runtime in RUNTIMES {
        for (name, bad) in [
            ("another name", &wrong_name),
            ("an unknown authority", &unknown),
        ] {
            let front = Front::start(Some(Arc::clone(&good)));
            let origin = format!("https://{}", front.address);
            let mut polling = Polling::start(&origin, runtime, Some(&authority.pem));
            polling.until("status 1", |line| line["status"] == 1);
            let idle = polling.peak_kib();
            front.shared.bad_tls.lock().unwrap().push(Arc::clone(bad));
            let begun = Instant::now();
            front.message("behind");
            let warning = polling.until("warning", |line| line["warning"].is_string());
            let row = Row {
                name: "a certificate that does not hold",
                runtime,
                said: warning["message"].as_str().unwrap().to_owned(),
                took: begun.elapsed(),
                peak_kib: polling.peak_kib().saturating_sub(idle),
            };
            println!("{row}");
            assert_eq!(warning["warning"], "retry", "{name}");
            polling.until("message", |line| line["event"] == "behind");
            assert_eq!(front.shared.hits.load(Ordering::SeqCst), 1, "{name}");
            assert_eq!(front.shared.cookies.lock().unwrap().len(), 1);
        }
    }
}
