//! Opening a store: look, migrate, register this node, load, and start what runs.

use crate::batch::Batch;
use crate::collector;
use crate::config::PostgresConfig;
use crate::connection::{Door, Line, Purpose};
use crate::database::Connection;
use crate::desk::Counter;
use crate::fault::Failure;
use crate::finish::Endings;
use crate::keeper::{self, Identity};
use crate::load::load_orphaned;
use crate::node;
use crate::notifier;
use crate::place;
use crate::queue::{self, Inbox};
use crate::refusal::refused;
use crate::roster;
use crate::sealer::Entropy;
use crate::sealer::Sealer;
use crate::shards::{SHARDS, Shards};
use crate::store::{PostgresStore, Shared, Tasks};
use crate::suitability;
use crate::transfer;
use crate::writer::{self, Group};
use hookwright_core::id::{IdMaker, SubscriptionId};
use hookwright_store::{Clock, Ids, StoreError};
use sqlx::Connection as _;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Changes that wait for the desk.
const DESK_MAX: usize = 1_024;

impl PostgresStore {
    /// Opens the store, and makes or migrates the tables first if need be.
    ///
    /// [`StoreError::Unsuitable`] says in one sentence why the database and this program do not go together.
    pub async fn open(config: PostgresConfig, clock: Arc<dyn Clock>, entropy: Entropy) -> Result<Self, StoreError> {
        Self::begin(config, Source::Clock(clock), entropy).await
    }

    /// Opens the store as [`PostgresStore::open`] does, with a source of ids that the caller has made.
    pub async fn open_with(config: PostgresConfig, ids: Ids, entropy: Entropy) -> Result<Self, StoreError> {
        Self::begin(config, Source::Ids(ids), entropy).await
    }

    async fn begin(config: PostgresConfig, source: Source, entropy: Entropy) -> Result<Self, StoreError> {
        let PostgresConfig {
            url,
            keyring,
            policy,
            queue: bounds,
            readers,
            statement_timeout,
            lease,
            node_name,
            steered,
        } = config;
        let door = Door::new(&url, statement_timeout)?;
        let sealer = Sealer::new(keyring, Arc::clone(&entropy));
        let mut connection = ready(&door, readers, &sealer).await?;
        let mut run = vec![0; 16];
        entropy(&mut run);
        let asked_at = Instant::now();
        let (id, now_ms) = node::register(&mut connection, &run, &node_name, lease).await?;
        if let Some(clock) = &steered {
            clock.steer(now_ms);
        }
        let ids = source.ids(id)?;
        place::go_on(&ids, &mut connection).await?;
        let node = Identity { id, run, name: node_name, lease };
        let (plain, plain_inbox) = queue::queue(bounds);
        let (bound, bound_inbox) = queue::queue(bounds);
        let (endings, ending_inbox) = queue::queue(bounds);
        let (desk, jobs) = mpsc::channel(DESK_MAX);
        let shared = Arc::new(Shared {
            reads: door.pool(readers),
            door,
            plain,
            bound,
            endings,
            desk,
            directory: Arc::default(),
            roster: roster::Roster::default(),
            handover: crate::handover::Handover::default(),
            sealer: Arc::new(sealer),
            ids,
            policy,
            node,
            shards: Shards::none(),
            days: crate::partition::Days::default(),
            deciding: tokio::sync::RwLock::default(),
            notifier: notifier::Notifier::default(),
            bell: collector::Bell::default(),
            changed: tokio::sync::Notify::new(),
            leads: AtomicBool::new(false),
            is_retiring: AtomicBool::new(false),
            steered,
        });
        shared.shards.extend(asked_at + lease);
        roster::begin(&shared, &mut connection).await?;
        let orphaned = join(&shared, &mut connection).await?;
        let counter = Counter::new(Arc::clone(&shared), Line::new(shared.door.clone(), Purpose::Any), orphaned);
        let tasks = start(&shared, counter, jobs, [plain_inbox, bound_inbox], ending_inbox);
        Ok(Self::new(shared, tasks))
    }
}

