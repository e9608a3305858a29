//! The contract's types and exports, generated from the WIT package.

/// World `inbound`, and the interfaces that both worlds share.
pub mod inbound {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "inbound",
        pub_export_macro: true,
        export_macro_name: "export",
        generate_all,
    });
}

/// World `outbound`.
pub mod outbound {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "outbound",
        pub_export_macro: true,
        export_macro_name: "export",
        with: {
            "hookwright:plugin/log@0.1.0": crate::bindings::inbound::hookwright::plugin::log,
            "hookwright:plugin/call@0.1.0": crate::bindings::inbound::hookwright::plugin::call,
        },
    });
}
