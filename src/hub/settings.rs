//! Where models come from and go to: the environment variables that Hugging Face's own tools obey.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::HubError;
use super::url::Origin;

/// The hub that is asked where nothing else is said.
const ENDPOINT: &str = "https://huggingface.co";
/// How long a server may send nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// A token is one line; more than this is another file.
const MOST_TOKEN: u64 = 4096;

/// A secret. It prints as dots.
#[derive(Clone)]
pub struct Token {
    secret: String,
    /// The variable or the file it was in.
    from: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// The `Authorization` header's value.
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.secret)
    }

    /// The variable or the file it was in.
    pub(super) fn from(&self) -> &str {
        &self.from
    }
}

/// Where models come from and go to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server, with a path where a mirror lies below one.
    pub(super) endpoint: String,
    /// The server's origin: the only place a token is sent to.
    pub(super) origin: Origin,
    /// The cache's folder.
    pub(super) cache: PathBuf,
    /// What the server is told to be let in.
    pub(super) token: Option<Token>,
    /// Only what is in the cache.
    pub(super) offline: bool,
    /// How long a server may send nothing.
    pub(super) patience: Duration,
}

impl Settings {
    /// From the environment: `HF_ENDPOINT`, `HF_HUB_CACHE` (or `HUGGINGFACE_HUB_CACHE`), `HF_HOME`, `XDG_CACHE_HOME`,
    /// `HF_HUB_OFFLINE`, `HF_TOKEN` (or `HUGGING_FACE_HUB_TOKEN`, or the file at `HF_TOKEN_PATH`, else `HF_HOME/token`),
    /// `HF_HUB_DISABLE_IMPLICIT_TOKEN`, `HF_HUB_DOWNLOAD_TIMEOUT` (seconds without a byte).
    ///
    /// # Errors
    /// [`HubError::Settings`]: an endpoint that is no URL, no home folder, a token with characters no token has.
    pub fn from_env(offline: bool) -> Result<Self, HubError> {
        Self::from_vars(offline, |name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    /// From any source of variables.
    pub(super) fn from_vars(offline: bool, var: impl Fn(&str) -> Option<OsString>) -> Result<Self, HubError> {
        let endpoint = var("HF_ENDPOINT").map_or(ENDPOINT.to_owned(), |url| url.to_string_lossy().into_owned());
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let wrong = || HubError::Settings("HF_ENDPOINT is not a URL such as https://huggingface.co".to_owned());
        let origin = Origin::of(&endpoint).ok_or_else(wrong)?;
        let home = home(&var)?;
        let cache = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"].iter().find_map(|name| var(name));
        let cache = cache.map_or_else(|| home.join("hub"), |folder| expand(Path::new(&folder)));
        let token = token(&var, &home)?;
        let seconds = var("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|s| s.to_str()?.parse().ok()).filter(|s: &u64| *s > 0);
        Ok(Self {
            endpoint,
            origin,
            cache,
            token,
            offline: offline || on(var("HF_HUB_OFFLINE")),
            patience: seconds.map_or(PATIENCE, |s| Duration::from_secs(s.min(3600))),
        })
    }

    /// The cache's folder.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The token, where it may be sent: to the hub alone, and not in the clear.
    pub(super) fn token_for(&self, origin: &Origin) -> Option<&Token> {
        self.token.as_ref().filter(|_| *origin == self.origin && origin.is_private())
    }

    /// Whether the network is left alone.
    pub fn offline(&self) -> bool {
        self.offline
    }
}

/// As Hugging Face's tools read a switch.
fn on(value: Option<OsString>) -> bool {
    let value = value.unwrap_or_default().to_string_lossy().to_uppercase();
    ["1", "ON", "YES", "TRUE"].contains(&value.as_str())
}

/// `HF_HOME`, else `huggingface` in the user's cache folder.
fn home(var: &impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, HubError> {
    if let Some(folder) = var("HF_HOME") {
        return Ok(expand(Path::new(&folder)));
    }
    if let Some(folder) = var("XDG_CACHE_HOME") {
        return Ok(expand(Path::new(&folder)).join("huggingface"));
    }
    let home =
        etcetera::home_dir().map_err(|_| HubError::Settings("there is no home folder: set HF_HOME".to_owned()))?;
    Ok(home.join(".cache").join("huggingface"))
}

/// `~/` at the start is the home folder.
fn expand(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), etcetera::home_dir()) {
        (Ok(rest), Ok(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

fn token(var: &impl Fn(&str) -> Option<OsString>, home: &Path) -> Result<Option<Token>, HubError> {
    let said = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"].iter().find_map(|name| Some((*name, var(name)?)));
    let (text, from) = match said {
        Some((name, text)) => (text.to_string_lossy().into_owned(), name.to_owned()),
        None if on(var("HF_HUB_DISABLE_IMPLICIT_TOKEN")) => return Ok(None),
        None => {
            let path = var("HF_TOKEN_PATH").map_or_else(|| home.join("token"), |path| expand(Path::new(&path)));
            // A file that cannot be read, or is no text, is as good as none.
            let text = crate::config::read_bounded(&path, MOST_TOKEN).ok().flatten().unwrap_or_default();
            (text, path.display().to_string())
        }
    };
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(HubError::Settings(format!("{from} holds characters that no token has")));
    }
    Ok(Some(Token { secret: text.to_owned(), from }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, HubError> {
        let find = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        Settings::from_vars(false, |name| {
            if name == "HF_TOKEN_PATH" { find(name).or(Some("/no/such/file".into())) } else { find(name) }
        })
    }

    #[test]
    fn caches_lie_where_other_tools_have_them() {
        for (pairs, expected) in [
            (&[("HF_HUB_CACHE", "/a"), ("HUGGINGFACE_HUB_CACHE", "/b"), ("HF_HOME", "/c")][..], "/a"),
            (&[("HUGGINGFACE_HUB_CACHE", "/b"), ("HF_HOME", "/c")], "/b"),
            (&[("HF_HOME", "/c"), ("XDG_CACHE_HOME", "/d")], "/c/hub"),
            (&[("XDG_CACHE_HOME", "/d")], "/d/huggingface/hub"),
        ] {
            assert_eq!(settings(pairs).unwrap().cache(), Path::new(expected));
        }
        assert!(settings(&[]).unwrap().cache().ends_with(".cache/huggingface/hub"));
    }

    #[test]
    fn tokens_are_found_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "hf_from_file\n").unwrap();
        let path = file.to_str().unwrap();
        let said = settings(&[("HF_TOKEN", " hf_said "), ("HF_TOKEN_PATH", path)]).unwrap();
        assert_eq!(said.token.as_ref().unwrap().bearer(), "Bearer hf_said");
        assert!(!format!("{said:?}").contains("hf_said"));
        let filed = settings(&[("HF_TOKEN_PATH", path)]).unwrap().token.unwrap();
        assert_eq!((filed.bearer().as_str(), filed.from()), ("Bearer hf_from_file", path));
        assert_eq!(
            settings(&[("HUGGING_FACE_HUB_TOKEN", "x")]).unwrap().token.unwrap().from(),
            "HUGGING_FACE_HUB_TOKEN"
        );
        let off = settings(&[("HF_TOKEN_PATH", path), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).unwrap();
        assert!(off.token.is_none());
        let wrong = settings(&[("HF_TOKEN", "a\r\nX-Evil: b")]).unwrap_err().to_string();
        assert!(wrong.contains("HF_TOKEN") && !wrong.contains("Evil"), "{wrong}");
    }

    #[test]
    fn switches_and_endpoints() {
        assert!(settings(&[("HF_HUB_OFFLINE", "true")]).unwrap().offline());
        assert!(!settings(&[("HF_HUB_OFFLINE", "0")]).unwrap().offline());
        assert_eq!(settings(&[("HF_ENDPOINT", "http://x:1/")]).unwrap().endpoint, "http://x:1");
        assert!(settings(&[("HF_ENDPOINT", "ftp://x")]).is_err());
        assert!(settings(&[("HF_ENDPOINT", "huggingface.co")]).is_err());
    }
}
