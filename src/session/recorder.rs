//! Writes a session's log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

use super::blobs::Keeper;
use super::error::{Doing, SessionError};
use super::line::{MAX_LINE, encode_line};
use super::reader::{LogReader, ProblemKind, read_log_from};
use super::store::{SessionStore, check_id};
use super::summariser::Summariser;
use super::summary::append_summary;
use crate::trace::{Body, Record};

/// Compression of closed logs: the level that `zstd` takes by default.
const LEVEL: i32 = 3;

/// Writes one session's log and the pixels it needs.
///
/// Every record is one unbuffered `write` of one line. So nothing waits in the program: what was written when it is killed is
/// in the kernel's hands and survives, which is more than flushing every 250 ms and at every pause, zoom, segment and end would
/// give. `fsync` is not called while recording: it guards against power cuts only, costs milliseconds, and what a power cut
/// leaves (a torn tail) is repaired.
///
/// When a write fails, what it left is cut off again, the error is returned once and [`SessionError::Stopped`] from then on;
/// the session itself can go on without being recorded.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    dir: PathBuf,
    id: String,
    path: PathBuf,
    /// Bytes of whole lines.
    length: u64,
    next_seq: u64,
    ended: bool,
    stopped: bool,
    known: Summariser,
    keeper: Keeper,
    warnings: Vec<String>,
}

impl Recorder {
    /// Begins a log `<sub>/<id>.jsonl`; `sub` is a run's name or a day ([`super::today`]).
    ///
    /// # Errors
    /// [`SessionError::BadName`], [`SessionError::Exists`], [`SessionError::Outside`], or [`SessionError::Io`] where the folder
    /// cannot be written.
    pub fn create(store: &SessionStore, sub: &str, id: &str) -> Result<Self, SessionError> {
        check_id(id)?;
        let dir = store.make_sub(sub)?;
        let path = dir.join(format!("{id}.jsonl"));
        let packed = packed_path(&dir, id);
        if packed.symlink_metadata().is_ok() {
            return Err(SessionError::Exists { path: packed });
        }
        // `create_new` follows no link and gives an id to one of two processes only.
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        let file = match file {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(SessionError::Exists { path }),
            other => other.doing("create", &path)?,
        };
        lock(&file, &path)?;
        Ok(Self {
            file,
            dir,
            id: id.to_owned(),
            path,
            length: 0,
            next_seq: 0,
            ended: false,
            stopped: false,
            known: Summariser::default(),
            keeper: Keeper::new(store.clone(), true),
            warnings: Vec::new(),
        })
    }

    /// Opens a log that has not ended, to go on with it. A torn tail is cut off first. Gives what the log holds, too.
    ///
    /// # Errors
    /// [`SessionError::Ended`] (an ended log is never appended to), [`SessionError::Busy`] (another process writes it),
    /// [`SessionError::NotContinuable`] (its last line is another version's), [`SessionError::Io`].
    pub fn reopen(store: &SessionStore, sub: &str, id: &str) -> Result<(Self, LogReader), SessionError> {
        check_id(id)?;
        let dir = store.make_sub(sub)?;
        let path = dir.join(format!("{id}.jsonl"));
        if packed_path(&dir, id).symlink_metadata().is_ok() {
            return Err(SessionError::Ended { path });
        }
        if !path.symlink_metadata().doing("open", &path)?.is_file() {
            return Err(SessionError::Outside { path });
        }
        let mut file = OpenOptions::new().read(true).append(true).open(&path).doing("open", &path)?;
        lock(&file, &path)?;
        let log = read_log_from(&file);
        continuable(&path, &log)?;
        let length = repair(&mut file, &log).doing("repair", &path)?;
        let mut recorder = Self {
            file,
            dir,
            id: id.to_owned(),
            path,
            length,
            next_seq: log.next_seq,
            ended: false,
            stopped: false,
            known: Summariser::default(),
            keeper: Keeper::new(store.clone(), true),
            warnings: Vec::new(),
        };
        log.records.iter().for_each(|record| recorder.known.apply(record));
        Ok((recorder, log))
    }

    /// Keeps no pages (for pages that may not be copied); the crops are kept instead.
    #[must_use]
    pub fn without_pages(mut self) -> Self {
        self.keeper = Keeper::new(self.keeper.store().clone(), false);
        self
    }

