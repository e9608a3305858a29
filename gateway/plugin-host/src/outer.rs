//! The outer level of a component, section by section: to add what describes it, and to take it out again.

const HEADER_LEN: usize = 8;
const CUSTOM_SECTION: u8 = 0;

/// The file ends inside a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the component ends in the middle")]
pub(crate) struct CutOff;

/// The sections of the outer level, in their order.
pub(crate) fn sections(component: &[u8]) -> Result<Vec<Section<'_>>, CutOff> {
    let mut rest = component.get(HEADER_LEN..).ok_or(CutOff)?;
    let mut sections = Vec::new();
    while let Some(section) = Section::next(&mut rest)? {
        sections.push(section);
    }
    Ok(sections)
}

/// The component without the custom sections of these names.
pub(crate) fn without(component: &[u8], names: &[&str]) -> Result<Vec<u8>, CutOff> {
    let mut kept = Vec::with_capacity(component.len());
    kept.extend_from_slice(component.get(..HEADER_LEN).ok_or(CutOff)?);
    for section in sections(component)? {
        if section.custom().is_none_or(|(name, _)| !names.contains(&name)) {
            kept.extend_from_slice(section.whole);
        }
    }
    Ok(kept)
}

/// One section.
pub(crate) struct Section<'a> {
    whole: &'a [u8],
    id: u8,
    content: &'a [u8],
}

impl<'a> Section<'a> {
    fn next(rest: &mut &'a [u8]) -> Result<Option<Self>, CutOff> {
        let Some((&id, after_id)) = rest.split_first() else { return Ok(None) };
        let (len, body) = leb(after_id).ok_or(CutOff)?;
        let (content, next) = body.split_at_checked(len).ok_or(CutOff)?;
        let whole = &rest[..rest.len() - next.len()];
        *rest = next;
        Ok(Some(Self { whole, id, content }))
    }

    /// Name and data, if this is a custom section.
    pub(crate) fn custom(&self) -> Option<(&'a str, &'a [u8])> {
        if self.id != CUSTOM_SECTION {
            return None;
        }
        let (len, name) = leb(self.content)?;
        let (name, data) = name.split_at_checked(len)?;
        Some((std::str::from_utf8(name).ok()?, data))
    }
}

/// An unsigned LEB128 number of 32 bits and what follows it.
fn leb(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(u32::try_from(value).ok()?).ok()?, &bytes[at + 1..]));
        }
    }
    None
}