/// Takes what nobody owns before anything is served; the rest comes when the others, who are told, give it. Tells whose deliveries are to be ended.
async fn join(shared: &Shared, connection: &mut Connection) -> Result<VecDeque<SubscriptionId>, Failure> {
    let taken = node::take(connection, &shared.node, SHARDS).await?;
    for shard in &taken {
        shared.shards.mark(*shard, true);
        shared.shards.note_owner(*shard, Some(shared.node.id));
    }
    shared.leads.store(taken.contains(&0), Ordering::SeqCst);
    shared.roster.shards_moved(shared).await;
    sqlx::query("SELECT pg_notify('hookwright_nodes', '')").execute(&mut *connection).await?;
    load_orphaned(connection).await
}

/// Where ids come from.
enum Source {
    Clock(Arc<dyn Clock>),
    Ids(Ids),
}

impl Source {
    fn ids(self, node: i64) -> Result<Ids, StoreError> {
        match self {
            Self::Ids(ids) => Ok(ids),
            Self::Clock(clock) => {
                let maker = u16::try_from(node).ok().and_then(IdMaker::new);
                let out_of_range = || StoreError::Unsuitable("the node's number is out of range".to_owned());
                Ok(Ids::new(maker.ok_or_else(out_of_range)?, clock))
            }
        }
    }
}

fn start(
    shared: &Arc<Shared>,
    counter: Counter,
    jobs: mpsc::Receiver<crate::desk::Job>,
    [plain, bound]: [Inbox<crate::intake::WorkAsked>; 2],
    endings: Inbox<crate::finish::EndingAsked>,
) -> Tasks {
    let ((end_work, work_end), (end_help, help_end)) = (watch::channel(false), watch::channel(false));
    let mut workers = JoinSet::new();
    spawn_writer::<Batch>(&mut workers, shared, plain, &work_end);
    spawn_writer::<Batch>(&mut workers, shared, bound, &work_end);
    spawn_writer::<Endings>(&mut workers, shared, endings, &work_end);
    workers.spawn(counter.run(jobs, work_end));
    let mut helpers = JoinSet::new();
    helpers.spawn(keeper::keep(Arc::clone(shared), help_end.clone()));
    helpers.spawn(keeper::fence(Arc::clone(shared), help_end.clone()));
    helpers.spawn(keeper::listen(Arc::clone(shared), help_end.clone()));
    helpers.spawn(collector::collect(Arc::clone(shared), help_end.clone()));
    helpers.spawn(notifier::send(Arc::clone(shared), help_end));
    Tasks { workers, helpers, end_work, end_help }
}

fn spawn_writer<G: Group + 'static>(
    workers: &mut JoinSet<()>,
    shared: &Arc<Shared>,
    inbox: Inbox<G::Command>,
    end: &watch::Receiver<bool>,
) where
    G::Command: 'static,
{
    let line = Line::new(shared.door.clone(), Purpose::Keys);
    workers.spawn(writer::run::<G>(Arc::clone(shared), line, inbox, end.clone()));
}

/// Brings the database's schema up to date; tells the steps that were taken, oldest first.
pub async fn migrate(config: PostgresConfig, entropy: Entropy) -> Result<Vec<String>, StoreError> {
    let door = Door::new(&config.url, config.statement_timeout)?;
    let (_, steps) = prepare(&door, config.readers, &Sealer::new(config.keyring, entropy)).await?;
    Ok(steps)
}

/// A connection to a database on which nodes may run.
async fn ready(door: &Door, readers: u32, sealer: &Sealer) -> Result<Connection, StoreError> {
    let (mut connection, _) = prepare(door, readers, sealer).await?;
    transfer::refuse_half(&mut connection, &door.database_at()).await?;
    Ok(connection)
}

/// A connection to a database that was looked at, brought up to date and keeps the keys' check; and the steps that were taken.
pub(crate) async fn prepare(
    door: &Door,
    readers: u32,
    sealer: &Sealer,
) -> Result<(Connection, Vec<String>), StoreError> {
    let connect = async || door.connect(Purpose::Any).await.map_err(|failure| refused(failure, door));
    let mut connection = connect().await?;
    suitability::examine(&mut connection, door, readers, sealer).await?;
    let steps = suitability::migrate(&mut connection, &door.database_at()).await?;
    if !steps.is_empty() {
        connection.close().await.map_err(Failure::from)?;
        connection = connect().await?;
    }
    suitability::keep_key_check(&mut connection, sealer, door).await?;
    Ok((connection, steps))
}
