//! The templates: the files of a new plugin, as they lie in `templates/` beside this program's source.

use super::{Language, World};
use hookwright_plugin_host::build::{COMPONENTIZE_PY, COMPONENTIZE_QJS, CONTRACT_FILES};

/// A file's path and its text.
type File = (String, String);

macro_rules! template {
    ($path:literal) => {
        ($path, include_str!(concat!("../templates/", $path)))
    };
}

const INBOUND_FIXTURES: [(&str, &str); 3] = [
    template!("fixtures/inbound/missing-patient.json"),
    template!("fixtures/inbound/other-message-is-ignored.json"),
    template!("fixtures/inbound/visit-finished.json"),
];
const OUTBOUND_FIXTURES: [(&str, &str); 3] = [
    template!("fixtures/outbound/bad-greeting.json"),
    template!("fixtures/outbound/customer-created.json"),
    template!("fixtures/outbound/other-event-is-skipped.json"),
];

/// The files of a plugin.
pub(super) fn files(name: &str, sdk: &str, world: World, language: Language) -> Vec<File> {
    let (source, sources): (_, &[_]) = match (language, world) {
        (Language::Rust, World::Inbound) => {
            ("src/lib.rs", &[template!("rust/inbound.rs"), template!("rust/Cargo.toml")])
        }
        (Language::Rust, World::Outbound) => {
            ("src/lib.rs", &[template!("rust/outbound.rs"), template!("rust/Cargo.toml")])
        }
        (Language::Js, World::Inbound) => ("plugin.js", &[template!("js/inbound.js"), template!("js/package.json")]),
        (Language::Js, World::Outbound) => ("plugin.js", &[template!("js/outbound.js"), template!("js/package.json")]),
        (Language::Python, World::Inbound) => {
            ("plugin.py", &[template!("python/inbound.py"), template!("python/pyproject.toml")])
        }
        (Language::Python, World::Outbound) => {
            ("plugin.py", &[template!("python/outbound.py"), template!("python/pyproject.toml")])
        }
    };
    let fill = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{type}}", &type_name(name))
            .replace("{{world}}", world_name(world))
            .replace("{{sdk}}", &sdk.replace('\\', "\\\\").replace('"', "\\\""))
            .replace("{{source}}", source)
            .replace("{{input}}", sample(world).0)
            .replace("{{flags}}", sample(world).1)
            .replace("{{note}}", note(language))
            .replace("{{componentize-qjs}}", COMPONENTIZE_QJS)
            .replace("{{componentize-py}}", COMPONENTIZE_PY)
    };
    let mut files = vec![
        (source.to_owned(), fill(sources[0].1)),
        (base(sources[1].0).to_owned(), fill(sources[1].1)),
        ("README.md".to_owned(), fill(include_str!("../templates/README.md"))),
        (".gitignore".to_owned(), include_str!("../templates/gitignore").to_owned()),
    ];
    let fixtures = match world {
        World::Inbound => INBOUND_FIXTURES,
        World::Outbound => OUTBOUND_FIXTURES,
    };
    files.extend(fixtures.map(|(path, text)| (format!("fixtures/{}", base(path)), text.to_owned())));
    if language != Language::Rust {
        // Editors and their tools want to see the contract; the SDK has it already.
        files.extend(CONTRACT_FILES.map(|(name, text)| (format!("wit/{name}"), text.to_owned())));
    }
    files
}

/// A first `plugin run`: its input and its flags.
pub(super) fn sample(world: World) -> (&'static str, &'static str) {
    match world {
        World::Inbound => (
            r#"{"type":"visit.finished","patient":"cus_1","visit":"v_1","ended":"2026-01-04T22:30:00Z"}"#,
            "--hook visits",
        ),
        World::Outbound => (r#"{"customer_id":"cus_1","name":"Ada"}"#, "--type customer.created"),
    }
}

/// What is particular about a language.
fn note(language: Language) -> &'static str {
    match language {
        Language::Rust => "",
        Language::Js => {
            "
JavaScript runs in QuickJS: the language is all there, the web's interfaces (`TextEncoder`, `fetch`, `console`) are not.
`Date.now()` is the time of the call.
"
        }
        Language::Python => {
            "
What is printed goes to the log, and so does the way to an exception that nobody caught. `time.time()` is the time of the
call and `random` gives the same numbers for the same call. What needs a system (`open`, `datetime.now()`, `os.urandom`) ends
the call.
"
        }
    }
}

fn world_name(world: World) -> &'static str {
    match world {
        World::Inbound => "inbound",
        World::Outbound => "outbound",
    }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `order-notice` as a type: `OrderNotice`.
fn type_name(name: &str) -> String {
    let capitalized = |part: &str| {
        let mut chars = part.chars();
        chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    };
    name.split('-').map(capitalized).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        for world in [World::Inbound, World::Outbound] {
            for language in [Language::Rust, Language::Js, Language::Python] {
                let files = files("my-plugin", "/sdk", world, language);
                assert!(files.iter().all(|(_, text)| !text.contains("{{")), "{world:?} {language:?}");
            }
        }
        assert_eq!(type_name("order-notice2"), "OrderNotice2");
    }
}
