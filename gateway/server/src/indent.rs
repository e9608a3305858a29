//! JSON for people: indented, its members in the order in which they came and its numbers as they were written.

/// The text with a line for each member, if it is a JSON document; itself if not. What a terminal would obey is escaped: the text is a stranger's.
pub fn indent(text: &str) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return harmless(&text.replace("\r\n", "\n"));
    }
    let mut writer = Writer { out: String::with_capacity(text.len() * 2), depth: 0 };
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let end = if c == '"' { string_end(rest) } else { c.len_utf8() };
        let (token, after) = rest.split_at(end);
        rest = after.trim_start();
        if c == '"' {
            writer.out.push_str(token);
        } else {
            writer.put(c, rest.chars().next());
        }
    }
    harmless(&writer.out)
}

/// Control characters as JSON writes them, line breaks and tabs excepted. All of them are below U+00A0.
fn harmless(text: &str) -> String {
    let one = |c: char| match c {
        '\n' | '\t' => String::from(c),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => String::from(c),
    };
    if text.contains(|c: char| c.is_control() && c != '\n') { text.chars().map(one).collect() } else { text.to_owned() }
}

struct Writer {
    out: String,
    depth: usize,
}

impl Writer {
    fn put(&mut self, c: char, next: Option<char>) {
        match (c, next) {
            ('{', Some('}')) | ('[', Some(']')) => self.out.push(c),
            ('{' | '[', _) => {
                self.out.push(c);
                self.depth += 1;
                self.line();
            }
            ('}' | ']', _) => {
                if !self.out.ends_with(['{', '[']) {
                    self.depth = self.depth.saturating_sub(1);
                    self.line();
                }
                self.out.push(c);
            }
            (',', _) => {
                self.out.push(c);
                self.line();
            }
            (':', _) => self.out.push_str(": "),
            _ => self.out.push(c),
        }
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', self.depth * 2));
    }
}

/// Where the string that `text` begins with ends, its closing quote included.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_numbers_and_strings() {
        let text = r#"{"z": 1.50,"a":[ ],"b":{},"s":"a , \" { :","l":[1,{"x":null}]}"#;
        let expected = "{\n  \"z\": 1.50,\n  \"a\": [],\n  \"b\": {},\n  \"s\": \"a , \\\" { :\",\n  \"l\": [\n    1,\n    {\n      \"x\": null\n    }\n  ]\n}";
        assert_eq!(indent(text), expected);
    }

    #[test]
    fn what_is_indented_stays_as_it_is() {
        let once = indent(r#"{"a":[1,2,{"b":"c d"}]}"#);
        assert_eq!(indent(&once), once);
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        assert_eq!(indent("a {"), "a {");
        assert_eq!(indent("a\tb\r\nc\n"), "a\tb\nc\n");
    }

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(indent("\u{1b}[31mred\u{7}\rover"), "\\u001b[31mred\\u0007\\u000dover");
        assert_eq!(indent("[\"\u{9b}31m\u{7f}é\"]"), "[\n  \"\\u009b31m\\u007fé\"\n]");
    }
}
