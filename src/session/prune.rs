//! What of a sessions folder nobody needs: pages no session shows, and what was set aside. It goes to the trash, as sessions do.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::{Doing, SessionError};
use super::reader::read_log;
use super::store::{SessionStore, today};
use super::trash::{TRASH, move_new};
use super::verify::is_hash;
use crate::trace::{Body, ZoomOutcome};

/// Pixels younger than this may belong to a session whose log does not name them yet.
const YOUNG: Duration = Duration::from_secs(3600);

/// A file that may go.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Spare {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Stored pixels that no log names, those of the trash included. `tell` is told how many of how many logs are read, and stops
/// it with false.
///
/// # Errors
/// [`SessionError::Unclear`] where a log is damaged, so that it may name pixels that cannot be read; [`SessionError::Io`].
pub fn spare_blobs(
    store: &SessionStore,
    tell: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Vec<Spare>, SessionError> {
    let mut logs: Vec<PathBuf> = store.logs().into_iter().map(|log| log.path).collect();
    collect(&store.dir().join(TRASH), 3, &mut |path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if (name.ends_with(".jsonl") || name.ends_with(".jsonl.zst")) && !name.ends_with(".notes.jsonl") {
            logs.push(path.to_owned());
        }
    });
    // What was set aside may be mended.
    logs.extend(spare_torn(store).into_iter().map(|spare| spare.path));
    let mut named = HashSet::new();
    for (n, path) in logs.iter().enumerate() {
        if !tell(n, logs.len()) {
            return Ok(Vec::new());
        }
        let log = read_log(path)?;
        if log.problems.damage() {
            return Err(SessionError::Unclear { path: path.clone() });
        }
        for record in &log.records {
            match &record.body {
                Body::Image(image) => drop(named.insert(image.hash.clone())),
                Body::Zoom(zoom) => {
                    if let ZoomOutcome::Cropped { crop, .. } = &zoom.outcome {
                        named.insert(crop.clone());
                    }
                }
                _ => {}
            }
        }
    }
    let mut spare = Vec::new();
    let old = |meta: &fs::Metadata| {
        let then = SystemTime::now().checked_sub(YOUNG);
        then.is_some_and(|then| meta.modified().is_ok_and(|time| time < then))
    };
    collect(&store.blobs(), 1, &mut |path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_hash(name)
            && !named.contains(name)
            && let Ok(meta) = path.symlink_metadata()
            && old(&meta)
        {
            spare.push(Spare { path: path.to_owned(), bytes: meta.len() });
        }
    });
    spare.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(spare)
}

/// Logs that were set aside as torn when a run was gone on with (`<id>.jsonl.torn`, `.torn-2` …).
pub fn spare_torn(store: &SessionStore) -> Vec<Spare> {
    let mut spare = Vec::new();
    let is_torn = |name: &str| {
        let after = name
            .rsplit_once(".torn")
            .map(|(before, after)| (before.ends_with(".jsonl") || before.ends_with(".zst"), after));
        after.is_some_and(|(log, n)| {
            log && (n.is_empty() || n.strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok()))
        })
    };
    collect(store.dir(), 2, &mut |path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let hidden = path.strip_prefix(store.dir()).is_ok_and(|inside| inside.to_string_lossy().starts_with('.'));
        if is_torn(name)
            && !hidden
            && let Ok(meta) = path.symlink_metadata()
        {
            spare.push(Spare { path: path.to_owned(), bytes: meta.len() });
        }
    });
    spare.sort_by(|a, b| a.path.cmp(&b.path));
    spare
}

/// Moves a file of the sessions folder to today's trash, under its own name and `what`; gives where it is now.
///
/// # Errors
/// [`SessionError::Outside`], [`SessionError::Io`]; the file is then where it was.
pub fn put_aside(store: &SessionStore, what: &str, file: &Path) -> Result<PathBuf, SessionError> {
    let inside = file.strip_prefix(store.dir()).map_err(|_| SessionError::Outside { path: file.to_owned() })?;
    let name = inside.to_string_lossy().replace(['/', '\\'], "~");
    let dir = store.make_hidden(&[TRASH, &today(), what])?;
    for n in 1..1000 {
        let to = dir.join(if n == 1 { name.clone() } else { format!("{name}~{n}") });
        match move_new(file, &to) {
            Err(SessionError::Exists { .. }) => {}
            other => return other.map(|()| to),
        }
    }
    Err(std::io::Error::other("no free name is left")).doing("move", file)
}

/// Every regular file below a folder, not deeper than this; links are not followed.
fn collect(dir: &Path, depth: usize, told: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_file() => told(&path),
            Ok(kind) if kind.is_dir() && depth > 1 => collect(&path, depth - 1, told),
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::page::pixel_hash;
    use crate::session::samples::session;
    use crate::session::{Recorder, put_blob, trash};

    fn age(path: &Path) {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - 2 * YOUNG).unwrap();
    }

    #[test]
    fn only_old_pixels_that_no_log_names_go_and_damage_keeps_them_all() {
        let dir = tempfile::tempdir().unwrap();
        let store = SessionStore::open(dir.path()).unwrap();
        for id in ["a", "b"] {
            let mut recorder = Recorder::create(&store, "run-1", id).unwrap();
            session(id).iter().for_each(|record| recorder.write(record, None).unwrap());
            recorder.finish().unwrap();
        }
        trash(&store, "run-1", "b").unwrap();
        fs::create_dir_all(store.blobs()).unwrap();
        // The page and the crop of both sessions.
        for hash in ["0a", "0b"] {
            fs::write(store.blobs().join(hash.repeat(32)), "x").unwrap();
            age(&store.blobs().join(hash.repeat(32)));
        }
        let pixels = image::RgbImage::from_pixel(2, 2, image::Rgb([1, 2, 3]));
        let hash = pixel_hash(&pixels);
        put_blob(&store, &hash, &pixels).unwrap();
        fs::write(store.blobs().join("README"), "mine").unwrap();
        let spare = || spare_blobs(&store, &mut |_, _| true);
        assert_eq!(spare().unwrap(), [], "it is young");
        age(&store.blobs().join(&hash));
        assert_eq!(spare().unwrap().len(), 1);
        let log = store.one("a").unwrap();
        trash(&store, "run-1", "a").unwrap();
        assert_eq!(spare().unwrap().len(), 1, "what is in the trash can come back");
        let gone = put_aside(&store, "blobs", &store.blobs().join(&hash)).unwrap();
        assert!(gone.is_file() && spare().unwrap().is_empty());
        fs::write(log.path.with_file_name("c.jsonl"), "{\"v\":1}\n").unwrap();
        assert!(matches!(spare(), Err(SessionError::Unclear { .. })));
        assert!(put_aside(&store, "blobs", Path::new("/etc/passwd")).is_err());
    }

    #[test]
    fn what_was_set_aside_as_torn_is_found_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = SessionStore::open(dir.path()).unwrap();
        fs::create_dir_all(dir.path().join("run-1")).unwrap();
        for name in ["a.jsonl.torn", "a.jsonl.zst.torn-2", "a.jsonl", "b.torn", "c.jsonl.torn-x", "d.jsonl.torn.bak"] {
            fs::write(dir.path().join("run-1").join(name), "x").unwrap();
        }
        let found = spare_torn(&store);
        let names: Vec<_> = found.iter().map(|s| s.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.jsonl.torn", "a.jsonl.zst.torn-2"]);
    }
}
