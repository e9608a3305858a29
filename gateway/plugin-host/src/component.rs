//! Reading a component's outside before anything is compiled: is it one, which world is it, what does it ask for.

use wasmparser::{
    ComponentName, ComponentNameSectionReader, CustomSectionReader, Encoding, Parser, Payload, Validator,
};

use crate::load::LoadError;
use crate::version::{PluginMetadata, World};
use crate::wasi;

/// The contract that this host speaks.
pub const CONTRACT: &str = "0.1.0";
/// What a component of world `inbound` exports.
pub(crate) const INTAKE: &str = "hookwright:plugin/intake@0.1.0";
/// What a component of world `outbound` exports.
pub(crate) const DISPATCH: &str = "hookwright:plugin/dispatch@0.1.0";
/// What the names of the contract's interfaces begin with.
const PACKAGE: &str = "hookwright:plugin/";
/// Interfaces that a plugin may import. `call` and `clinical` hold types alone.
const IMPORTS_ALLOWED: [&str; 3] = ["log", "call", "clinical"];
const NAME_CHARS_MAX: usize = 128;
const DESCRIPTION_CHARS_MAX: usize = 1024;

/// What stands on the outside of a component.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) world: World,
    pub(crate) contract: String,
    pub(crate) metadata: PluginMetadata,
    pub(crate) imports: Vec<String>,
}

/// The names at a component's outer level, as they stand in the file.
#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
    metadata: PluginMetadata,
}

/// Checks the whole file: what is compiled is sound.
pub(crate) fn validate(bytes: &[u8]) -> Result<(), LoadError> {
    match Validator::new().validate_all(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(invalid(&error, bytes.len())),
    }
}

/// Reads the outside of a file. What is inside is another's to check.
pub(crate) fn read(bytes: &[u8]) -> Result<Outside, LoadError> {
    let names = read_names(bytes)?;
    // The world first: for a component of another kind, its imports are beside the point.
    let (world, contract) = world_of(&names.exports)?;
    for import in &names.imports {
        check_import(import)?;
    }
    Ok(Outside { world, contract, metadata: names.metadata, imports: names.imports })
}

/// Whether the file may be a component at all.
pub(crate) fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::NotWasm);
    }
    match bytes.get(4..8) {
        None => Err(LoadError::Truncated { size: bytes.len() }),
        Some([1, 0, 0, 0]) => Err(LoadError::CoreModule),
        Some(_) => Ok(()),
    }
}

fn invalid(error: &wasmparser::BinaryReaderError, size: usize) -> LoadError {
    // The parser says so where it ran off the end; a section longer than the file is the same thing from afar.
    if error.offset() >= size || error.message().contains("unexpected end") {
        return LoadError::Truncated { size };
    }
    LoadError::Invalid { offset: error.offset(), problem: error.message().to_owned() }
}

fn read_names(bytes: &[u8]) -> Result<Names, LoadError> {
    let invalid = |error: wasmparser::BinaryReaderError| invalid(&error, bytes.len());
    let mut names = Names::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::Version { encoding: Encoding::Module | Encoding::Component, .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    names.imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    names.exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if depth == 1 => read_metadata(&section, &mut names.metadata)?,
            _ => {}
        }
    }
    Ok(names)
}

fn read_metadata(section: &CustomSectionReader<'_>, metadata: &mut PluginMetadata) -> Result<(), LoadError> {
    match section.name() {
        "version" => metadata.version = Some(told("version", section.data(), NAME_CHARS_MAX)?),
        "description" => metadata.description = Some(told("description", section.data(), DESCRIPTION_CHARS_MAX)?),
        "component-name" => {
            let reader = wasmparser::BinaryReader::new(section.data(), section.data_offset());
            for name in ComponentNameSectionReader::new(reader) {
                let unreadable = |_| metadata_error("name", "it is not UTF-8, or its section is damaged");
                if let ComponentName::Component { name, .. } = name.map_err(unreadable)? {
                    metadata.name = Some(told("name", name.as_bytes(), NAME_CHARS_MAX)?);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// A text that will be shown to people, in terminals too.
fn told(field: &str, bytes: &[u8], chars_max: usize) -> Result<String, LoadError> {
    let text = std::str::from_utf8(bytes).map_err(|_| metadata_error(field, "it is not UTF-8"))?;
    if text.chars().count() > chars_max {
        return Err(metadata_error(field, &format!("it has more than {chars_max} characters")));
    }
    if text.chars().any(|letter| letter.is_control() && letter != '\n') {
        return Err(metadata_error(field, "it has control characters"));
    }
    Ok(text.to_owned())
}

fn metadata_error(field: &str, problem: &str) -> LoadError {
    LoadError::Metadata { field: field.to_owned(), problem: problem.to_owned() }
}

/// Splits `hookwright:plugin/intake@0.1.0` into `intake` and `0.1.0`; `None` for names of other packages.
fn contract_name(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PACKAGE)?.split_once('@')
}

fn world_of(exports: &[String]) -> Result<(World, String), LoadError> {
    let mut found = None;
    for (interface, contract) in exports.iter().filter_map(|name| contract_name(name)) {
        let world = match interface {
            "intake" => World::Inbound,
            "dispatch" => World::Outbound,
            _ => continue,
        };
        if !is_served(contract) {
            return Err(LoadError::WrongContract { found: contract.to_owned() });
        }
        if found.replace((world, contract.to_owned())).is_some() {
            return Err(LoadError::WrongWorld { exports: "both intake and dispatch".to_owned() });
        }
    }
    found.ok_or_else(|| LoadError::WrongWorld { exports: enumerate(exports) })
}

fn enumerate(exports: &[String]) -> String {
    if exports.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<String> = exports.iter().take(8).map(|name| name.chars().take(80).collect()).collect();
    let more = if exports.len() > 8 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn check_import(name: &str) -> Result<(), LoadError> {
    if wasi::is_offered(name) {
        return Ok(());
    }
    let forbidden = || LoadError::ForbiddenImport { name: name.chars().take(128).collect() };
    let (interface, contract) = contract_name(name).ok_or_else(forbidden)?;
    if !is_served(contract) {
        return Err(LoadError::WrongContract { found: contract.to_owned() });
    }
    if IMPORTS_ALLOWED.contains(&interface) {
        return Ok(());
    }
    // A later minor version may bring interfaces that this gateway has not got.
    if contract == CONTRACT { Err(forbidden()) } else { Err(LoadError::WrongContract { found: contract.to_owned() }) }
}

/// Whether a plugin built for this version of the contract may run here. Before 1.0, each 0.x is a contract of its own.
fn is_served(contract: &str) -> bool {
    contract.strip_prefix("0.1.").is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_of_the_same_minor_version_are_served() {
        assert!(is_served("0.1.0") && is_served("0.1.7"));
        assert!(!is_served("0.2.0") && !is_served("1.0.0") && !is_served("0.1.") && !is_served("0.1.0-rc"));
    }

    #[test]
    fn files_that_are_no_component_are_told_apart() {
        assert_eq!(check_header(b"not wasm at all"), Err(LoadError::NotWasm));
        assert_eq!(check_header(b""), Err(LoadError::NotWasm));
        assert_eq!(check_header(b"\0asm\x01\0\0\0"), Err(LoadError::CoreModule));
        assert_eq!(check_header(b"\0asm\x0d"), Err(LoadError::Truncated { size: 5 }));
        let empty = b"\0asm\x0d\0\x01\0";
        assert_eq!((check_header(empty), validate(empty)), (Ok(()), Ok(())));
        assert!(matches!(read(empty), Err(LoadError::WrongWorld { .. })));
    }
}
