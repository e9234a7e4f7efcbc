//! URLs: made of parts that are encoded, and told apart by where they lead.

use std::fmt;

use ureq::http::Uri;

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an `http` or `https` URL.
    pub(super) fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        Some(Self { https, host, port: uri.port_u16().unwrap_or(if https { 443 } else { 80 }) })
    }

    /// Whether a secret may travel there: encrypted, or not leaving this machine.
    pub(super) fn is_private(&self) -> bool {
        self.https || self.is_here()
    }

    /// Whether it is this machine: no proxy is asked to lead there.
    pub(super) fn is_here(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
    }

    /// Whether going there from here would leave encryption.
    pub(super) fn is_downgrade_from(&self, other: &Self) -> bool {
        other.https && !self.https
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = if self.https { 443 } else { 80 };
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// Where a `Location` leads: an absolute URL, or a path on the same server.
pub(super) fn joined(origin: &Origin, location: &str) -> Option<String> {
    if Origin::of(location).is_some() {
        return Some(location.to_owned());
    }
    (location.starts_with('/') && !location.starts_with("//")).then(|| format!("{origin}{location}"))
}

/// One segment of a path: everything but unreserved characters is encoded, `/` too.
pub(super) fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A path: its segments are encoded, the `/` between them stay.
pub(super) fn path(text: &str) -> String {
    text.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_whole() {
        let of = |url| Origin::of(url).unwrap();
        assert_eq!(of("https://Huggingface.co/x?y"), of("https://huggingface.co:443"));
        assert_ne!(of("https://huggingface.co"), of("http://huggingface.co"));
        assert_ne!(of("http://127.0.0.1:1"), of("http://127.0.0.1:2"));
        assert_eq!(of("http://user:secret@h:8/p").to_string(), "http://h:8");
        assert!(Origin::of("file:///etc/passwd").is_none() && Origin::of("/x").is_none());
        assert!(of("http://x").is_downgrade_from(&of("https://x")) && !of("http://x").is_private());
    }

    #[test]
    fn locations_are_resolved() {
        let origin = Origin::of("https://h").unwrap();
        assert_eq!(joined(&origin, "/a/b?c").unwrap(), "https://h/a/b?c");
        assert_eq!(joined(&origin, "https://cdn/x").unwrap(), "https://cdn/x");
        assert_eq!(joined(&origin, "//evil/x"), None);
        assert_eq!(joined(&origin, "x"), None);
    }

    #[test]
    fn paths_are_encoded() {
        assert_eq!(path("a b/c@d/%.json"), "a%20b/c%40d/%25.json");
        assert_eq!(segment("refs/pr/1"), "refs%2Fpr%2F1");
    }
}
