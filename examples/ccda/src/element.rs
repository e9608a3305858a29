//! Elements by name, whether or not they are there.

use hookwright_plugin_sdk::inbound::Refusal;
use roxmltree::{Document, Node};

/// More siblings of one name than this are not looked at.
const SIBLINGS_MAX: usize = 256;

/// One place in the document. Elements with a `nullFlavor` count as not there.
#[derive(Clone)]
pub(crate) struct Element<'a> {
    node: Option<Node<'a, 'a>>,
    path: String,
}

impl<'a> Element<'a> {
    /// The outermost element.
    pub fn root(document: &'a Document<'a>) -> Self {
        let node = document.root_element();
        Self { node: Some(node), path: format!("/{}", "ClinicalDocument") }
    }

    /// Its name, without the namespace.
    pub fn name(&self) -> &'a str {
        self.node.map(|node| node.tag_name().name()).unwrap_or_default()
    }

    /// Whether it is there.
    pub fn is_told(&self) -> bool {
        self.node.is_some()
    }

    /// The elements of this name inside, in the namespace of this one.
    pub fn children(&self, name: &'static str) -> impl Iterator<Item = Self> + use<'a> {
        let path = format!("{}/{name}", self.path);
        let inside = self.node.map(|node| {
            node.children().filter(move |child| {
                let same = child.tag_name().namespace() == node.tag_name().namespace();
                child.is_element() && same && child.tag_name().name() == name && child.attribute("nullFlavor").is_none()
            })
        });
        inside.into_iter().flatten().take(SIBLINGS_MAX).map(move |node| Self { node: Some(node), path: path.clone() })
    }

    /// The first of them.
    pub fn child(&self, name: &'static str) -> Self {
        let nothing = Self { node: None, path: format!("{}/{name}", self.path) };
        self.children(name).next().unwrap_or(nothing)
    }

    /// An attribute that is not empty.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.node?.attribute(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The text inside, if there is any.
    pub fn text(&self) -> Option<&'a str> {
        self.node?.text().map(str::trim).filter(|text| !text.is_empty())
    }

    /// A refusal at this place.
    pub fn refusal(&self, expected: &'static str) -> Refusal {
        Refusal { location: Some(self.path.clone()), expected: Some(expected), ..Refusal::new("malformed") }
    }
}
