//! Where a run is kept.

use std::path::{Path, PathBuf};

use crate::cli::{CliError, Global};
use crate::run::{Manifest, ManifestError, RunError, RunPlace};
use crate::session::{SessionStore, locate_dir, new_id};

/// Where a run is kept.
pub(super) enum Target {
    /// Nothing is recorded.
    Nowhere,
    /// Begins in this folder, or goes on there with the same settings.
    Place(RunPlace),
    /// Goes on with a run, with its settings where no others are given.
    Resume(RunPlace, Box<Manifest>),
}

/// Finds the folder by the flags.
pub(super) fn locate(
    out: Option<&Path>,
    resume: Option<&Path>,
    no_record: bool,
    global: &Global,
) -> Result<Target, CliError> {
    let sessions = || locate_dir(global.sessions_dir()).map_err(CliError::failed);
    match (out, resume) {
        (Some(out), _) => Ok(Target::Place(RunPlace::own(out.to_owned()).map_err(CliError::usage)?)),
        (None, Some(dir)) => {
            let dir = if dir.is_dir() || dir.components().count() > 1 { dir.to_owned() } else { sessions()?.join(dir) };
            let found = RunPlace::existing(&dir);
            let (place, manifest) = found.map_err(|error| match error {
                RunError::Manifest(ManifestError::Read { .. }) => CliError::failed(error),
                other => CliError::usage(other),
            })?;
            Ok(Target::Resume(place, Box::new(manifest)))
        }
        (None, None) if no_record => Ok(Target::Nowhere),
        (None, None) => {
            let store = SessionStore::open(sessions()?).map_err(CliError::failed)?;
            Ok(Target::Place(RunPlace { store, sub: format!("run-{}", new_id()) }))
        }
    }
}

/// What a person types to go on.
pub(super) fn resume_command(dir: &Path) -> String {
    let path = PathBuf::from(dir).display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    let quoted = if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) };
    format!("panelscope run --resume {quoted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_pasted() {
        assert_eq!(resume_command(Path::new("/tmp/a-b/c")), "panelscope run --resume /tmp/a-b/c");
        assert_eq!(resume_command(Path::new("my run's")), "panelscope run --resume 'my run'\\''s'");
    }
}
