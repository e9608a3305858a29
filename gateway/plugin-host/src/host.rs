//! The host: what the rest of the gateway calls.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::inbound::hookwright::plugin::log;
use crate::cache::Cache;
use crate::call::{CallFailure, Called};
use crate::child::{self, Child};
use crate::component::{self, Outside};
use crate::config::{Compiler, HostConfig};
use crate::context::CallContext;
use crate::engine::{self, Started, Ticker};
use crate::fixture::{self, Fixture, FixtureError};
use crate::guest::{Guest, Watched};
use crate::idle::Idle;
use crate::inbound::{InboundRequest, Outcome, Resumption};
use crate::limits::CallLimits;
use crate::linked::Linked;
use crate::load::LoadError;
use crate::outbound::{Decision, OutboundDelivery, OutboundEvent};
use crate::pool::{Job, Pace, Pool};
use crate::run;
use crate::stats::{HostStats, SlotStats};
use crate::version::{Digest, PluginVersion, World};
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
    threads: usize,
    starting: Mutex<()>,
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
        Ok(Self {
            engine,
            explicit,
            linker,
            wasi_linker,
            pool,
            cache,
            compiler,
            component_bytes_max,
            threads,
            starting: Mutex::default(),
            _ticker: ticker,
        })
    }

    /// Checks a component and compiles it, or takes its compiled code from the cache. Blocks, for a tenth of a second
    /// (Rust) to many seconds (Python): call it from `spawn_blocking`. Threads may load at the same time.
    pub fn compile(&self, bytes: &[u8]) -> Result<Arc<PluginVersion>, LoadError> {
        if bytes.len() > self.component_bytes_max {
            return Err(LoadError::TooLarge { size: bytes.len(), limit: self.component_bytes_max });
        }
        component::check_header(bytes)?;
        let digest = Digest::of(bytes);
        let cached = self.cache.as_ref().and_then(|cache| cache.get(&self.engine, &digest));
        if cached.is_none() {
            // Code that is ours was made from these very bytes, which were sound then.
            component::validate(bytes)?;
        }
        let outside = component::read(bytes)?;
        let fixtures = Self::fixtures(bytes, outside.world)?;
        let (component, compile_time) = match cached {
            Some(component) => (component, None),
            None => self.make(&digest, bytes)?,
        };
        let linked = self.link(&outside, &component)?;
        self.try_start(&linked)?;
        Ok(Arc::new(PluginVersion {
            digest,
            contract: outside.contract,
            metadata: outside.metadata,
            size_bytes: bytes.len(),
            imports: outside.imports,
            fixtures,
            compile_time,
            pace: Arc::default(),
            linked,
        }))
    }

    fn fixtures(bytes: &[u8], world: World) -> Result<Vec<Fixture>, LoadError> {
        let fixtures =
            fixture::unpack(bytes).map_err(|FixtureError { name, problem }| LoadError::Fixtures { name, problem })?;
        match fixtures.iter().find(|fixture| fixture.world() != world) {
            None => Ok(fixtures),
            Some(stray) => {
                let problem = format!("it is for world {}, and the component is {world}", stray.world());
                Err(LoadError::Fixtures { name: stray.name().to_owned(), problem })
            }
        }
    }

    /// Compiles, and tells how long it took.
    fn make(&self, digest: &Digest, bytes: &[u8]) -> Result<(Component, Option<Duration>), LoadError> {
        let started = Instant::now();
        let component = match &self.compiler {
            None => Component::from_binary(&self.engine, bytes)
                .map_err(|error| LoadError::Compile { problem: format!("{error:#}") })?,
            Some(compiler) => child::load(&self.engine, &compiler.compile(self.explicit, digest, bytes)?)?,
        };
        let compile_time = started.elapsed();
        if let Some(cache) = &self.cache {
            cache.put(digest, &component);
        }
        Ok((component, Some(compile_time)))
    }

    /// Tries a start, while no other version does: the pool has slots for a few beside the calls', not for any number.
    fn try_start(&self, linked: &Linked) -> Result<(), LoadError> {
        // No code panics while it holds the lock, and there is nothing in it.
        let _alone = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        run::try_start(&self.engine, linked, self.pool.runtime())
    }

    fn link(&self, outside: &Outside, component: &Component) -> Result<Linked, LoadError> {
        let shape = |error: wasmtime::Error| LoadError::WrongShape { problem: format!("{error:#}") };
        let is_wasi = outside.imports.iter().any(|import| wasi::is_offered(import));
        let linker = if is_wasi { &self.wasi_linker } else { &self.linker };
        let instance = linker.instantiate_pre(component).map_err(shape)?;
        Linked::new(outside.world, instance, component, is_wasi).map_err(shape)
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
        self.call(&pace, async move |idle: &Idle| {
            let watched = Watched::new(&engine, idle, &version, &context, &limits);
            run::intake(watched, context, request, resumption).await
        })
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
        self.call(&pace, async move |idle: &Idle| {
            let watched = Watched::new(&engine, idle, &version, &context, &limits);
            run::dispatch(watched, context, event, delivery).await
        })
        .await
    }

    /// How many calls wait for a thread.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// What it is doing at the moment.
    pub fn stats(&self) -> HostStats {
        HostStats {
            threads: self.threads,
            waiting: self.pool.waiting(),
            waiting_max: self.pool.waiting_max(),
            running: self.pool.running(),
            idle_instances: self.pool.idle(),
            slots: SlotStats::of(&self.engine, engine::slots(self.threads)),
        }
    }

    async fn call<T: Send + 'static>(
        &self,
        pace: &Arc<Pace>,
        call: impl AsyncFnOnce(&Idle) -> Called<T> + Send + 'static,
    ) -> Called<T> {
        let (answer, answered) = oneshot::channel();
        let queued = Instant::now();
        let job: Job = Box::new(move |idle| {
            Box::pin(async move {
                // The caller may have given up while the call was waiting.
                if answer.is_closed() {
                    return;
                }
                let waited = queued.elapsed();
                let called = Called { waited, ..call(idle).await };
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
