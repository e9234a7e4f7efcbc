//! Requests to a hub: the token goes to the hub alone, redirects are followed by hand, answers are told apart.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body, ResponseExt};

use super::checksum::{is_checksum, name_of};
use super::error::HubError;
use super::progress::Progress;
use super::reference::{Reference, is_commit};
use super::refusal::Refusal;
use super::settings::Settings;
use super::url::{self, Origin};
use super::waiting::{pause, unless_stopped};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);
/// Redirects that are followed.
const MOST_REDIRECTS: usize = 6;
/// A list of files is at most this long.
const MOST_LIST: u64 = 16 << 20;
/// More files than any model has.
const MOST_FILES: usize = 20_000;
/// Times that a question is asked before the server's trouble is reported.
const TRIES: u32 = 3;

/// What a repository holds at a revision.
pub(super) struct Listing {
    pub(super) commit: String,
    pub(super) files: Vec<String>,
}

/// What a file is, without its contents.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    /// The name of its blob: its checksum, where the server tells one.
    pub(super) tag: String,
    pub(super) size: u64,
    pub(super) bond: Bond,
}

/// What says that the rest of a file belongs to what is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bond {
    /// Its checksum, in the end.
    Checksum,
    /// The server, which is told this entity tag.
    Tag(String),
    /// Nothing: the file is always fetched from its beginning.
    Nothing,
}

/// A connection to a hub.
pub(super) struct Client<'a> {
    agent: Agent,
    settings: &'a Settings,
}

