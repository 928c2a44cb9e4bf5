//! TLS, of requests and of the push channel.

use std::sync::Arc;

use bilibili_session::{TransportConfig, TransportError, TransportErrorKind};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;

/// Returns TLS that trusts the authorities of the system, or those of the settings in their place.
pub(crate) fn client_config(config: &TransportConfig) -> Result<ClientConfig, TransportError> {
    let failed =
        |error: rustls::Error| TransportError::new(TransportErrorKind::Tls, error.to_string());
    // Named here, so that no other crate of a program decides about it.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let builder = match &config.root_certificates {
        Some(pem) => builder.with_root_certificates(read_certificates(pem)?),
        None => builder.with_platform_verifier().map_err(failed)?,
    };
    Ok(builder.with_no_client_auth())
}

fn read_certificates(pem: &[u8]) -> Result<RootCertStore, TransportError> {
    let refused = |message| TransportError::new(TransportErrorKind::Other, message);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate.map(|it| roots.add(it));
        if !matches!(added, Ok(Ok(()))) {
            return Err(refused("the root certificates cannot be read"));
        }
    }
    match roots.is_empty() {
        true => Err(refused("there is no certificate in the root certificates")),
        false => Ok(roots),
    }
}
