//! What verification needs of a source, prepared once for each of its versions: keys are derived and hashed when a source changes, not when a
//! request comes.

use hookwright_core::id::SourceId;
use hookwright_core::secret::RawSecret;
use hookwright_core::signature::{BadScheme, Verifier};
use hookwright_core::source::Source;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The prepared verifiers of the sources that were asked for.
#[derive(Debug, Default)]
pub struct Verifiers(Mutex<HashMap<SourceId, Arc<Prepared>>>);

/// One source's.
#[derive(Debug)]
pub(super) struct Prepared {
    version: i64,
    pub(super) verifier: Result<Verifier<'static>, BadScheme>,
    pub(super) secrets: Vec<RawSecret>,
}

impl Verifiers {
    /// That of a source as it is now. `live` are all sources there are: what was kept of others goes.
    pub(super) fn of(&self, source: &Source, live: &[Arc<Source>]) -> Arc<Prepared> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = kept.get(&source.id).filter(|prepared| prepared.version == source.version) {
            return Arc::clone(prepared);
        }
        let secrets: Vec<_> = source.secrets.iter().map(|named| named.secret.clone()).collect();
        let verifier = Verifier::owned(source.verification.clone(), &secrets);
        let prepared = Arc::new(Prepared { version: source.version, verifier, secrets });
        kept.retain(|id, _| live.iter().any(|source| source.id == *id));
        kept.insert(source.id, Arc::clone(&prepared));
        prepared
    }
}
