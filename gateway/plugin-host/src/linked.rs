//! A component with its imports resolved, and the functions of its instances.
//!
//! The types of the exports are checked once, when a version is loaded. The generated bindings would check them again
//! for every instance, which takes as long as a fifth of a small call.

use wasmtime::Store;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, Func, InstancePre, Lift, Lower, TypedFunc,
};

use crate::bindings::inbound::InboundPre;
use crate::bindings::inbound::exports::hookwright::plugin::intake;
use crate::bindings::inbound::hookwright::plugin::call::Context;
use crate::bindings::outbound::OutboundPre;
use crate::bindings::outbound::exports::hookwright::plugin::dispatch;
use crate::component::{DISPATCH, INTAKE};
use crate::guest::Guest;
use crate::version::World;

type Read = (Result<intake::Outcome, intake::Refusal>,);
type Shaped = (Result<dispatch::Decision, dispatch::Fault>,);

/// A component with its imports resolved.
pub(crate) struct Linked {
    world: Resolved,
    /// Whether its imports may wait, as those of WASI do. A guest that cannot needs no stack of its own.
    may_wait: bool,
}

enum Resolved {
    Inbound { pre: InboundPre<Guest>, parse: ComponentExportIndex, resume: ComponentExportIndex },
    Outbound { pre: OutboundPre<Guest>, transform: ComponentExportIndex },
}

/// What a guest of one world or the other can be asked: functions of one instance.
pub(crate) enum Exports {
    Inbound(Intake),
    Outbound(Dispatch),
}

/// The functions of an inbound guest.
pub(crate) struct Intake {
    parse: Func,
    resume: Func,
    may_wait: bool,
}

/// The function of an outbound guest.
pub(crate) struct Dispatch {
    transform: Func,
    may_wait: bool,
}

impl Linked {
    /// Finds the functions of this world. Their types have not been checked yet.
    pub(crate) fn new(
        world: World,
        instance: InstancePre<Guest>,
        component: &Component,
        may_wait: bool,
    ) -> wasmtime::Result<Self> {
        let function = |interface: &str, name: &str| {
            let interface = component.get_export_index(None, interface);
            let found = interface.and_then(|interface| component.get_export_index(Some(&interface), name));
            found.ok_or_else(|| wasmtime::Error::msg(format!("it does not export `{name}`")))
        };
        let world = match world {
            World::Inbound => Resolved::Inbound {
                parse: function(INTAKE, "parse")?,
                resume: function(INTAKE, "resume")?,
                pre: InboundPre::new(instance)?,
            },
            World::Outbound => {
                Resolved::Outbound { transform: function(DISPATCH, "transform")?, pre: OutboundPre::new(instance)? }
            }
        };
        Ok(Self { world, may_wait })
    }

    pub(crate) fn world(&self) -> World {
        match &self.world {
            Resolved::Inbound { .. } => World::Inbound,
            Resolved::Outbound { .. } => World::Outbound,
        }
    }

    /// Makes an instance and checks the types of its exports. A version exists only if this went well.
    pub(crate) async fn check(&self, store: &mut Store<Guest>) -> wasmtime::Result<()> {
        match &self.world {
            Resolved::Inbound { pre, .. } => pre.instantiate_async(store).await.map(drop),
            Resolved::Outbound { pre, .. } => pre.instantiate_async(store).await.map(drop),
        }
    }

    /// A fresh instance of a version; its start code runs.
    pub(crate) async fn instantiate(&self, store: &mut Store<Guest>) -> wasmtime::Result<Exports> {
        let pre = match &self.world {
            Resolved::Inbound { pre, .. } => pre.instance_pre(),
            Resolved::Outbound { pre, .. } => pre.instance_pre(),
        };
        let may_wait = self.may_wait;
        let instance = if may_wait { pre.instantiate_async(&mut *store).await? } else { pre.instantiate(&mut *store)? };
        let mut function = |index: &ComponentExportIndex| {
            instance.get_func(&mut *store, index).ok_or_else(|| wasmtime::Error::msg("an export is no function"))
        };
        Ok(match &self.world {
            Resolved::Inbound { parse, resume, .. } => {
                Exports::Inbound(Intake { parse: function(parse)?, resume: function(resume)?, may_wait })
            }
            Resolved::Outbound { transform, .. } => {
                Exports::Outbound(Dispatch { transform: function(transform)?, may_wait })
            }
        })
    }
}

impl Intake {
    pub(crate) async fn parse(
        &self,
        store: &mut Store<Guest>,
        context: &Context,
        request: &intake::Request,
    ) -> wasmtime::Result<Read> {
        // SAFETY: the types are the component's, the same in all its instances, and `Linked::check` has found them to
        // be these, by the generated bindings, before there was a version to call.
        let parse = unsafe { TypedFunc::<(&Context, &intake::Request), Read>::new_unchecked(self.parse) };
        ask(parse, self.may_wait, store, (context, request)).await
    }

    pub(crate) async fn resume(
        &self,
        store: &mut Store<Guest>,
        context: &Context,
        request: &intake::Request,
        resumption: &intake::Resumption,
    ) -> wasmtime::Result<Read> {
        // SAFETY: as in `parse`.
        let resume =
            unsafe { TypedFunc::<(&Context, &intake::Request, &intake::Resumption), Read>::new_unchecked(self.resume) };
        ask(resume, self.may_wait, store, (context, request, resumption)).await
    }
}

impl Dispatch {
    pub(crate) async fn transform(
        &self,
        store: &mut Store<Guest>,
        context: &Context,
        event: &dispatch::Event,
        delivery: &dispatch::Delivery,
    ) -> wasmtime::Result<Shaped> {
        // SAFETY: as in `Intake::parse`.
        let transform = unsafe {
            TypedFunc::<(&Context, &dispatch::Event, &dispatch::Delivery), Shaped>::new_unchecked(self.transform)
        };
        ask(transform, self.may_wait, store, (context, event, delivery)).await
    }
}

/// Calls a function; a guest that may wait runs on a stack of its own, from which it can be called away.
async fn ask<P, R>(function: TypedFunc<P, R>, may_wait: bool, store: &mut Store<Guest>, asked: P) -> wasmtime::Result<R>
where
    P: ComponentNamedList + Lower + Send + Sync,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    if may_wait { function.call_async(store, asked).await } else { function.call(store, asked) }
}
