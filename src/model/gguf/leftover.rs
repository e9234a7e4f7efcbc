//! What is left of a file that was being written when its process was killed.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// Where a file grows until it gets its name: `NAME.PID.part` beside it.
pub(super) fn growing(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    name.into()
}

/// Marks a growing file as one that is being written, until it is closed or its process ends, however it ends. A disk
/// that knows no locks has none; what is left there stays.
pub(super) fn hold(growing: &File) {
    let _ = growing.lock();
}

/// Removes what is left beside `path` of it, and gives what that was. Nothing is touched that a process still writes, nor any
/// name other than `NAME.PID.part`.
pub fn remove_leftovers(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Some(name), Ok(entries)) = (path.file_name().and_then(|name| name.to_str()), fs::read_dir(folder)) else {
        return Vec::new();
    };
    let mut removed = Vec::new();
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|other| is_growing(other, name))
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_ours && is_abandoned(&entry.path()) && fs::remove_file(entry.path()).is_ok() {
            removed.push(entry.path());
        }
    }
    removed.sort();
    removed
}

/// Whether a name is `NAME.PID.part`.
fn is_growing(other: &str, name: &str) -> bool {
    let pid =
        other.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).and_then(|rest| rest.strip_suffix(".part"));
    pid.is_some_and(|pid| (1..=10).contains(&pid.len()) && pid.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Whether nobody writes it any more.
fn is_abandoned(growing: &Path) -> bool {
    let file = File::options().write(true).open(growing);
    file.is_ok_and(|file| match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_writes_any_more_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m-Q4_K.gguf");
        let others =
            ["m-Q4_K.gguf", "m-Q4_K.gguf.part", "m-Q4_K.gguf.12x.part", "m-Q8_0.gguf.7.part", "m-Q4_K.gguf.7.part.txt"];
        others.iter().for_each(|name| fs::write(dir.path().join(name), "x").unwrap());
        fs::create_dir(dir.path().join("m-Q4_K.gguf.8.part")).unwrap();
        let left = dir.path().join("m-Q4_K.gguf.4194305.part");
        fs::write(&left, "half").unwrap();
        let ours = File::create_new(growing(&path)).unwrap();
        hold(&ours);
        assert_eq!(remove_leftovers(&path), [left]);
        assert!(growing(&path).exists(), "it is being written");
        assert!(others.iter().all(|name| dir.path().join(name).exists()));
        drop(ours);
        assert_eq!(remove_leftovers(&path), [growing(&path)]);
        assert!(remove_leftovers(&path.join("not there/x")).is_empty());
    }
}
