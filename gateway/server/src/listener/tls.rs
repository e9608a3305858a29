//! A listener's certificate, and the authorities of its clients' certificates, read again when their files change.

use crate::config::TlsFiles;
use crate::problem::chain;
use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// Between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is too large to be what it should be.
    #[error("{} is larger than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file holds no certificate or key in PEM.
    #[error("{} holds no {what} in PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What the reader said.
        #[source]
        source: pem::Error,
    },
    /// A file of authorities cannot be used.
    #[error("the authorities in {} cannot be used", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// Certificate and key do not make a pair that can be served.
    #[error("the certificate and the key cannot be used together")]
    Pair(#[source] rustls::Error),
}

/// A certificate that is served, and exchanged while connections go on.
pub struct Tls {
    files: TlsFiles,
    served: Arc<Served>,
    config: ArcSwap<ServerConfig>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads certificate, key and authorities.
    pub fn load(files: &TlsFiles) -> Result<Self, ListenerError> {
        let served = Arc::new(Served(ArcSwap::from_pointee(read(files)?)));
        let config = ArcSwap::from_pointee(config(files, &served)?);
        Ok(Self { files: files.clone(), served, config })
    }

    /// What accepts the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// Reads the files again whenever they change. What cannot be used leaves what was before it in place: a certificate and its key are seldom written at once.
    pub(super) async fn reload(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut seen = stamp(&self.files);
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = super::stopped(&mut shutdown) => return,
            }
            self.look(&mut seen);
        }
    }

    /// Takes the files over if they are not those that were seen last.
    fn look(&self, seen: &mut Stamp) {
        let now = stamp(&self.files);
        if now == *seen {
            return;
        }
        *seen = now;
        match self.take_over() {
            Ok(()) => tracing::info!(certificate = %self.files.certificate.display(), "certificate reloaded"),
            Err(error) => {
                tracing::error!(error = %chain(&error), "the new certificate cannot be used; the old one stays");
            }
        }
    }

    fn take_over(&self) -> Result<(), ListenerError> {
        let pair = read(&self.files)?;
        if self.files.client_authorities.is_some() {
            // Another configuration knows no sessions of the one before: nobody resumes on the word of an authority that is gone.
            self.config.store(Arc::new(config(&self.files, &self.served)?));
        }
        self.served.0.store(Arc::new(pair));
        Ok(())
    }
}

fn config(files: &TlsFiles, served: &Arc<Served>) -> Result<ServerConfig, ListenerError> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(ListenerError::Pair)?;
    let config = match &files.client_authorities {
        Some(path) => config.with_client_cert_verifier(client_verifier(path)?),
        None => config.with_no_client_auth(),
    };
    let mut config = config.with_cert_resolver(Arc::clone(served) as _);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[derive(Debug)]
struct Served(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Clients may show a certificate of these authorities, and need not: which sources ask for one is theirs to say. Another one ends the handshake.
fn client_verifier(path: &Path) -> Result<Arc<dyn ClientCertVerifier>, ListenerError> {
    let unusable = |source| ListenerError::Authorities { path: path.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&read_file(path)?) {
        let certificate =
            certificate.map_err(|source| ListenerError::Pem { path: path.to_owned(), what: "certificate", source })?;
        roots.add(certificate).map_err(unusable)?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).allow_unauthenticated();
    verifier.build().map_err(|error| unusable(rustls::Error::General(error.to_string())))
}

/// What tells that a file is another one than before; behind a link, of what the link leads to.
type Stamp = [Option<(SystemTime, u64)>; 3];

fn stamp(files: &TlsFiles) -> Stamp {
    [Some(&files.certificate), Some(&files.key), files.client_authorities.as_ref()].map(|path| {
        let metadata = fs::metadata(path?).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, ListenerError> {
    let no_pem = |path: &Path, what| {
        let path = path.to_owned();
        move |source| ListenerError::Pem { path, what, source }
    };
    let certificates = read_file(&files.certificate)?;
    let chain = CertificateDer::pem_slice_iter(&certificates).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(no_pem(&files.certificate, "certificate"))?;
    if chain.is_empty() {
        return Err(no_pem(&files.certificate, "certificate")(pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_slice(&read_file(&files.key)?).map_err(no_pem(&files.key, "private key"))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(ListenerError::Pair)
}

fn read_file(path: &Path) -> Result<Vec<u8>, ListenerError> {
    let fail = |source| ListenerError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(fail)?.len() > FILE_BYTES_MAX {
        return Err(ListenerError::TooLarge { path: path.to_owned() });
    }
    fs::read(path).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: [&str; 2] = [include_str!("tests/first.certificate.pem"), include_str!("tests/first.key.pem")];
    const SECOND: [&str; 2] = [include_str!("tests/second.certificate.pem"), include_str!("tests/second.key.pem")];

    #[test]
    fn what_cannot_be_used_leaves_the_pair_before_it_in_place() {
        let directory = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: directory.path().join("certificate.pem"),
            key: directory.path().join("key.pem"),
            client_authorities: None,
        };
        let write = |[certificate, key]: [&str; 2]| {
            fs::write(&files.certificate, certificate).unwrap();
            fs::write(&files.key, key).unwrap();
        };
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        write(FIRST);
        let tls = Tls::load(&files).unwrap();
        let served = || tls.served.0.load().cert[0].clone();
        let look = |pair| {
            write(pair);
            tls.look(&mut [None; 3]);
        };
        for broken in [[SECOND[0], FIRST[1]], ["", FIRST[1]], [FIRST[0], "nonsense"]] {
            look(broken);
            assert_eq!(served(), der(FIRST[0]));
        }
        look(SECOND);
        assert_eq!(served(), der(SECOND[0]));
    }

    #[test]
    fn authorities_that_cannot_be_used_leave_those_before_them_in_place() {
        let directory = tempfile::tempdir().unwrap();
        let [certificate, key, authorities] =
            ["certificate.pem", "key.pem", "authorities.pem"].map(|name| directory.path().join(name));
        let write = |pem: &str| fs::write(&authorities, pem).unwrap();
        fs::write(&certificate, FIRST[0]).unwrap();
        fs::write(&key, FIRST[1]).unwrap();
        write(FIRST[0]);
        let tls = Tls::load(&TlsFiles { certificate, key, client_authorities: Some(authorities.clone()) }).unwrap();
        let before = tls.config.load_full();
        for broken in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            write(broken);
            tls.look(&mut [None; 3]);
            assert!(Arc::ptr_eq(&before, &tls.config.load_full()), "{broken}");
        }
        write(SECOND[0]);
        tls.look(&mut [None; 3]);
        assert!(!Arc::ptr_eq(&before, &tls.config.load_full()));
    }
}
