//! The Compare screen's state: two runs, what they do differently, and the questions that flip.
//!
//! First two runs are chosen from a list; then what the background made of them ([`Versus`]) is shown. A flip opens the two
//! sessions beside each other, and is found again as it was left.

mod act;
pub(super) mod work;

use std::path::PathBuf;
use std::sync::Arc;

use super::view::charts::Share;

/// What a key does on this screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareAction {
    /// Open the screen.
    Show,
    /// Choose other runs.
    Choose,
    /// Only flips of one kind; after the last, all.
    Turn,
    /// The other way around: the second run first.
    Swap,
}

/// A run that can be chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRow {
    /// Its name.
    pub name: String,
    /// Its sessions, model and settings in words.
    pub about: String,
    /// Share of right answers.
    pub accuracy: Option<Share>,
}

/// Which flips are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// All.
    #[default]
    All,
    /// Those only the first run has right.
    OnlyFirst,
    /// Those only the second has right.
    OnlySecond,
}

/// Two runs, compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Versus {
    /// The runs' names.
    pub runs: [String; 2],
    /// What came out, in one sentence.
    pub sentence: String,
    /// Tasks, then everything.
    pub rows: Vec<VersusRow>,
    /// Questions that one run has right and the other has not.
    pub flips: Vec<Flip>,
}

/// A task of two runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VersusRow {
    /// Its name.
    pub name: String,
    /// Pairs of sessions.
    pub n: usize,
    /// Shares of right answers among them.
    pub shares: [Option<Share>; 2],
    /// Pairs that only the first, only the second has right.
    pub only: [usize; 2],
    /// Difference of the mean scores with its interval, in words.
    pub difference: String,
    /// Exact McNemar, and the same by Holm over the tasks.
    pub p: [Option<f64>; 2],
}

/// One question that flips.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flip {
    /// The question's id.
    pub question: String,
    /// Its task.
    pub task: String,
    /// How the runs' sessions came out.
    pub sides: [FlipSide; 2],
}

/// One run's session of a question that flips.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlipSide {
    /// Whether it is right.
    pub right: bool,
    /// The answer.
    pub answer: String,
    /// Its label.
    pub label: String,
    /// Its log.
    pub path: PathBuf,
}

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Compare {
    /// Runs to choose from.
    pub runs: Vec<RunRow>,
    /// Those chosen, by name.
    pub chosen: Vec<String>,
    /// What came of them.
    pub versus: Option<Arc<Versus>>,
    /// Whether something is on its way.
    pub loading: bool,
    /// Which flips are shown.
    pub which: Which,
    run: usize,
    flip: usize,
}

impl Compare {
    /// The run under the cursor, by its place in the list.
    pub fn run(&self) -> usize {
        self.run.min(self.runs.len().saturating_sub(1))
    }

    /// The flips that are shown.
    pub fn flips(&self) -> Vec<&Flip> {
        let fits = |flip: &&Flip| match (self.which, &flip.sides) {
            (Which::All, _) => true,
            (Which::OnlyFirst, [first, _]) => first.right,
            (Which::OnlySecond, [_, second]) => second.right,
        };
        self.versus.iter().flat_map(|versus| versus.flips.iter().filter(fits)).collect()
    }

    /// The place of the chosen flip among those shown.
    pub fn flip(&self) -> usize {
        self.flip.min(self.flips().len().saturating_sub(1))
    }

    fn step(&mut self, by: isize) {
        if self.versus.is_some() {
            self.flip = self.flip().saturating_add_signed(by).min(self.flips().len().saturating_sub(1));
        } else {
            self.run = self.run().saturating_add_signed(by).min(self.runs.len().saturating_sub(1));
        }
    }

    /// Chooses a row of the list on screen.
    pub fn select(&mut self, index: usize) {
        (self.run, self.flip) = if self.versus.is_some() { (self.run, index) } else { (index, self.flip) };
    }

    /// Turns the comparison around.
    fn swap(&mut self) {
        self.chosen.reverse();
        let Some(versus) = &mut self.versus else { return };
        let versus = Arc::make_mut(versus);
        versus.runs.swap(0, 1);
        for row in &mut versus.rows {
            row.shares.swap(0, 1);
            row.only.swap(0, 1);
        }
        versus.flips.iter_mut().for_each(|flip| flip.sides.swap(0, 1));
    }
}
