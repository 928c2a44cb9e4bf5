//! Connections, of requests and of the push channel.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_std::io::{Read, ReadExt as _, Write, WriteExt as _};
use async_std::net::TcpStream;
use bilibili_session::{TransportConfig, TransportError, TransportErrorKind, Tunnel};
use futures_rustls::TlsConnector;
use futures_rustls::rustls::{ClientConfig, Error as TlsError, RootCertStore, crypto};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// An open connection, with TLS or without.
pub(crate) trait Stream: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Stream for T {}

/// Opens connections, with the settings that all of them have in common.
#[derive(Clone)]
pub(crate) struct Connect {
    tls: TlsConnector,
    proxy: Option<Tunnel>,
}

impl Connect {
    pub(crate) fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        let failed =
            |error: TlsError| TransportError::new(TransportErrorKind::Tls, error.to_string());
        // Named here, so that no other crate of a program decides about it.
        let provider = Arc::new(crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(failed)?;
        let builder = match &config.root_certificates {
            Some(pem) => builder.with_root_certificates(read_certificates(pem)?),
            None => builder.with_platform_verifier().map_err(failed)?,
        };
        let mut tls = builder.with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            tls: Arc::new(tls).into(),
            proxy: config.proxy.as_deref().map(Tunnel::parse).transpose()?,
        })
    }

    /// Connects to a host, an IPv6 address without brackets.
    pub(crate) async fn open(
        &self,
        is_secure: bool,
        host: &str,
        port: u16,
    ) -> Result<Box<dyn Stream>, TransportError> {
        let stream = match &self.proxy {
            None => dial(host, port).await?,
            Some(proxy) => {
                let stream = dial(proxy.host(), proxy.port()).await?;
                open_tunnel(proxy, &stream, host, port).await?;
                stream
            }
        };
        if !is_secure {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned());
        let name =
            name.map_err(|error| TransportError::new(TransportErrorKind::Tls, error.to_string()))?;
        let stream = self.tls.connect(name, stream).await.map_err(explain)?;
        Ok(Box::new(stream))
    }
}

/// Shows no address of a proxy.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").finish_non_exhaustive()
    }
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

async fn dial(host: &str, port: u16) -> Result<TcpStream, TransportError> {
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream
        .map_err(|error| TransportError::new(TransportErrorKind::Connect, error.to_string()))?;
    stream.set_nodelay(true).map_err(explain)?;
    Ok(stream)
}

/// Asks a proxy for a way to the host.
async fn open_tunnel(
    proxy: &Tunnel,
    mut stream: &TcpStream,
    host: &str,
    port: u16,
) -> Result<(), TransportError> {
    let request = proxy.request(host, port);
    stream.write_all(&request).await.map_err(explain)?;
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    loop {
        let read = stream.read(&mut bytes).await.map_err(explain)?;
        head.extend_from_slice(bytes.get(..read).unwrap_or_default());
        if let Some(opened) = Tunnel::read(&head, read == 0) {
            return opened;
        }
    }
}

fn explain(error: io::Error) -> TransportError {
    TransportError::from(&error)
}
