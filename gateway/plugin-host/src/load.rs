//! Why a file cannot be loaded, each case with what to do about it.

use crate::component::CONTRACT;

/// Why a file cannot be loaded as a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The file is larger than the host takes.
    #[error(
        "the file has {size} bytes, and plugins may have {limit}: build it in release mode, without debug information"
    )]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file is no WebAssembly.
    #[error("the file is not WebAssembly: give the component that `hookwright plugin build` makes")]
    NotWasm,
    /// The file is a core module.
    #[error(
        "the file is a core WebAssembly module, not a component: encode it with `wasm-tools component new` or build it with `hookwright plugin build`"
    )]
    CoreModule,
    /// The file ends too early.
    #[error("the file ends in the middle, after {size} bytes: copy or upload it again")]
    Truncated {
        /// Its size in bytes.
        size: usize,
    },
    /// The file is damaged, or uses features that the host does not have.
    #[error("the file is not a valid component (at byte {offset}: {problem}): build it again")]
    Invalid {
        /// Where.
        offset: usize,
        /// What.
        problem: String,
    },
    /// The component exports neither interface of the contract, or both.
    #[error(
        "the component exports {exports}, and a plugin exports either hookwright:plugin/intake@{CONTRACT} (world inbound) or hookwright:plugin/dispatch@{CONTRACT} (world outbound): build it for one of the two worlds"
    )]
    WrongWorld {
        /// What it exports.
        exports: String,
    },
    /// The component is built for a contract that this gateway does not serve.
    #[error(
        "the component is built for hookwright:plugin@{found}, and this gateway serves {CONTRACT}: build it against that version, or update the gateway"
    )]
    WrongContract {
        /// The version it is built for.
        found: String,
    },
    /// The component imports something that plugins do not get.
    #[error(
        "the component imports {name}, which plugins do not get: leave out what needs it; there are the contract's own interfaces and, for components built for WASI 0.2, an empty world without network and HTTP"
    )]
    ForbiddenImport {
        /// The import's name.
        name: String,
    },
    /// What the component says about itself cannot be shown.
    #[error(
        "the component's {field} cannot be used ({problem}): correct it where it is written, for Rust in Cargo.toml, and build again"
    )]
    Metadata {
        /// Which: name, version or description.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The fixtures that the component carries cannot be read.
    #[error("the component's fixture {name} cannot be used ({problem}): correct it and build again")]
    Fixtures {
        /// Which.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The component's interfaces have the right names and the wrong types.
    #[error("the component does not fit the contract ({problem}): build it against wit/{CONTRACT}")]
    WrongShape {
        /// What does not fit.
        problem: String,
    },
    /// An instance of the component cannot be made: it crashes, takes too long or wants too much memory as it starts.
    #[error(
        "the component fails as it starts ({problem}): start code must end within two seconds and wait for nothing"
    )]
    Start {
        /// What happened.
        problem: String,
    },
    /// The component cannot be compiled, or needs more than a slot of the pool offers.
    #[error("the component cannot be compiled: {problem}")]
    Compile {
        /// What the compiler said.
        problem: String,
    },
    /// The compiler's process did not survive the component, or did not finish in time.
    #[error("the compiler failed over the component: {problem}")]
    CompilerCrashed {
        /// How it ended.
        problem: String,
    },
    /// The compiler's process cannot be started, or is another program's. The component is not to blame.
    #[error("the compiler cannot be used: {problem}")]
    CompilerUnavailable {
        /// What the matter is.
        problem: String,
    },
}

impl LoadError {
    /// A stable name for problem bodies, records and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::NotWasm => "not_wasm",
            Self::CoreModule => "core_module",
            Self::Truncated { .. } => "truncated",
            Self::Invalid { .. } => "invalid",
            Self::WrongWorld { .. } => "wrong_world",
            Self::WrongContract { .. } => "wrong_contract",
            Self::ForbiddenImport { .. } => "forbidden_import",
            Self::Metadata { .. } => "bad_metadata",
            Self::Fixtures { .. } => "bad_fixtures",
            Self::WrongShape { .. } => "wrong_shape",
            Self::Start { .. } => "start",
            Self::Compile { .. } => "compile",
            Self::CompilerCrashed { .. } => "compiler_crashed",
            Self::CompilerUnavailable { .. } => "compiler_unavailable",
        }
    }
}
