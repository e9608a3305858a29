//! The host's side of the WIT contract, generated. Nothing outside this crate sees these types.

/// World `inbound`, and the interfaces that both worlds share.
pub mod inbound {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "inbound",
        exports: { default: async },
    });
}

/// World `outbound`.
pub mod outbound {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "outbound",
        exports: { default: async },
        with: {
            "hookwright:plugin/log": super::inbound::hookwright::plugin::log,
            "hookwright:plugin/call": super::inbound::hookwright::plugin::call,
        },
    });
}