impl<'a> Client<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(settings.patience))
            .timeout_per_read(Some(settings.patience))
            .user_agent(concat!("panelscope/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .build();
        Self { agent: config.into(), settings }
    }

    /// How long the server may send nothing.
    pub(super) fn patience(&self) -> Duration {
        self.settings.patience
    }

    /// Host and scheme, as messages call the server.
    pub(super) fn host(&self) -> String {
        self.settings.origin.to_string()
    }

    /// Asks what a revision is and which files it has.
    pub(super) fn list(
        &self,
        reference: &Reference,
        revision: &str,
        progress: &dyn Progress,
    ) -> Result<Listing, HubError> {
        let (repository, segment) = (url::path(&reference.repository()), url::segment(revision));
        let address = format!("{}/api/models/{repository}/revision/{segment}", self.settings.endpoint);
        let response = self.patiently(&address, Method::Get, reference, progress)?;
        if response.status() != 200 {
            return Err(self.refusal(reference, None, &response));
        }
        let read = move || {
            let mut text = Vec::new();
            response.into_body().into_reader().take(MOST_LIST + 1).read_to_end(&mut text).map(|_| text)
        };
        let text = unless_stopped(progress, read).and_then(|read| read);
        let text = text.map_err(|error| self.failed(reference, error.to_string(), progress))?;
        if text.len() as u64 > MOST_LIST {
            return Err(self.odd("its list of files is endless"));
        }
        let value: Value = serde_json::from_slice(&text).map_err(|_| self.odd("its list of files is no JSON"))?;
        let listing = self.listing(&value)?;
        if is_commit(revision) && listing.commit != revision {
            return Err(self.odd("it names another commit than it was asked for"));
        }
        Ok(listing)
    }

    fn listing(&self, value: &Value) -> Result<Listing, HubError> {
        let commit = value.get("sha").and_then(Value::as_str).filter(|commit| is_commit(commit));
        let commit = commit.ok_or_else(|| self.odd("it names no commit"))?.to_owned();
        let files = value.get("siblings").and_then(Value::as_array).ok_or_else(|| self.odd("it lists no files"))?;
        if files.len() > MOST_FILES {
            return Err(self.odd("it lists more files than any model has"));
        }
        let names = files.iter().filter_map(|file| file.get("rfilename").and_then(Value::as_str));
        Ok(Listing { commit, files: names.map(str::to_owned).collect() })
    }

    /// Where a file is asked for.
    pub(super) fn address(&self, reference: &Reference, commit: &str, file: &str) -> String {
        let repository = url::path(&reference.repository());
        format!("{}/{repository}/resolve/{commit}/{}", self.settings.endpoint, url::path(file))
    }

    /// Asks what a file is.
    pub(super) fn meta(
        &self,
        reference: &Reference,
        commit: &str,
        file: &str,
        progress: &dyn Progress,
    ) -> Result<Meta, HubError> {
        let response = self.patiently(&self.address(reference, commit, file), Method::Head, reference, progress)?;
        let status = response.status().as_u16();
        if status != 200 && !(300..400).contains(&status) {
            return Err(self.refusal(reference, Some(file), &response));
        }
        let headers = response.headers();
        let tag =
            header(headers, "x-linked-etag").or_else(|| header(headers, "etag")).map(bare).filter(|tag| is_tag(tag));
        let number = |name| header(headers, name).and_then(|text| text.parse().ok());
        // Of a redirect, the length is that of a page that says so.
        let plain = if status == 200 { number("content-length") } else { None };
        let size: Option<u64> = number("x-linked-size").or(plain);
        match (tag, size) {
            (Some(tag), Some(size)) if is_checksum(tag) => Ok(Meta { tag: tag.to_owned(), size, bond: Bond::Checksum }),
            (Some(tag), Some(size)) => {
                // A weak tag binds no bytes, and that of a redirect is not of the place it leads to.
                let strong = header(headers, "etag").filter(|tag| status == 200 && tag.starts_with('"'));
                let bond = strong.map_or(Bond::Nothing, |tag| Bond::Tag(tag.to_owned()));
                Ok(Meta { tag: name_of(tag, file), size, bond })
            }
            (None, _) => Err(self.odd("it names no checksum of a file (etag)")),
            (_, None) => Err(self.odd("it names no size of a file")),
        }
    }

    /// Begins to fetch a file's contents, from a byte on.
    pub(super) fn open(
        &self,
        address: &str,
        from: &Rest<'_>,
        progress: &dyn Progress,
    ) -> Result<Response<Body>, ureq::Error> {
        self.send(address, Method::Get, from, progress)
    }

    /// Asks, and asks again where the server is in trouble.
    fn patiently(
        &self,
        address: &str,
        method: Method,
        reference: &Reference,
        progress: &dyn Progress,
    ) -> Result<Response<Body>, HubError> {
        let mut wait = Duration::from_millis(300);
        for tried in 1.. {
            match self.send(address, method, &Rest::default(), progress) {
                Ok(response) if response.status().is_server_error() && tried < TRIES => {}
                Ok(response) => return Ok(response),
                Err(error) if tried < TRIES && is_passing(&error) && !progress.stopped() => {}
                Err(error) => return Err(self.failed(reference, plain(&error), progress)),
            }
            pause(progress, wait);
            wait *= 3;
        }
        Err(self.unreachable(reference, "no answer".to_owned()))
    }

    /// One request and where it leads. A `HEAD` stops before it would leave the hub: what it asks is answered there.
    fn send(
        &self,
        address: &str,
        method: Method,
        from: &Rest<'_>,
        progress: &dyn Progress,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut address = address.to_owned();
        for _ in 0..MOST_REDIRECTS {
            let origin = Origin::of(&address).ok_or_else(|| ureq::Error::BadUri("no http address".to_owned()))?;
            let response = self.once(&address, &origin, method, from, progress)?;
            let location = header(response.headers(), "location").and_then(|to| url::joined(&origin, to));
            let Some(next) = location.filter(|_| response.status().is_redirection()) else { return Ok(response) };
            let there = Origin::of(&next).ok_or_else(|| ureq::Error::BadUri("no http address".to_owned()))?;
            if method == Method::Head && there != origin {
                return Ok(response);
            }
            if there.is_downgrade_from(&origin) {
                return Err(ureq::Error::Tls("the server sends on to an address without encryption"));
            }
            address = next;
        }
        Err(ureq::Error::TooManyRedirects)
    }

    fn once(
        &self,
        address: &str,
        origin: &Origin,
        method: Method,
        from: &Rest<'_>,
        progress: &dyn Progress,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut request = match method {
            Method::Head => self.agent.head(address),
            Method::Get => self.agent.get(address),
        };
        if from.byte > 0 {
            request = request.header("range", format!("bytes={}-", from.byte));
            if let Some(tag) = from.tag {
                request = request.header("if-range", tag);
            }
        }
        if let Some(token) = self.settings.token_for(origin) {
            request = request.header("authorization", token.bearer());
        }
        // A proxy would carry to another machine, in the clear, what is to stay on this one.
        let request = if origin.is_here() { request.config().proxy(None).build() } else { request };
        unless_stopped(progress, move || request.call()).map_err(ureq::Error::Io)?
    }

    /// What a refusing answer means.
    fn refusal(&self, reference: &Reference, file: Option<&str>, response: &Response<Body>) -> HubError {
        let code = header(response.headers(), "x-error-code").unwrap_or_default();
        let from = Origin::of(&response.get_uri().to_string()).unwrap_or_else(|| self.settings.origin.clone());
        Refusal { settings: self.settings, reference, file, from }.meaning(response.status().as_u16(), code)
    }

    pub(super) fn refused(&self, reference: &Reference, file: &str, response: &Response<Body>) -> HubError {
        self.refusal(reference, Some(file), response)
    }

    pub(super) fn unreachable(&self, reference: &Reference, why: String) -> HubError {
        HubError::Unreachable { host: self.host(), why, model: reference.to_string(), whole: false }
    }

    /// A request failed, or was given up.
    fn failed(&self, reference: &Reference, why: String, progress: &dyn Progress) -> HubError {
        if progress.stopped() { HubError::Stopped } else { self.unreachable(reference, why) }
    }

    pub(super) fn odd(&self, why: &str) -> HubError {
        HubError::Answer { host: self.host(), why: why.to_owned() }
    }
}

/// Where a file's contents are to begin.
#[derive(Clone, Copy, Default)]
pub(super) struct Rest<'t> {
    pub(super) byte: u64,
    /// Only if this is the file's entity tag still; else all of it.
    pub(super) tag: Option<&'t str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Head,
    Get,
}

pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// An entity tag without its quotes and without the mark of a weak one.
fn bare(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/").trim_matches('"')
}

/// Whether a tag can be a file's name: letters, digits, `-` and `_`.
fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Whether it may go better the next time.
fn is_passing(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Timeout(_) | ureq::Error::Io(_) | ureq::Error::ConnectionFailed)
        && !matches!(error, ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused)
}

/// Why a request failed, without its address: that may hold a signature.
pub(super) fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "there is no such host, or no network".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::Io(io) => io.to_string(),
        ureq::Error::ConnectionFailed => "no connection".to_owned(),
        ureq::Error::TooManyRedirects => "it sends on and on".to_owned(),
        ureq::Error::Tls(why) => (*why).to_owned(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "it names an address that is none".to_owned(),
        other => crate::text::one_line(&other.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_names_of_files_or_nothing() {
        assert_eq!(bare("W/\"abc\""), "abc");
        assert!(is_tag("2cf24dba") && is_tag("a-b_9"));
        assert!(
            !is_tag("../x") && !is_tag("") && !is_tag("a/b") && !is_tag("a.incomplete") && !is_tag(&"a".repeat(200))
        );
    }
}
