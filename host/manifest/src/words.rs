//! The shapes that names, topics, hosts and the like have.

use std::net::Ipv6Addr;

/// What to do about something that is not a name.
pub const NAME_RULE: &str = "begin with a to z, and go on with a to z, 0 to 9 or -";

/// Whether it can name a component, a saga, a database, a keyring or the installation.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// What to do about something that is not the name of a step.
pub const STEP_RULE: &str = "begin with a letter, and go on with letters, digits, _ or -";

/// Whether it can name a step. Events carry it, and `$outputs.STEP` has to end at a dot.
pub fn is_step_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// What to do about something that is not a topic.
pub const TOPIC_RULE: &str = "write words of a to z, 0 to 9, _ or -, with dots between them: \"product.created\"";

/// Whether it can be a topic: what every bus takes for a subject without wildcards.
pub fn is_topic(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
    };
    text.split('.').all(is_word)
}

/// What to do about something that is not the name of an environment variable.
pub const VARIABLE_RULE: &str = "begin with a letter or _, and go on with letters, digits or _";

/// Whether it can name an environment variable.
pub fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What to do about something that is not the name of an interface.
pub const INTERFACE_RULE: &str = "write \"PACKAGE:NAME/INTERFACE\" as the WIT says it: \"shop:product/catalog\"";

/// Whether it names a WIT interface, with or without a version.
pub fn is_interface(text: &str) -> bool {
    let (path, version) = text.split_once('@').unwrap_or((text, "0"));
    let is_version = version.starts_with(|c: char| c.is_ascii_digit());
    let parts = path
        .split_once(':')
        .and_then(|(space, rest)| Some((space, rest.split_once('/')?)));
    is_version
        && parts.is_some_and(|(space, (package, interface))| is_name(space) && is_name(package) && is_name(interface))
}

/// What to do about something that is not a host.
pub const HOST_RULE: &str =
    "write the host alone, in lower case: \"api.example.org\", \"api.example.org:8443\" or \"*.example.org\"";

/// Whether it is `host`, `host:port` or `*.host`, perhaps with a port.
pub fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| {
        port.parse::<u16>()
            .is_ok_and(|number| number.to_string() == port && number > 0)
    };
    let is_address = |host: &str| {
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<Ipv6Addr>().is_ok())
    };
    let labels = host.strip_prefix("*.").unwrap_or(host);
    port.is_none_or(is_port) && host.len() < 254 && (is_address(host) || labels.split('.').all(is_host_label))
}

fn is_host_label(label: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !label.is_empty()
        && label.len() < 64
        && label.chars().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// What to do about something that is not an origin.
pub const ORIGIN_RULE: &str = "write scheme and host without a path, \"https://shop.example.org\", or \"*\" alone";

/// Whether it is what a browser sends as `Origin`.
pub fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| is_host(host) && !host.starts_with('*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_takes_what_it_should_and_nothing_else() {
        type Shape = (fn(&str) -> bool, &'static [&'static str], &'static [&'static str]);
        let shapes: [Shape; 7] = [
            (is_name, &["a", "order-2"], &["", "Order", "2a", "-a", "a_b", "ä"]),
            (is_step_name, &["CREATE_ORDER", "a-1"], &["", "1A", "_a", "A.B", "A B"]),
            (
                is_topic,
                &["product", "product.created", "a_b.c-1"],
                &["", ".", "a..b", "A", "a.*", "a.>"],
            ),
            (is_variable, &["A", "_a1"], &["", "1A", "A-B", "A=B"]),
            (
                is_interface,
                &["shop:product/catalog", "skald:sql/database@0.1.0"],
                &[
                    "",
                    "catalog",
                    "shop:catalog",
                    "shop/product",
                    "shop:Product/catalog",
                    "a:b/c@",
                    "a:b/c@x",
                ],
            ),
            (
                is_host,
                &[
                    "localhost",
                    "127.0.0.1:80",
                    "a.example.org:8443",
                    "*.example.org",
                    "[::1]:80",
                    "[::1]",
                ],
                &[
                    "",
                    "https://a.org",
                    "a.org/",
                    "A.org",
                    "a.org:0",
                    "a.org:99999",
                    "a.org:",
                    "*",
                    "a.*.org",
                    "-a.org",
                    "[x]",
                ],
            ),
            (
                is_origin,
                &["https://shop.example.org", "http://localhost:8080"],
                &[
                    "",
                    "*",
                    "shop.example.org",
                    "https://a.org/",
                    "https://*.a.org",
                    "ftp://a.org",
                ],
            ),
        ];
        for (shape, right, wrong) in shapes {
            for text in right {
                assert!(shape(text), "{text:?} is right");
            }
            for text in wrong {
                assert!(!shape(text), "{text:?} is wrong");
            }
        }
    }
}
