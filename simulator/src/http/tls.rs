//! TLS in front of a shell, with a certificate of its own making, as firewalls have it.

use std::{io, net::SocketAddr, sync::Arc};

use axum::serve::Listener;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A self-signed certificate and its key.
#[derive(Debug)]
pub struct Identity {
    certificate: rcgen::Certificate,
    key: PrivatePkcs8KeyDer<'static>,
}

/// No certificate could be made, or none served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The names do not make a certificate.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate does not make a server.
    #[error("cannot serve TLS: {0}")]
    Server(#[from] rustls::Error),
}

impl Identity {
    /// A new certificate for these host names and addresses.
    pub fn self_signed(names: &[&str]) -> Result<Self, TlsError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names)?;
        Ok(Self { certificate: made.cert, key: made.signing_key.serialize_der().into() })
    }

    /// The certificate as a client keeps it in a file.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The bytes of which a certificate's fingerprint is the hash.
    pub fn certificate_der(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let key = PrivateKeyDer::Pkcs8(self.key.clone_key());
        Ok(ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate_der().clone()], key)?)
    }
}

/// A listener for `axum::serve`, behind which connections are encrypted.
#[derive(Debug)]
pub struct TlsListener {
    connections: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    /// Goes on with a bound socket. Must be called within a tokio runtime.
    pub fn new(tcp: TcpListener, identity: &Identity) -> Result<Self, TlsError> {
        let acceptor = TlsAcceptor::from(Arc::new(identity.server_config()?));
        let address = tcp.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
        let (sender, connections) = mpsc::channel(1);
        tokio::spawn(accept_all(tcp, acceptor, sender));
        Ok(Self { connections, address })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.connections.recv().await {
            Some(connection) => connection,
            // The socket is gone; whoever serves decides when to stop.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Shakes hands with each client in a task of its own, so that a silent one keeps nobody waiting.
async fn accept_all(
    mut tcp: TcpListener,
    acceptor: TlsAcceptor,
    sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    loop {
        let (stream, address) = tokio::select! {
            connection = Listener::accept(&mut tcp) => connection,
            () = sender.closed() => return,
        };
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        tokio::spawn(async move {
            // A client that does not like our certificate hangs up here, and nobody else needs to know; so does one that
            // arrives while the server stops.
            if let Ok(stream) = acceptor.accept(stream).await {
                drop(sender.send((stream, address)).await);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, routing::get};
    use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;

    use super::*;

    /// Asks a TLS server for its greeting, trusting these certificates.
    async fn greeting(server: SocketAddr, trusted: RootCertStore) -> io::Result<String> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let tcp = TcpStream::connect(server).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: fw\r\nConnection: close\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    #[tokio::test]
    async fn clients_that_know_the_certificate_connect_and_others_do_not() {
        let identity = Identity::self_signed(&["127.0.0.1", "fw.example"]).unwrap();
        assert!(identity.certificate_pem().starts_with("-----BEGIN CERTIFICATE-----"));
        let listener = TlsListener::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), &identity).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "hello"));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });

        // One that never says a word holds up nobody.
        let _silent = TcpStream::connect(address).await.unwrap();
        let strangers = greeting(address, RootCertStore::empty()).await;
        assert!(strangers.unwrap_err().to_string().contains("certificate"));

        let mut trusted = RootCertStore::empty();
        trusted.add(identity.certificate_der().clone()).unwrap();
        assert!(greeting(address, trusted).await.unwrap().ends_with("hello"));
        server.abort();
    }
}
