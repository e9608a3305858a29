//! The keeper: keeps this node's lease, takes shards that nobody owns, gives back what is more than its share, and hears of the other nodes.

use crate::collector;
use crate::connection::{Line, Purpose, answered};
use crate::database::Connection;
use crate::fault::Failure;
use crate::node;
use crate::notifier::channels;
use crate::partition;
use crate::place;
use crate::roster;
use crate::shards::SHARDS;
use crate::store::Shared;
use crate::writer::told;
use sqlx::postgres::PgListener;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// The lease is renewed so many times before it would end.
const RENEWALS: u32 = 5;
/// How often the catalogue's revision is read, whether or not another node has notified of a change.
const LOOK: Duration = Duration::from_millis(500);
/// How long exchanges under way are waited for when a shard is given away.
const HAND_OVER: Duration = Duration::from_mins(1);
/// How often whoever leads looks for what nobody else does.
const TIDY: Duration = Duration::from_secs(30);

/// Who this node is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Its number, as long as it runs.
    pub(crate) id: i64,
    /// This run of it.
    pub(crate) run: Vec<u8>,
    /// What people call it.
    pub(crate) name: String,
    /// How long it keeps what it owns without a word.
    pub(crate) lease: Duration,
}

/// Keeps the lease until it is told to end.
pub(crate) async fn keep(shared: Arc<Shared>, mut end: watch::Receiver<bool>) {
    let mut line = Line::new(shared.door.clone(), Purpose::Any);
    let mut times = Times::default();
    loop {
        let patience = shared.node.lease / RENEWALS;
        let round = timeout(patience.max(Duration::from_secs(1)), round(&shared, &mut line, &mut times)).await;
        let failure = match round {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(format!("{failure:?}")),
            Err(_) => Some("the database did not answer in time".to_owned()),
        };
        if let Some(why) = failure {
            line.drop_connection();
            if times.complained.is_none_or(|at| at.elapsed() > Duration::from_secs(1)) {
                times.complained = Some(Instant::now());
                tracing::warn!(why, "this node's lease was not renewed; trying again");
            }
        }
        tokio::select! {
            () = told(&mut end) => break,
            () = sleep(LOOK) => {}
            () = shared.notifier.heard_of_catalogue() => {}
        }
    }
}

/// When what was done last.
#[derive(Default)]
struct Times {
    renewed: Option<Instant>,
    tidied: Option<Instant>,
    complained: Option<Instant>,
}

async fn round(shared: &Arc<Shared>, line: &mut Line, times: &mut Times) -> Result<(), Failure> {
    let connection = line.get().await?;
    let row = sqlx::query!("SELECT number FROM revision").fetch_one(&mut *connection).await?;
    roster::catch_up(shared, connection, row.number).await?;
    let every = shared.node.lease / RENEWALS;
    let moved = shared.notifier.have_nodes_moved();
    if !moved && times.renewed.is_some_and(|at| at.elapsed() < every) {
        return Ok(());
    }
    renew(shared, connection).await?;
    times.renewed = Some(Instant::now());
    balance(shared, connection).await?;
    place::keep(shared, connection).await?;
    partition::look_ahead(shared, connection, shared.ids.clock().now_ms()).await?;
    if shared.leads.load(Ordering::Relaxed) && times.tidied.is_none_or(|at| at.elapsed() > TIDY) {
        times.tidied = Some(Instant::now());
        node::tidy(shared, connection).await?;
    }
    Ok(())
}

/// Renews the lease, and everything that was owned if it had been cut short. A node whose lease has ended begins anew, with nothing.
async fn renew(shared: &Arc<Shared>, connection: &mut Connection) -> Result<(), Failure> {
    let asked_at = Instant::now();
    let renewed = node::renew(connection, &shared.node, shared.is_retiring.load(Ordering::SeqCst)).await?;
    let answered_at = Instant::now();
    if renewed.is_none() {
        // Whatever was owned may be another's by now.
        let none = give_up(shared).await;
        tracing::warn!(shards = none, "this node's lease had ended; it begins anew");
    }
    let now_ms = match renewed {
        Some(now_ms) => now_ms,
        None => node::begin_anew(connection, &shared.node).await?,
    };
    if let Some(clock) = &shared.steered {
        let halfway = i64::try_from((answered_at - asked_at).as_millis() / 2).unwrap_or(0);
        clock.steer(now_ms.saturating_add(halfway));
    }
    // Counted from before the question: the database granted it no earlier.
    shared.shards.extend(asked_at + shared.node.lease);
    Ok(())
}

/// Takes away everything that is owned in memory; tells how much that was.
async fn give_up(shared: &Arc<Shared>) -> usize {
    let mine = shared.shards.mine();
    for shard in &mine {
        shared.shards.mark(*shard, false);
    }
    shared.leads.store(false, Ordering::SeqCst);
    shared.roster.shards_moved(shared).await;
    shared.handover.revoke();
    mine.len()
}

