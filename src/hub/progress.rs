//! What a download tells while it goes on.

/// Something a person may like to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The server is asked what there is.
    Asking(&'a str),
    /// So much is going to be fetched; a part of it may lie here from an earlier time.
    Plan {
        /// Files to fetch.
        files: usize,
        /// Their bytes.
        bytes: u64,
        /// Of these, already here.
        have: u64,
    },
    /// A file begins, or goes on where it was cut off.
    File {
        /// Its name.
        name: &'a str,
        /// Its bytes.
        size: u64,
        /// Of these, already here.
        have: u64,
    },
    /// So many bytes of the file have arrived since the last time.
    Bytes(u64),
    /// The file's bytes are of no use: it begins anew.
    Anew {
        /// Bytes that had been counted.
        lost: u64,
    },
    /// Another process is fetching this file.
    Waiting(&'a str),
    /// The connection was lost; it is tried again.
    Again(&'a str),
    /// The server names no checksum of this file: its size alone is compared.
    Unproven(&'a str),
    /// The file is here and what it should be.
    Done(&'a str),
    /// The server is not to be had, and why: what is in the cache is taken.
    Away(&'a str),
    /// Of the files in the cache this one is taken, because nobody named one.
    Taken(&'a str),
}

/// Someone who is told.
pub trait Progress {
    /// What has happened.
    fn tell(&mut self, step: Step<'_>);

    /// Whether to give up; what has been fetched stays, for another time.
    fn stopped(&self) -> bool {
        false
    }
}

/// Nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn tell(&mut self, _: Step<'_>) {}
}
