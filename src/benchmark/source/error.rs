//! What can go wrong between a benchmark's name and its pages.

use std::path::PathBuf;

use crate::benchmark::Task;
use crate::page::PageError;
use crate::text::one_line;

/// Why a benchmark could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// Neither a known name nor a file or folder.
    #[error(
        "unknown benchmark \"{}\"; use demo, synth:SEED (a whole number below 2147483648), synth:SEED@medium, \
         synth:SEED@hard, a folder with a benchmark.json or with images, a .cbz archive or an image",
        one_line(.0)
    )]
    Unknown(String),
    /// The benchmark has nothing for this task.
    #[error("{benchmark} has no {task} questions; `panelscope bench list --bench {benchmark}` shows what it has")]
    NoSuchTask {
        /// The benchmark's name.
        benchmark: String,
        /// The task asked for.
        task: Task,
    },
    /// No task is of the families that were asked for.
    #[error("none of the tasks asked for is of the families asked for")]
    NothingSelected,
    /// No question with this id.
    #[error("{} has no question \"{}\"; `panelscope bench list --bench {}` names them", one_line(.benchmark), one_line(.id), one_line(.benchmark))]
    NoSuchQuestion {
        /// The benchmark's name.
        benchmark: String,
        /// The id asked for.
        id: String,
    },
    /// No page with this name.
    #[error("{} has no page \"{}\"", one_line(.benchmark), one_line(.page))]
    NoSuchPage {
        /// The benchmark's name.
        benchmark: String,
        /// The page asked for.
        page: String,
    },
    /// A page's file cannot be read.
    #[error(transparent)]
    Page(#[from] PageError),
    /// A page's file is not one that is read: it lies outside of the folder.
    #[error("{} leads out of the benchmark's folder", path.display())]
    Outside {
        /// The file.
        path: PathBuf,
    },
    /// A folder that holds neither a benchmark nor images.
    #[error("{}: {why}", path.display())]
    NoPages {
        /// The folder or file.
        path: PathBuf,
        /// What was looked for.
        why: String,
    },
    /// A file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of a benchmark's folder is broken.
    #[error("{}{}: {}; `panelscope bench check` lists every problem", path.display(), line.map(|n| format!(":{n}")).unwrap_or_default(), one_line(.why))]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where one is meant.
        line: Option<u64>,
        /// What is wrong.
        why: String,
    },
}