    /// Writes one record; `pixels` come with an image record.
    ///
    /// Pixels that cannot be stored are a warning ([`Recorder::warnings`]), not an error: the log is worth more.
    ///
    /// # Errors
    /// [`SessionError::OutOfOrder`], [`SessionError::LineTooLong`], [`SessionError::Ended`] for a record that does not belong
    /// here (it is left out); [`SessionError::Io`] when the disk refuses, [`SessionError::Stopped`] from then on.
    pub fn write(&mut self, record: &Record, pixels: Option<&Arc<RgbImage>>) -> Result<(), SessionError> {
        self.belongs(record)?;
        let mut line = encode_line(record);
        if line.len() > MAX_LINE {
            return Err(SessionError::LineTooLong { bytes: line.len() });
        }
        if let Err(error) = self.keeper.take(record, pixels) {
            self.warnings.push(error.to_string());
        }
        line.push('\n');
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.stopped = true;
            // Half a line would swallow the next one, were the log continued by a program that does not repair.
            let _ = self.file.set_len(self.length);
            return Err(error).doing("write", &self.path);
        }
        self.length += line.len() as u64;
        self.next_seq += 1;
        self.ended = matches!(record.body, Body::SessionEnd(_));
        self.known.apply(record);
        Ok(())
    }

    /// Closes the log. One that has ended gets its line in `summary.jsonl` and is compressed: to a temporary file, which is
    /// renamed before the live log is removed, so that at every moment one whole log is there. One that has not ended stays as
    /// it is. Gives the path of the log.
    ///
    /// # Errors
    /// [`SessionError::Io`]; the live log is then still there.
    pub fn finish(self) -> Result<PathBuf, SessionError> {
        if !self.ended || self.stopped {
            return Ok(self.path);
        }
        let summarised = append_summary(&self.dir, &self.known.summary());
        let packed = pack(&self.dir, &self.id, &self.path)?;
        summarised.map(|()| packed)
    }

    /// The live log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `seq` of the next record.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// What went wrong without stopping the log: pixels that could not be stored.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn set_file_for_test(&mut self, file: File) {
        self.file = file;
    }

    fn belongs(&self, record: &Record) -> Result<(), SessionError> {
        if self.stopped {
            return Err(SessionError::Stopped { path: self.path.clone() });
        }
        if self.ended {
            return Err(SessionError::Ended { path: self.path.clone() });
        }
        let wrong = |expected: String, found: String| Err(SessionError::OutOfOrder { expected, found });
        if record.seq != self.next_seq {
            return wrong(self.next_seq.to_string(), record.seq.to_string());
        }
        match &record.body {
            Body::SessionStart(start) if self.next_seq == 0 && start.id != self.id => {
                wrong(format!("the start of {}", self.id), format!("0, the start of {}", start.id))
            }
            Body::SessionStart(_) if self.next_seq > 0 => wrong(self.next_seq.to_string(), "session_start".into()),
            body if self.next_seq == 0 && !matches!(body, Body::SessionStart(_)) => {
                wrong("session_start".into(), "0".into())
            }
            _ => Ok(()),
        }
    }
}

/// Compresses a log; with a checksum, so that damage is noticed.
pub(super) fn compress<W: Write>(mut source: impl Read, target: W) -> io::Result<W> {
    let mut encoder = zstd::stream::write::Encoder::new(target, LEVEL)?;
    encoder.include_checksum(true)?;
    io::copy(&mut source, &mut encoder)?;
    encoder.finish()
}

pub(super) fn packed_path(dir: &Path, id: &str) -> PathBuf {
    dir.join(format!("{id}.jsonl.zst"))
}

/// Compresses a live log that has ended.
pub(super) fn pack(dir: &Path, id: &str, live: &Path) -> Result<PathBuf, SessionError> {
    let packed = packed_path(dir, id);
    let temporary = dir.join(format!(".{id}.jsonl.zst.tmp-{}", std::process::id()));
    // A file of this name can only be a leftover of a killed process that had our number.
    let _ = fs::remove_file(&temporary);
    let written = (|| {
        let target = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        // The live log is removed next: the copy must be on the disk before.
        compress(File::open(live)?, target)?.sync_all()?;
        fs::rename(&temporary, &packed)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.doing("compress", live)?;
    fs::remove_file(live).doing("remove", live)?;
    Ok(packed)
}

fn continuable(path: &Path, log: &LogReader) -> Result<(), SessionError> {
    let not = |why: &str| Err(SessionError::NotContinuable { path: path.to_owned(), why: why.to_owned() });
    if log.ended() {
        return Err(SessionError::Ended { path: path.to_owned() });
    }
    if log.compressed {
        return not("it is compressed");
    }
    let kinds = || log.problems.list.iter().map(|problem| problem.kind);
    if kinds().any(|kind| matches!(kind, ProblemKind::Unreadable | ProblemKind::TooLarge)) || log.problems.more > 0 {
        return not("it cannot be read to its end");
    }
    if kinds().any(|kind| kind == ProblemKind::WrongVersion) {
        return not("another version of the program wrote it");
    }
    Ok(())
}

/// Cuts what follows the last good line; gives the new length.
fn repair(file: &mut File, log: &LogReader) -> io::Result<u64> {
    if log.length > log.good_end {
        file.set_len(log.good_end)?;
    }
    if log.lacks_newline && log.good_end > 0 {
        file.write_all(b"\n")?;
        return Ok(log.good_end + 1);
    }
    Ok(log.good_end)
}

/// Says to other processes that this log is being written. Where the file system has no locks, nothing is said. On Windows a
/// lock would keep readers away, so there is none.
fn lock(file: &File, path: &Path) -> Result<(), SessionError> {
    #[cfg(unix)]
    if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
        return Err(SessionError::Busy { path: path.to_owned() });
    }
    #[cfg(not(unix))]
    let _ = (file, path);
    Ok(())
}
