//! A source's handshakes, as a body states them.

use crate::admin::body::{Faults, Object, child};
use hookwright_core::handshake::{HANDSHAKES_MAX, Handshake};
use serde::Deserialize;

/// Reads `handshakes`; none where the member is not there.
pub fn read(object: &mut Object<'_>, faults: &mut Faults) -> Vec<Handshake> {
    let Some(list) = object.list("handshakes", HANDSHAKES_MAX, faults) else { return Vec::new() };
    let mut handshakes = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let pointer = child("/handshakes", &index.to_string());
        match Handshake::deserialize(value) {
            // What serde says of a value of the wrong kind may repeat it, and a token's digest is nobody's business.
            Err(_) => faults.add(pointer, "is not a handshake: see GET /admin/presets for some that are"),
            Ok(handshake) => match handshake.check() {
                Ok(()) => handshakes.push(handshake),
                Err(fault) => faults.add(format!("{pointer}/{}", fault.field), fault.why),
            },
        }
    }
    handshakes
}
