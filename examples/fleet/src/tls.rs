//! TLS of the connections to the database, by rustls.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::address::{Authorities, Checks};
use crate::error::Error;

/// Returns what encrypts connections to a server whose certificate passes these checks.
pub(crate) fn connector(checks: &Checks) -> Result<MakeRustlsConnect, Error> {
    // Named here, so that no other crate of a program decides about it.
    let provider = Arc::new(ring::default_provider());
    let refused = |error: &dyn std::fmt::Display| Error::usage(format!("TLS: {error}"));
    let authorities: Option<Arc<dyn ServerCertVerifier>> = match &checks.authorities {
        None => None,
        Some(Authorities::System) => {
            let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
            Some(Arc::new(verifier.map_err(|error| refused(&error))?))
        }
        Some(Authorities::File(path)) => {
            let pem = std::fs::read(path)
                .map_err(|error| Error::system(format!("sslrootcert {}", path.display()), error))?;
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let added = certificate.map(|it| roots.add(it));
                if !matches!(added, Ok(Ok(()))) {
                    return Err(refused(&"sslrootcert holds what is no certificate"));
                }
            }
            let builder =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            // It refuses a file without any.
            Some(builder.build().map_err(|error| refused(&error))?)
        }
    };
    let verifier = Verifier {
        authorities,
        of_host: checks.of_host,
        provider: Arc::clone(&provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Checks certificates as `sslmode` says. That the server has the key of its certificate is checked in any case.
#[derive(Debug)]
struct Verifier {
    /// `None` trusts anybody.
    authorities: Option<Arc<dyn ServerCertVerifier>>,
    of_host: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = authorities.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // The last thing that is looked at: all else is in order.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.of_host => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
