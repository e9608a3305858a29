//! The contract's types and exports, generated from the WIT package.

/// World `inbound`, and the interfaces that both worlds share.
#[expect(
    missing_docs,
    clippy::same_length_and_capacity,
    reason = "generated; what has no documentation is a path to what has, and the code is the generator's"
)]
pub mod inbound {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "inbound",
        pub_export_macro: true,
        export_macro_name: "export",
        additional_derives: [PartialEq],
        generate_all,
    });
}

/// World `outbound`.
#[expect(
    missing_docs,
    clippy::same_length_and_capacity,
    reason = "generated; what has no documentation is a path to what has, and the code is the generator's"
)]
pub mod outbound {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "outbound",
        pub_export_macro: true,
        export_macro_name: "export",
        additional_derives: [PartialEq],
        with: {
            "hookwright:plugin/log@0.1.0": crate::bindings::inbound::hookwright::plugin::log,
            "hookwright:plugin/call@0.1.0": crate::bindings::inbound::hookwright::plugin::call,
        },
    });
}
