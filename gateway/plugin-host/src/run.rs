//! Calls into guests: an instance, one function, its answer checked.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use wasmtime::{Engine, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::answer;
use crate::bindings::inbound::exports::hookwright::plugin::intake;
use crate::bindings::inbound::hookwright::plugin::call;
use crate::bindings::outbound::exports::hookwright::plugin::dispatch;
use crate::call::{CallFailure, Called};
use crate::component::CONTRACT;
use crate::context::CallContext;
use crate::guest::{Stop, Watched, watch};
use crate::inbound::{Assurance, FetchAnswer, InboundRequest, Outcome, Resumption};
use crate::instance::Instance;
use crate::limits::{CallLimits, DEADLINE_MAX, MEMORY_BYTES_MAX, MemoryLimitReached};
use crate::linked::{Exports, Linked};
use crate::load::LoadError;
use crate::outbound::{Decision, OutboundDelivery, OutboundEvent};
use crate::version::World;
use crate::wasi::Circumstances;

/// Makes one instance and drops it: only then are the types of the exports checked, and the guest's start code is run.
/// A guest of WASI may wait for a clock there, so it needs `runtime`; it is not waited for.
pub(crate) fn try_start(engine: &Engine, linked: &Linked, runtime: &Handle) -> Result<(), LoadError> {
    let limits = CallLimits { deadline: DEADLINE_MAX, memory_bytes: MEMORY_BYTES_MAX, ..CallLimits::default() };
    let mut instance = Instance::new(engine, Circumstances::default(), &limits);
    let _entered = runtime.enter();
    let started = at_once(instance.check(linked));
    match started {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) if is_the_guests(&error) => Err(LoadError::Start { problem: error.root_cause().to_string() }),
        Some(Err(error)) => Err(LoadError::WrongShape { problem: format!("{error:#}") }),
        None => Err(LoadError::Start { problem: "it waits for something".to_owned() }),
    }
}

/// Whether the guest's own code ended a start, as against exports that do not fit.
fn is_the_guests(error: &wasmtime::Error) -> bool {
    error.is::<Trap>() || error.is::<MemoryLimitReached>() || error.is::<I32Exit>() || error.is::<WasmBacktrace>()
}

/// The result of a future that has nothing to wait for: the contract's imports answer at once, and epochs end the call.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// Asks an inbound plugin to read a request, or to go on reading it.
pub(crate) async fn intake(
    watched: Watched<'_>,
    context: CallContext,
    request: InboundRequest,
    resumption: Option<Resumption>,
) -> Called<Outcome> {
    let found = watched.version.world();
    let context = guest_context(context);
    let request = guest_request(request);
    let resumption = resumption.map(guest_resumption);
    watch(watched, async |store, exports| {
        let Exports::Inbound(plugin) = exports else {
            return Err(Stop::Declined(CallFailure::WrongWorld { expected: World::Inbound, found }));
        };
        let answer = match &resumption {
            None => plugin.parse(store, &context, &request).await,
            Some(resumption) => plugin.resume(store, &context, &request, resumption).await,
        };
        match answer.map_err(Stop::Call)?.0 {
            Ok(outcome) => answer::inbound::outcome(outcome).map_err(Stop::Invalid),
            Err(refusal) => {
                let refusal = answer::inbound::refusal(refusal).map_err(Stop::Invalid)?;
                Err(Stop::Declined(CallFailure::Refused(refusal)))
            }
        }
    })
    .await
}

/// Asks an outbound plugin to shape an event.
pub(crate) async fn dispatch(
    watched: Watched<'_>,
    context: CallContext,
    event: OutboundEvent,
    delivery: OutboundDelivery,
) -> Called<Decision> {
    let found = watched.version.world();
    let context = guest_context(context);
    let event = guest_event(event);
    let delivery = guest_delivery(delivery);
    watch(watched, async |store, exports| {
        let Exports::Outbound(plugin) = exports else {
            return Err(Stop::Declined(CallFailure::WrongWorld { expected: World::Outbound, found }));
        };
        match plugin.transform(store, &context, &event, &delivery).await.map_err(Stop::Call)?.0 {
            Ok(decision) => answer::outbound::decision(decision).map_err(Stop::Invalid),
            Err(fault) => {
                let fault = answer::outbound::fault(fault).map_err(Stop::Invalid)?;
                Err(Stop::Declined(CallFailure::Fault(fault)))
            }
        }
    })
    .await
}

fn guest_context(context: CallContext) -> call::Context {
    call::Context {
        contract: CONTRACT.to_owned(),
        plugin: context.plugin,
        binding_id: context.binding_id,
        binding_name: context.binding_name,
        subject_id: context.subject_id,
        attempt: context.attempt,
        now_ms: context.now_ms,
        settings: context.settings,
        attributes: context.attributes,
    }
}

fn guest_request(request: InboundRequest) -> intake::Request {
    intake::Request {
        method: request.method,
        hook: request.hook,
        query: request.query,
        headers: request.headers,
        body: request.body.into(),
        received_at_ms: request.received_at_ms,
        authentication: intake::Authentication {
            assurance: match request.assurance {
                Assurance::Verified => intake::Assurance::Verified,
                Assurance::Authenticated => intake::Assurance::Authenticated,
                Assurance::Open => intake::Assurance::Open,
            },
            scheme: request.scheme,
            attributes: Vec::new(),
        },
        attributes: request.attributes,
    }
}

fn guest_resumption(resumption: Resumption) -> intake::Resumption {
    intake::Resumption {
        state: resumption.state,
        round: resumption.round,
        answers: resumption.answers.into_iter().map(guest_answer).collect(),
        attributes: Vec::new(),
    }
}

fn guest_answer(answer: FetchAnswer) -> intake::FetchAnswer {
    let fetched = answer.answer.map(|fetched| intake::Fetched {
        status: fetched.status,
        headers: fetched.headers,
        body: fetched.body.into(),
        attributes: Vec::new(),
    });
    intake::FetchAnswer {
        id: answer.id,
        answer: fetched.map_err(|code| intake::FetchFailure { code, attributes: Vec::new() }),
        attributes: Vec::new(),
    }
}

fn guest_event(event: OutboundEvent) -> dispatch::Event {
    dispatch::Event {
        id: event.id,
        event_type: event.event_type,
        created_at_ms: event.created_at_ms,
        data: event.data,
        attributes: event.attributes,
    }
}

fn guest_delivery(delivery: OutboundDelivery) -> dispatch::Delivery {
    dispatch::Delivery {
        id: delivery.id,
        subscription_id: delivery.subscription_id,
        subscription_name: delivery.subscription_name,
        attributes: delivery.attributes,
    }
}