/// Brings what is owned near this node's share.
async fn balance(shared: &Arc<Shared>, connection: &mut Connection) -> Result<(), Failure> {
    // Before what is on record is read: what is given away in between still counts as given, and is not taken for something that was lost.
    let being_given: BTreeSet<i64> = shared.notifier.being_given();
    let owners = node::owners(connection).await?;
    for (shard, owner) in &owners.shards {
        shared.shards.note_owner(*shard, *owner);
    }
    shared.notifier.note_nodes(owners.live);
    let is_retiring = shared.is_retiring.load(Ordering::SeqCst);
    let share = if is_retiring { 0 } else { SHARDS.div_ceil(owners.live.max(1)) };
    let on_record: BTreeSet<i64> = owners
        .shards
        .iter()
        .filter(|(shard, owner)| *owner == Some(shared.node.id) && !being_given.contains(shard))
        .map(|(shard, _)| *shard)
        .collect();
    let in_memory: BTreeSet<i64> = shared.shards.mine().into_iter().collect();
    // What is on record and not in memory was lost with a lease that lasted after all.
    let mut gained: Vec<i64> = on_record.difference(&in_memory).copied().collect();
    if on_record.len() > share {
        let surplus: Vec<i64> = in_memory.iter().rev().take(on_record.len() - share).copied().collect();
        gained.retain(|shard| !surplus.contains(shard));
        give(shared, surplus).await;
    } else if on_record.len() < share {
        gained.extend(node::take(connection, &shared.node, share - on_record.len()).await?);
    }
    if !gained.is_empty() {
        tracing::info!(shards = gained.len(), "this node takes shards");
        for shard in &gained {
            shared.shards.mark(*shard, true);
            shared.shards.note_owner(*shard, Some(shared.node.id));
        }
        shared.roster.shards_moved(shared).await;
        shared.bell.look_from_the_start();
    }
    let mine = shared.shards.mine();
    shared.leads.store(mine.contains(&0), Ordering::SeqCst);
    Ok(())
}

/// Gives shards away: from now on nothing of theirs begins here; once what is under way is over, they are anybody's.
async fn give(shared: &Arc<Shared>, surplus: Vec<i64>) {
    if surplus.is_empty() {
        return;
    }
    for shard in &surplus {
        shared.shards.mark(*shard, false);
    }
    shared.notifier.giving(&surplus);
    shared.roster.shards_moved(shared).await;
    tokio::spawn(hand_over(Arc::clone(shared), surplus));
}

/// Makes shards anybody's, each as soon as nothing is under way for it.
async fn hand_over(shared: Arc<Shared>, mut left: Vec<i64>) {
    // Groups that counted on them are committed and handed over when this is granted.
    drop(shared.deciding.write().await);
    let deadline = Instant::now() + HAND_OVER;
    while !left.is_empty() {
        let is_over = Instant::now() >= deadline;
        let (quiet, busy): (Vec<i64>, Vec<i64>) =
            left.into_iter().partition(|shard| is_over || shared.shards.under_way(*shard) == 0);
        left = busy;
        if quiet.is_empty() {
            sleep(Duration::from_millis(10)).await;
            continue;
        }
        let given = async {
            let mut connection = shared.door.connect(Purpose::Any).await?;
            answered(node::release(&mut connection, &shared.node, &quiet)).await
        };
        match given.await {
            Ok(()) => shared.notifier.shards_given(),
            // They stay on record as this node's, which takes them up again.
            Err(failure) => tracing::warn!(?failure, "shards were not given away"),
        }
        shared.notifier.given(&quiet);
    }
}

/// Stops everything when the lease is about to end, whatever the database does.
pub(crate) async fn fence(shared: Arc<Shared>, mut end: watch::Receiver<bool>) {
    loop {
        let at = shared.shards.fence_at();
        tokio::select! {
            () = told(&mut end) => return,
            () = sleep_until(at.max(Instant::now() + Duration::from_millis(5))) => {}
        }
        if !shared.shards.is_held() && !shared.shards.mine().is_empty() {
            let shards = give_up(&shared).await;
            tracing::warn!(shards, "this node was not heard of in time: it stops sending");
        }
    }
}

/// Hears what other nodes tell. A connection that breaks is made anew; everything is looked at then, since what was told meanwhile is lost.
pub(crate) async fn listen(shared: Arc<Shared>, mut end: watch::Receiver<bool>) {
    let mut pause = Duration::from_millis(50);
    loop {
        let heard = async {
            let options = shared.door.options().clone();
            let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_with(options).await?;
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.eager_reconnect(false);
            listener.listen_all(channels(shared.node.id).iter().map(String::as_str)).await?;
            pause = Duration::from_millis(50);
            shared.notifier.hear_catalogue();
            shared.bell.ring();
            while let Some(told) = listener.try_recv().await? {
                collector::heard(&shared, told.channel());
            }
            Ok::<(), sqlx::Error>(())
        };
        tokio::select! {
            () = told(&mut end) => return,
            result = heard => if let Err(error) = result {
                tracing::debug!(%error, "not hearing notifications; trying again");
            }
        }
        tokio::select! {
            () = told(&mut end) => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Gives everything to the others, at the end.
pub(crate) async fn leave(shared: &Shared) -> Result<(), Failure> {
    let mut connection = shared.door.connect(Purpose::Any).await?;
    place::keep(shared, &mut connection).await?;
    node::leave(&mut connection, &shared.node).await?;
    sqlx::query("SELECT pg_notify('hookwright_nodes', '')").execute(&mut connection).await?;
    Ok(())
}
