//! The host: what the rest of the gateway calls.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;
use tokio::time::Instant;
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::inbound::{InboundPre, hookwright::plugin::log};
use crate::bindings::outbound::OutboundPre;
use crate::cache::Cache;
use crate::call::{CallFailure, Called};
use crate::child::{self, Child};
use crate::component::{self, Outside};
use crate::config::{Compiler, HostConfig};
use crate::context::CallContext;
use crate::engine::{self, Started, Ticker};
use crate::fixture::{self, FixtureError};
use crate::guest::Guest;
use crate::inbound::{InboundRequest, Outcome, Resumption};
use crate::limits::CallLimits;
use crate::load::LoadError;
use crate::outbound::{Decision, OutboundDelivery, OutboundEvent};
use crate::pool::{Job, Pace, Pool};
use crate::run;
use crate::version::{Digest, Linked, PluginVersion, World};
use crate::wasi;

/// Why the host cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The engine cannot be made: too little address space, or a processor that it does not know.
    #[error("the plugin engine cannot be started: {problem}")]
    Engine {
        /// What the engine said.
        problem: String,
    },
    /// A thread cannot be started.
    #[error("the plugin threads cannot be started")]
    Threads {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The directory for compiled plugins cannot be used.
    #[error("the directory for compiled plugins {dir} cannot be used")]
    Cache {
        /// The directory.
        dir: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Half of the threads are left to quick plugins when others run into their deadlines, so two for each processor.
fn default_threads() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Runs plugins: every call in a fresh instance, on threads of its own, within the limits of the call.
pub struct PluginHost {
    engine: Engine,
    explicit: bool,
    linker: Linker<Guest>,
    /// The same and the empty world, for components that import it.
    wasi_linker: Linker<Guest>,
    pool: Pool,
    cache: Option<Cache>,
    /// `None`: components are compiled in this process.
    compiler: Option<Child>,
    component_bytes_max: usize,
    _ticker: Ticker,
}

impl PluginHost {
    /// Starts the engine and its threads. Blocks for some milliseconds.
    pub fn start(config: HostConfig) -> Result<Self, HostError> {
        let threads = config.threads.map_or_else(default_threads, NonZeroUsize::get);
        let Started { engine, explicit } = engine::start(threads, config.memory_checks)?;
        let compiler = match config.compiler {
            Compiler::InProcess => None,
            Compiler::Child { program, args, wall_limit } => Some(Child { program, args, wall_limit }),
        };
        let mut linker = Linker::new(&engine);
        log::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)
            .map_err(|error| HostError::Engine { problem: format!("{error:#}") })?;
        let mut wasi_linker = linker.clone();
        wasi::add_to_linker(&mut wasi_linker).map_err(|error| HostError::Engine { problem: format!("{error:#}") })?;
        let cache = config.cache.map(|cache| Cache::open(cache, &engine)).transpose()?;
        let ticker = Ticker::start(&engine).map_err(|source| HostError::Threads { source })?;
        let pool = Pool::start(threads, config.queue_len).map_err(|source| HostError::Threads { source })?;
        let component_bytes_max = config.component_bytes_max;
        Ok(Self { engine, explicit, linker, wasi_linker, pool, cache, compiler, component_bytes_max, _ticker: ticker })
    }

    /// Checks a component and compiles it, or takes its compiled code from the cache. Blocks, for a tenth of a second
    /// (Rust) to many seconds (Python): call it from `spawn_blocking`.
    pub fn compile(&self, bytes: &[u8]) -> Result<Arc<PluginVersion>, LoadError> {
        if bytes.len() > self.component_bytes_max {
            return Err(LoadError::TooLarge { size: bytes.len(), limit: self.component_bytes_max });
        }
        let outside = component::read(bytes)?;
        let fixtures =
            fixture::unpack(bytes).map_err(|FixtureError { name, problem }| LoadError::Fixtures { name, problem })?;
        if let Some(stray) = fixtures.iter().find(|fixture| fixture.world() != outside.world) {
            let problem = format!("it is for world {}, and the component is {}", stray.world(), outside.world);
            return Err(LoadError::Fixtures { name: stray.name().to_owned(), problem });
        }
        let digest = Digest::of(bytes);
        let component = self.code(&digest, bytes)?;
        let linked = self.link(&outside, &component)?;
        run::try_start(&self.engine, &linked, self.pool.runtime())?;
        Ok(Arc::new(PluginVersion {
            digest,
            contract: outside.contract,
            metadata: outside.metadata,
            size_bytes: bytes.len(),
            imports: outside.imports,
            fixtures,
            pace: Arc::default(),
            linked,
        }))
    }

    fn code(&self, digest: &Digest, bytes: &[u8]) -> Result<Component, LoadError> {
        if let Some(component) = self.cache.as_ref().and_then(|cache| cache.get(&self.engine, digest)) {
            return Ok(component);
        }
        let component = match &self.compiler {
            None => Component::from_binary(&self.engine, bytes)
                .map_err(|error| LoadError::Compile { problem: format!("{error:#}") })?,
            Some(compiler) => child::load(&self.engine, &compiler.compile(self.explicit, digest, bytes)?)?,
        };
        if let Some(cache) = &self.cache {
            cache.put(digest, &component);
        }
        Ok(component)
    }

    fn link(&self, outside: &Outside, component: &Component) -> Result<Linked, LoadError> {
        let shape = |error: wasmtime::Error| LoadError::WrongShape { problem: format!("{error:#}") };
        let is_wasi = outside.imports.iter().any(|import| wasi::is_offered(import));
        let linker = if is_wasi { &self.wasi_linker } else { &self.linker };
        let instance = linker.instantiate_pre(component).map_err(shape)?;
        match outside.world {
            World::Inbound => InboundPre::new(instance).map(Linked::Inbound).map_err(shape),
            World::Outbound => OutboundPre::new(instance).map(Linked::Outbound).map_err(shape),
        }
    }

    /// Asks an inbound plugin to read a request.
    pub async fn parse(
        &self,
        version: &Arc<PluginVersion>,
        context: CallContext,
        request: InboundRequest,
        limits: CallLimits,
    ) -> Called<Outcome> {
        self.intake(version, context, request, None, limits).await
    }

    /// Asks an inbound plugin to go on, with what was fetched for it.
    pub async fn resume(
        &self,
        version: &Arc<PluginVersion>,
        context: CallContext,
        request: InboundRequest,
        resumption: Resumption,
        limits: CallLimits,
    ) -> Called<Outcome> {
        self.intake(version, context, request, Some(resumption), limits).await
    }

    async fn intake(
        &self,
        version: &Arc<PluginVersion>,
        context: CallContext,
        request: InboundRequest,
        resumption: Option<Resumption>,
        limits: CallLimits,
    ) -> Called<Outcome> {
        let (engine, version, pace) = (self.engine.clone(), Arc::clone(version), Arc::clone(&version.pace));
        self.call(&pace, async move || run::intake(&engine, &version, context, request, resumption, &limits).await)
            .await
    }

    /// Asks an outbound plugin to shape an event.
    pub async fn transform(
        &self,
        version: &Arc<PluginVersion>,
        context: CallContext,
        event: OutboundEvent,
        delivery: OutboundDelivery,
        limits: CallLimits,
    ) -> Called<Decision> {
        let (engine, version, pace) = (self.engine.clone(), Arc::clone(version), Arc::clone(&version.pace));
        self.call(&pace, async move || run::dispatch(&engine, &version, context, event, delivery, &limits).await).await
    }

    /// How many calls wait for a thread.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    async fn call<T: Send + 'static>(
        &self,
        pace: &Arc<Pace>,
        call: impl AsyncFnOnce() -> Called<T> + Send + 'static,
    ) -> Called<T> {
        let (answer, answered) = oneshot::channel();
        let queued = Instant::now();
        let job: Job = Box::new(move || {
            Box::pin(async move {
                // The caller may have given up while the call was waiting.
                if answer.is_closed() {
                    return;
                }
                let waited = queued.elapsed();
                let called = Called { waited, ..call().await };
                // Nobody is left to tell if the caller gave up meanwhile: the call has no effect but its answer.
                drop(answer.send(called));
            })
        });
        if self.pool.submit(pace, job).is_err() {
            return Called::not_run(CallFailure::QueueFull);
        }
        answered.await.unwrap_or_else(|_| {
            Called::not_run(CallFailure::Unavailable { message: "the call was dropped by the host".to_owned() })
        })
    }
}
