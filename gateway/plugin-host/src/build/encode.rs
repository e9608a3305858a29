//! From a core module to a component.

use wasm_encoder::{ComponentNameSection, ComponentSection, CustomSection, Encode};
use wit_component::ComponentEncoder;

use super::BuildError;
use crate::version::PluginMetadata;

/// Encodes a core module that was built against the contract's bindings, and adds what it says about itself.
pub fn encode_component(core_wasm: &[u8], metadata: &PluginMetadata) -> Result<Vec<u8>, BuildError> {
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(core_wasm)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| BuildError::Encode { problem: format!("{error:#}") })?;
    Ok(with_metadata(encoded, metadata))
}

/// Appends the metadata as the custom sections that the ecosystem's tools read and write.
fn with_metadata(mut component: Vec<u8>, metadata: &PluginMetadata) -> Vec<u8> {
    if let Some(name) = &metadata.name {
        let mut section = ComponentNameSection::new();
        section.component(name);
        append(&mut component, &section.as_custom());
    }
    for (name, text) in [("version", &metadata.version), ("description", &metadata.description)] {
        if let Some(text) = text {
            append(&mut component, &CustomSection { name: name.into(), data: text.as_bytes().into() });
        }
    }
    component
}

fn append(component: &mut Vec<u8>, section: &CustomSection<'_>) {
    component.push(section.id());
    section.encode(component);
}
