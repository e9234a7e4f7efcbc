//! The questions of a step: pages drawn from seeds, asked about as in supervised training.

use std::sync::Arc;

use super::settings::QuestionPlan;
use crate::benchmark::synthetic::{Difficulty, draw_page};
use crate::benchmark::{Question, Task};
use crate::page::Page;
use crate::train::data::seeds;
use crate::train::mix::{Mix, questions_of};
use crate::train::schedule::Stage;

/// One question and its page: the rollouts of one are a group.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The question, with truth and targets.
    pub question: Question,
    /// The page.
    pub page: Arc<Page>,
    /// Which of the step's pages it is.
    pub sheet: usize,
}

/// The questions of a step, counted from 0 over the whole training; those of one page stand together.
pub fn questions(stage: &Stage, plan: &QuestionPlan, step: u64) -> Vec<Asked> {
    let mut all = Vec::new();
    for (sheet, seed) in seeds(stage, step, plan.pool, plan.seed_offset).enumerate() {
        let drawn = draw_page(seed, Difficulty::Easy);
        let tasks = if plan.tasks.is_empty() { &Task::ALL[..] } else { &plan.tasks };
        let asked = questions_of(&drawn.truth, plan.segments, Mix::Even(tasks));
        let page = Arc::new(Page::from_pixels(drawn.pixels));
        for question in asked {
            all.push(Asked { question, page: Arc::clone(&page), sheet });
        }
    }
    all
}
