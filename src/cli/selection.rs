//! The flags that say which questions of a benchmark are wanted.

use clap::Args;

use crate::benchmark::{Family, Selection, Task};

/// Which questions.
#[derive(Args, Debug)]
pub(super) struct SelectionArgs {
    /// Only this task (may be repeated)
    #[arg(long = "task", value_name = "TASK")]
    pub tasks: Vec<Task>,
    /// Only tasks of this family: depth, tracking, reordering or recognition (may be repeated)
    #[arg(long = "family", value_name = "FAMILY")]
    pub families: Vec<Family>,
    /// Number of questions, spread evenly over the tasks
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

impl SelectionArgs {
    /// The questions they name.
    pub fn selection(&self) -> Selection {
        Selection { tasks: self.tasks.clone(), families: self.families.clone(), limit: self.limit }
    }
}
