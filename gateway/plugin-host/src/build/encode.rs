//! From a core module to a component, and what a component says about itself.

use wasm_encoder::{ComponentNameSection, ComponentSection, CustomSection, Encode};
use wit_component::ComponentEncoder;

use super::BuildError;
use crate::component;
use crate::fixture::{self, Fixture, FixtureError};
use crate::load::LoadError;
use crate::outer;
use crate::version::PluginMetadata;

/// Encodes a core module that was built against the contract's bindings, and adds what it says about itself.
pub fn encode_component(core_wasm: &[u8], metadata: &PluginMetadata) -> Result<Vec<u8>, BuildError> {
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(core_wasm)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| BuildError::Encode { problem: format!("{error:#}") })?;
    Ok(describe(&encoded, metadata)?)
}

/// Checks a component, of whichever toolchain, and gives it with this metadata and these fixtures in place of its own.
pub fn pack(component: &[u8], metadata: &PluginMetadata, fixtures: &[Fixture]) -> Result<Vec<u8>, BuildError> {
    component::check_header(component)?;
    component::validate(component)?;
    let world = component::read(component)?.world;
    if let Some(stray) = fixtures.iter().find(|fixture| fixture.world() != world) {
        let problem = format!("it is for world {}, and the component is {world}", stray.world());
        return Err(FixtureError { name: stray.name().to_owned(), problem }.into());
    }
    Ok(fixture::pack(&describe(component, metadata)?, fixtures)?)
}

/// The component with this metadata, as the custom sections that the ecosystem's tools read and write. What `metadata`
/// leaves open stays as it is.
fn describe(component: &[u8], metadata: &PluginMetadata) -> Result<Vec<u8>, LoadError> {
    let given = [
        ("component-name", metadata.name.is_some()),
        ("version", metadata.version.is_some()),
        ("description", metadata.description.is_some()),
    ];
    let replaced: Vec<&str> = given.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name).collect();
    let cut_off = |_| LoadError::Truncated { size: component.len() };
    let mut described = outer::without(component, &replaced).map_err(cut_off)?;
    if let Some(name) = &metadata.name {
        let mut section = ComponentNameSection::new();
        section.component(name);
        append(&mut described, &section.as_custom());
    }
    for (name, text) in [("version", &metadata.version), ("description", &metadata.description)] {
        if let Some(text) = text {
            append(&mut described, &CustomSection { name: name.into(), data: text.as_bytes().into() });
        }
    }
    Ok(described)
}

fn append(component: &mut Vec<u8>, section: &CustomSection<'_>) {
    component.push(section.id());
    section.encode(component);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_replaced_and_what_is_left_open_stays() {
        let component = b"\0asm\x0d\0\x01\0";
        let first = PluginMetadata { name: Some("one".into()), version: Some("1".into()), description: None };
        let second = PluginMetadata { version: Some("2".into()), ..PluginMetadata::default() };
        let described = describe(&describe(component, &first).unwrap(), &second).unwrap();
        let both = PluginMetadata { version: Some("2".into()), ..first };
        assert_eq!(described, describe(component, &both).unwrap());
        assert!(describe(&described[..described.len() - 1], &second).is_err());
    }
}
