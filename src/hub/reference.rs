//! What a `--model` may say.

use std::fmt;
use std::path::{Path, PathBuf};

/// A model on a hub: `owner/name`, then perhaps `@revision`, then perhaps `:file.gguf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    owner: String,
    name: String,
    revision: Option<String>,
    file: Option<String>,
}

/// What a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A path: it exists, or cannot be anything else.
    Path(PathBuf),
    /// A model on a hub; there is no such path.
    Hub(Reference),
}

/// A path that exists is a path; else `owner/name…` is a model on a hub; anything else is a path again, and whoever opens
/// it says that it is not there.
pub fn meaning(text: &str) -> Meaning {
    let path = Path::new(text);
    match (path.exists(), Reference::parse(text)) {
        (false, Some(reference)) => Meaning::Hub(reference),
        _ => Meaning::Path(path.to_owned()),
    }
}

impl Reference {
    /// Reads `owner/name[@revision][:file.gguf]`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (repo, file) = text.split_once(':').map_or((text, None), |(repo, file)| (repo, Some(file)));
        let (repo, revision) = repo.split_once('@').map_or((repo, None), |(repo, rev)| (repo, Some(rev)));
        let (owner, name) = repo.split_once('/')?;
        let fine = is_name(owner)
            && is_name(name)
            && revision.is_none_or(is_revision)
            && file.is_none_or(|file| is_relative(file) && file.ends_with(".gguf"));
        let own = |text: &str| text.to_owned();
        fine.then(|| Self { owner: own(owner), name: own(name), revision: revision.map(own), file: file.map(own) })
    }

    /// `owner/name`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The branch, tag or commit; `main` where none is named.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// The file that was asked for.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The name of the cache's folder.
    pub(super) fn folder(&self) -> String {
        format!("models--{}--{}", self.owner, self.name)
    }

    /// The same repository and revision with this file.
    pub(super) fn with_file(&self, file: &str) -> Self {
        Self { file: Some(file.to_owned()), ..self.clone() }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)?;
        self.revision.iter().try_for_each(|revision| write!(f, "@{revision}"))?;
        self.file.iter().try_for_each(|file| write!(f, ":{file}"))
    }
}

/// A name as hubs allow them: letters, digits, `-`, `_`, `.`; no `..` or `--`, nothing that looks like a flag or a hidden
/// file.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=96).contains(&text.len())
        && text.chars().all(plain)
        && !text.starts_with(['-', '.'])
        && !text.ends_with(['-', '.'])
        && !text.contains("..")
        && !text.contains("--")
}

fn is_revision(text: &str) -> bool {
    is_relative(text) && text.len() <= 200
}

/// A path that stays inside: segments of plain characters, none of them empty, hidden or `..`.
pub(super) fn is_relative(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '=');
    text.len() <= 512
        && text.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain))
}

/// Whether a text is a full commit: 40 hexadecimal digits.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_written() {
        for text in [
            "Qwen/Qwen2.5-VL-3B-Instruct",
            "a/b@main",
            "a/b@refs/pr/3",
            "a/b:model-Q4_K_M.gguf",
            "a/b@v1.0:sub/model.gguf",
            "a/b@0123456789012345678901234567890123456789",
        ] {
            assert_eq!(Reference::parse(text).unwrap().to_string(), text);
        }
        let reference = Reference::parse("a/b").unwrap();
        assert_eq!((reference.revision(), reference.folder().as_str()), ("main", "models--a--b"));
    }

    #[test]
    fn what_is_a_path_or_hostile_is_none() {
        for text in [
            "demo",
            "models/",
            "/a/b",
            "./a",
            "../a",
            "a/b/c",
            "a/..",
            "a/b@../x",
            "a/b@/x",
            "a/b:x.bin",
            "a/b:../x.gguf",
            "a/b:/x.gguf",
            "a/b@",
            "a/b:",
            "a b/c",
            "a/b\n",
            "-a/b",
            "a/.b",
            "a--b/c",
            "a/b@x\u{1b}",
            "~/models",
        ] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_existing_path_wins() {
        assert_eq!(meaning("src"), Meaning::Path("src".into()));
        assert!(matches!(meaning("src/nothing-like-this"), Meaning::Hub(_)));
        assert!(matches!(meaning("no/such/folder"), Meaning::Path(_)));
    }
}
