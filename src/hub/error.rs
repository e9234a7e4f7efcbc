//! Why a model could not be had: one sentence each, and what to do.

use std::path::PathBuf;

/// Why a model could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// A variable or folder of the environment.
    #[error("{0}")]
    Settings(String),
    /// A file or folder of the cache.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing may be fetched, and something is missing.
    #[error(
        "{model} is not whole in {} ({} missing), and nothing is fetched offline; run once without --offline and \
         HF_HUB_OFFLINE, or give a folder", cache.display(), list(missing)
    )]
    Offline {
        /// What was asked for.
        model: String,
        /// The cache.
        cache: PathBuf,
        /// Files that are missing.
        missing: Vec<String>,
    },
    /// The server cannot be reached.
    #[error(
        "{host} cannot be reached ({why}): check the network and HF_ENDPOINT; {model} {}", if *whole {
            "is whole in the cache, so that without --update it can be used"
        } else {
            "is not whole in the cache, so a folder would be needed to go on without"
        }
    )]
    Unreachable {
        /// The server.
        host: String,
        /// Why.
        why: String,
        /// What was asked for.
        model: String,
        /// Whether what is in the cache would do.
        whole: bool,
    },
    /// The server sends nothing, or hardly anything, again and again.
    #[error(
        "{host} is too slow: {file} stopped arriving for {seconds} s, several times; what is here is kept, try again later"
    )]
    Slow {
        /// The server.
        host: String,
        /// The file.
        file: String,
        /// Seconds without a byte.
        seconds: u64,
    },
    /// The connection breaks again and again.
    #[error("{host} broke off while sending {file}, several times ({why}); what is here is kept, try again later")]
    Broken {
        /// The server.
        host: String,
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// The owner lets in only those who accept terms.
    #[error("{model} is gated: accept its terms at {page}, then {}", if *token { "use a token of that account (HF_TOKEN)" } else { "set HF_TOKEN to a token of yours" })]
    Gated {
        /// What was asked for.
        model: String,
        /// Where the terms are.
        page: String,
        /// Whether a token was sent.
        token: bool,
    },
    /// The hub does not know the token; it then answers nothing, not even what everyone may see.
    #[error("{host} refuses the token of {from}: renew it, or unset it (models that everyone may see need none)")]
    Token {
        /// The server.
        host: String,
        /// The variable or file the token is in.
        from: String,
    },
    /// The hub may want the token, which is not sent in the clear.
    #[error(
        "{host} answers {status}: it may want the token of {from}, which is not sent over plain http; \
         set HF_ENDPOINT to an https address"
    )]
    Unsent {
        /// The server.
        host: String,
        /// HTTP status.
        status: u16,
        /// The variable or file the token is in.
        from: String,
    },
    /// The hub sends on to another server, which refuses.
    #[error(
        "{host} sends on to {there}, which answers {status} to {what}: try again later; no token is sent there, so if it \
         is a hub itself, name it in HF_ENDPOINT"
    )]
    Elsewhere {
        /// The server.
        host: String,
        /// Where it leads.
        there: String,
        /// HTTP status.
        status: u16,
        /// What was asked.
        what: String,
    },
    /// There is no such repository, or it is not shown to everyone.
    #[error(
        "{host} has no model {model}{}, and there is no folder of that name here; check the spelling",
        if *token { " that your token may see" } else { " that everyone may see (a private one needs HF_TOKEN)" }
    )]
    NoRepository {
        /// The server.
        host: String,
        /// What was asked for.
        model: String,
        /// Whether a token was sent.
        token: bool,
    },
    /// There is no such branch, tag or commit.
    #[error("{repository} has no revision {revision:?}: name a branch, a tag or a whole commit behind the @")]
    NoRevision {
        /// The repository.
        repository: String,
        /// What was asked for.
        revision: String,
    },
    /// A file that the repository lists, or that its index names, is not there.
    #[error("{repository} has no file {file:?}")]
    NoFile {
        /// The repository.
        repository: String,
        /// The file.
        file: String,
    },
    /// The repository holds nothing this program can read.
    #[error("{0} holds no model that can be read: neither config.json with .safetensors files nor a .gguf file")]
    NoModel(String),
    /// The repository holds several models.
    #[error("{repository} holds several models: name one, as in {repository}:{} (there are {})", files.first().map_or("", String::as_str), list(files))]
    Several {
        /// The repository.
        repository: String,
        /// Their files.
        files: Vec<String>,
    },
    /// The server answers with a status that is none of the above.
    #[error("{host} answers {status} to {what}: {}", status_hint(*status))]
    Status {
        /// The server.
        host: String,
        /// HTTP status.
        status: u16,
        /// What was asked.
        what: String,
    },
    /// The server's answer is not what a hub answers.
    #[error("{host} does not answer as a hub does: {why}; check HF_ENDPOINT")]
    Answer {
        /// The server.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// What arrived is not what was announced.
    #[error(
        "{file} arrived damaged ({why}) and was removed: try again; if it stays so, the server or a proxy changes files"
    )]
    Checksum {
        /// The file.
        file: String,
        /// What differs.
        why: String,
    },
    /// The disk is too full.
    #[error("not enough room in {}: {} to fetch, {} free; set HF_HOME to a larger disk", folder.display(), bytes(*needed), bytes(*free))]
    Disk {
        /// Where.
        folder: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// A person stopped it.
    #[error("stopped; what has been fetched is kept, and the next time goes on from there")]
    Stopped,
}

impl HubError {
    pub(super) fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// Why nothing could be fetched, without what to do: nothing need be done where the cache will do.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Unreachable { host, why, .. } => format!("{host} cannot be reached ({why})"),
            Self::Status { host, status, .. } => format!("{host} answers {status}"),
            Self::Broken { host, file, why } => format!("{host} broke off while sending {file} ({why})"),
            Self::NoRepository { host, model, .. } => format!("{host} shows no model {model}"),
            // What to do stands behind the first colon.
            other => {
                let text = other.to_string();
                text.split_once(": ").map_or(text.as_str(), |(why, _)| why).to_owned()
            }
        }
    }
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn status_hint(status: u16) -> &'static str {
    match status {
        429 => "too many requests; wait a while, or set HF_TOKEN",
        500..=599 => "the server is in trouble; try again later",
        _ => "check HF_ENDPOINT, and HF_TOKEN if it needs one",
    }
}

/// A size for people.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}
