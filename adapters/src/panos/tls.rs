//! Whom to believe that it is the firewall.

use std::{fmt, fs, io, path::PathBuf, str::FromStr, sync::Arc};

use reqwest::{Certificate, ClientBuilder};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};

/// How the firewall's certificate is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// By the roots that the operating system trusts.
    SystemRoots,
    /// By the certificates in a PEM file, and no others.
    CaFile(PathBuf),
    /// By being exactly a certificate with one of these fingerprints (the units of a pair have one each): chain, name and dates do not count. Management interfaces come
    /// with self-signed certificates.
    Fingerprints(Vec<Fingerprint>),
    /// Not at all. Whoever stands in between can read the API key.
    Unverified,
}

/// SHA-256 of a certificate in DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no SHA-256 fingerprint: give 64 hexadecimal digits, with or without colons")]
pub struct NotAFingerprint;

/// `AB:CD:…`, as `openssl x509 -fingerprint -sha256` prints it, or without colons.
impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits: Vec<u32> = text
            .trim()
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).ok_or(NotAFingerprint))
            .collect::<Result<_, _>>()?;
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(NotAFingerprint);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | u8::try_from(*digit).unwrap_or_default());
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if index == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

/// Why certificates cannot be verified as set.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file with the certificates is not to be had.
    #[error("`firewall.ca_file`: `{path}` cannot be read: {error}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is no certificate in it.
    #[error("`firewall.ca_file`: `{0}` holds no certificate in PEM form")]
    NoCertificate(PathBuf),
    /// The cryptographic library refuses.
    #[error("TLS cannot be set up: {0}")]
    Library(Error),
}

impl Tls {
    /// Makes a client verify certificates this way.
    pub(super) fn configure(&self, client: ClientBuilder) -> Result<ClientBuilder, TlsError> {
        match self {
            Self::SystemRoots => Ok(client),
            Self::CaFile(path) => {
                let pem = fs::read(path).map_err(|error| TlsError::CaFile { path: path.clone(), error })?;
                match Certificate::from_pem_bundle(&pem) {
                    Ok(roots) if !roots.is_empty() => Ok(client.tls_certs_only(roots)),
                    Ok(_) | Err(_) => Err(TlsError::NoCertificate(path.clone())),
                }
            }
            Self::Fingerprints(fingerprints) => {
                Ok(client.tls_backend_preconfigured(pinned(fingerprints.clone()).map_err(TlsError::Library)?))
            }
            Self::Unverified => {
                tracing::warn!(
                    "the firewall's certificate is not verified: whoever stands in between can read the API key; \
                     set `firewall.fingerprint`"
                );
                Ok(client.tls_danger_accept_invalid_certs(true))
            }
        }
    }
}

fn pinned(fingerprints: Vec<Fingerprint>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(Pin { fingerprints, provider: Arc::clone(&provider) });
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Takes these certificates and no other. That the server holds its key is verified as for any certificate.
#[derive(Debug)]
struct Pin {
    fingerprints: Vec<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.fingerprints.contains(&Fingerprint::of(end_entity)) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_with_and_without_colons() {
        let fingerprint = Fingerprint::of(b"certificate");
        let text = fingerprint.to_string();
        assert_eq!(text.len(), 95);
        assert_eq!(text.parse(), Ok(fingerprint));
        assert_eq!(text.replace(':', "").to_lowercase().parse(), Ok(fingerprint));
        for text in ["", "AB:CD", &text[..94], &text.replace(':', "g"), &format!("{text}00")] {
            assert_eq!(text.parse::<Fingerprint>(), Err(NotAFingerprint), "{text}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let configure = |path: PathBuf| Tls::CaFile(path).configure(ClientBuilder::new()).unwrap_err().to_string();
        assert!(
            configure("/nowhere/ca.pem".into()).starts_with("`firewall.ca_file`: `/nowhere/ca.pem` cannot be read: ")
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(configure(file.path().to_owned()).ends_with("holds no certificate in PEM form"));
    }
}
