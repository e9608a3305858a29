//! Attempts and what follows from them.

use crate::direct::Direct;
use crate::exchange;
use crate::fault::Failure;
use crate::sealer::Sealer;
use crate::statement;
use hookwright_core::delivery::{Attempt, Finish, Next};
use hookwright_core::id::DeliveryId;
use hookwright_store::Finished;
use rusqlite::{OptionalExtension, params};

/// A delivery that ends or goes on.
pub(crate) enum Ending {
    /// By an attempt, whose exchange is sealed by whoever made it, before the writer's time is taken.
    Attempt(Box<Finish>, Vec<u8>),
    /// Without one.
    Abandoned(Abandon),
}

/// A delivery that ends without an attempt.
#[derive(Debug)]
pub(crate) struct Abandon {
    pub(crate) id: DeliveryId,
    pub(crate) reason: String,
    pub(crate) at: i64,
}

/// What the table of pending deliveries holds of one.
struct Held {
    event_id: i64,
    subscription_id: i64,
    attempts: u32,
    budget_from: u32,
}

/// How a delivery ends.
struct End<'a> {
    status: &'a str,
    reason: Option<&'a str>,
    attempts: u32,
    code: Option<u16>,
    at: i64,
}

impl Ending {
    /// An attempt, sealed.
    pub(crate) fn of_attempt(finish: Finish, sealer: &Sealer) -> Self {
        let exchange = exchange::seal(&finish.attempt, sealer);
        Self::Attempt(Box::new(finish), exchange)
    }

    /// Writes it, in the present transaction; tells whether the delivery moved on.
    pub(crate) fn write(&self, direct: &Direct) -> Result<Finished, Failure> {
        match self {
            Self::Attempt(finish, exchange) => attempt(direct, finish, exchange),
            Self::Abandoned(abandon) => abandoned(direct, abandon),
        }
    }
}

/// A failure counts only as the attempt that follows the last one on record; a success is true whenever it arrives, while the delivery is pending. The attempt itself is
/// recorded in any case. Where an operator began another budget while the attempt was under way, its failure is one of the former: the delivery stays due as the operator asked.
fn attempt(direct: &Direct, finish: &Finish, exchange: &[u8]) -> Result<Finished, Failure> {
    let Finish { attempt, next, .. } = finish;
    let id = attempt.delivery_id;
    let held = held(direct, id)?;
    let follows = held.as_ref().is_some_and(|held| attempt.number == held.attempts.saturating_add(1));
    let at = attempt.started_at.saturating_add(i64::from(attempt.duration_ms));
    let moved = match (held, next) {
        (Some(held), Next::Delivered) if attempt.number <= held.attempts.saturating_add(1) => {
            let attempts = held.attempts.max(attempt.number);
            settle(
                direct,
                id,
                &held,
                &End { status: "delivered", reason: None, attempts, code: attempt.response_code, at },
            )?;
            true
        }
        (Some(held), Next::Failed { .. } | Next::Retry { .. }) if follows && held.budget_from != finish.budget_from => {
            direct.execute(statement::COUNT_ATTEMPT, (id.get(), attempt.number))?;
            false
        }
        (Some(held), Next::Failed { reason }) if follows => {
            let (reason, attempts) = (Some(reason.as_str()), attempt.number);
            settle(direct, id, &held, &End { status: "failed", reason, attempts, code: attempt.response_code, at })?;
            true
        }
        (Some(_), Next::Retry { due_at }) if follows => {
            direct.execute(statement::UPDATE_PENDING, (id.get(), attempt.number, due_at))?;
            true
        }
        _ => false,
    };
    record(direct, attempt, exchange)?;
    Ok(if moved { Finished::Applied } else { Finished::Stale })
}

fn abandoned(direct: &Direct, abandon: &Abandon) -> Result<Finished, Failure> {
    let Some(held) = held(direct, abandon.id)? else { return Ok(Finished::Stale) };
    let mut last = direct.statement(statement::LAST_CODE)?;
    let code = last.query_row((abandon.id.get(), held.attempts), |row| row.get(0)).optional()?.flatten();
    let (reason, attempts) = (Some(abandon.reason.as_str()), held.attempts);
    settle(direct, abandon.id, &held, &End { status: "failed", reason, attempts, code, at: abandon.at })?;
    Ok(Finished::Applied)
}

fn held(direct: &Direct, id: DeliveryId) -> Result<Option<Held>, Failure> {
    let mut statement = direct.statement(statement::READ_PENDING)?;
    let held = statement.query_row([id.get()], |row| {
        Ok(Held {
            event_id: row.get(0)?,
            subscription_id: row.get(1)?,
            attempts: row.get(2)?,
            budget_from: row.get(3)?,
        })
    });
    Ok(held.optional()?)
}

fn settle(direct: &Direct, id: DeliveryId, held: &Held, end: &End<'_>) -> Result<(), Failure> {
    let End { status, reason, attempts, code, at } = end;
    let values = params![id.get(), held.event_id, held.subscription_id, status, reason, attempts, code, at];
    direct.execute(statement::SETTLED, values)?;
    direct.execute(statement::DELETE_PENDING, [id.get()]).map(drop)
}

fn record(direct: &Direct, attempt: &Attempt, exchange: &[u8]) -> Result<(), Failure> {
    let values = params![
        attempt.delivery_id.get(),
        attempt.number,
        attempt.id.get(),
        attempt.event_id.get(),
        attempt.subscription_id.get(),
        attempt.started_at,
        attempt.duration_ms,
        attempt.response_code,
        attempt.error.as_ref().map(|error| error.kind.as_str()),
        attempt.plugin_digest,
        exchange
    ];
    direct.execute(statement::ATTEMPT, values).map(drop)
}
