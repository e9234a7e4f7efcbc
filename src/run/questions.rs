//! What a run asks: questions with their pages, and the plan made of them.

use std::sync::Arc;

use crate::benchmark::{Benchmark, BenchmarkError, Question};
use crate::geometry::PageBox;
use crate::page::Page;

/// Questions with their pages; pages are loaded by several threads at once.
pub trait Questions: Sync {
    /// The benchmark's name.
    fn name(&self) -> &str;
    /// The questions.
    fn questions(&self) -> &[Question];
    /// The page a question is about.
    ///
    /// # Errors
    /// Why it cannot be had; the session then fails, not the run.
    fn page(&self, question: &Question) -> Result<Arc<Page>, BenchmarkError>;
    /// Another place on the page, for crops of the wrong place.
    fn other_region(&self, question: &Question) -> Option<PageBox>;
}

impl Questions for Benchmark {
    fn name(&self) -> &str {
        self.name()
    }

    fn questions(&self) -> &[Question] {
        self.questions()
    }

    fn page(&self, question: &Question) -> Result<Arc<Page>, BenchmarkError> {
        self.page(question)
    }

    fn other_region(&self, question: &Question) -> Option<PageBox> {
        self.other_region(question)
    }
}

/// One session of a run, to be or that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its place in the run, from 0.
    pub index: usize,
    /// Index of the question in the benchmark.
    pub question: usize,
    /// Seed of the sampler.
    pub seed: u64,
}

/// Every question `seeds` times, with the seeds from `seed` on; one question's sessions stand together.
pub fn plan(questions: usize, seed: u64, seeds: u32) -> impl Iterator<Item = Item> {
    let each = move |question: usize| (0..u64::from(seeds)).map(move |s| (question, seed.wrapping_add(s)));
    (0..questions).flat_map(each).enumerate().map(|(index, (question, seed))| Item { index, question, seed })
}

/// The session id of a place in a run.
pub fn session_id(run: &str, index: usize) -> String {
    format!("{run}-{index:05}")
}

/// blake3 (hex) over all that decides what is asked and what is right: ids, texts, choices, forms, labels, truths, targets.
pub fn questions_hash(questions: &[Question]) -> String {
    let mut hasher = blake3::Hasher::new();
    for q in questions {
        let (task, form) = (q.task.map_or("", |t| t.name()), format!("{:?}", q.form));
        let lists = [&q.choices, &q.labels];
        let texts = [q.id.as_str(), &q.text, task, &form, q.truth.as_deref().unwrap_or("\0")];
        for text in texts.into_iter().chain(lists.into_iter().flatten().map(String::as_str)) {
            take(&mut hasher, text.as_bytes());
        }
        // Lengths tell a choice from a label.
        take(
            &mut hasher,
            &[q.choices.len(), q.labels.len(), q.targets.len()].map(|n| n as u64).map(u64::to_le_bytes).concat(),
        );
        for t in &q.targets {
            take(&mut hasher, &[t.x1, t.y1, t.x2, t.y2].map(f64::to_le_bytes).concat());
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn take(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_planned_once_a_seed() {
        let items: Vec<_> = plan(2, 5, 3).map(|i| (i.index, i.question, i.seed)).collect();
        assert_eq!(items, [(0, 0, 5), (1, 0, 6), (2, 0, 7), (3, 1, 5), (4, 1, 6), (5, 1, 7)]);
        assert_eq!((session_id("r", 7), session_id("r", 123_456)), ("r-00007".into(), "r-123456".into()));
    }

    #[test]
    fn the_hash_sees_what_counts() {
        let q = Question { id: "a".into(), text: "b".into(), choices: vec!["c".into()], ..Question::default() };
        let moved = Question { choices: vec![], labels: vec!["c".into()], ..q.clone() };
        let glued = Question { id: "ab".into(), text: String::new(), ..q.clone() };
        let other = Question { truth: Some("c".into()), ..q.clone() };
        let all: std::collections::HashSet<_> =
            [q.clone(), moved, glued, other].iter().map(|q| questions_hash(std::slice::from_ref(q))).collect();
        assert_eq!(all.len(), 4);
        assert_ne!(questions_hash(&[q.clone(), q.clone()]), questions_hash(&[q]));
    }
}
