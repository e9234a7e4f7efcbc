//! Names beside a place, under which a file is made before it is moved there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::HubError;

/// A name beside a place that no other thread and no other process takes; files of a model do not begin so.
pub(super) fn beside(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let thread: String = format!("{:?}", std::thread::current().id()).chars().filter(char::is_ascii_digit).collect();
    place.with_file_name(format!(".{name}.{}-{thread}", std::process::id()))
}

/// Whether a name is one that [`beside()`] makes for a file of that name.
fn is_beside(found: &str, name: &str) -> bool {
    let numbers = found.strip_prefix('.').and_then(|rest| rest.strip_prefix(name)?.strip_prefix('.')?.split_once('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(process, thread)| is_number(process) && is_number(thread))
}

pub(super) fn remove(path: &Path) -> Result<(), HubError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(HubError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Takes away what killed processes have left beside a place: half copies, which are as large as models.
pub(super) fn sweep(place: &Path) {
    let (Some(folder), Some(name)) = (place.parent(), place.file_name().and_then(|name| name.to_str())) else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|found| is_beside(found, name)) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_the_killed_left_is_swept_away() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("m.gguf");
        let own = beside(&place);
        let kept = [".m.9-1", ".m.gguf.9", ".m.gguf.9-", ".m.gguf.x-1", ".n.gguf.9-1", "m.gguf", "m.gguf.9-1"];
        for name in [own.file_name().unwrap().to_str().unwrap(), ".m.gguf.123-45"].iter().chain(&kept) {
            fs::write(dir.path().join(name), "half").unwrap();
        }
        sweep(&place);
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, kept);
        sweep(&dir.path().join("no such folder/m.gguf"));
    }
}
