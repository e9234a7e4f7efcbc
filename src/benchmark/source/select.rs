//! Which questions of a benchmark are wanted.

use crate::benchmark::{Family, Question, Task};

/// Which questions of a benchmark are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these tasks; all where none is named.
    pub tasks: Vec<Task>,
    /// Only tasks of these families; all where none is named.
    pub families: Vec<Family>,
    /// At most so many questions, spread evenly over the tasks.
    pub limit: Option<usize>,
}

impl Selection {
    /// Whether questions of this task are wanted.
    pub fn wants(&self, task: Task) -> bool {
        (self.tasks.is_empty() || self.tasks.contains(&task))
            && (self.families.is_empty() || self.families.contains(&task.family()))
    }

    /// The tasks wanted, in the order of [`Task::ALL`].
    pub fn wanted(&self) -> Vec<Task> {
        Task::ALL.into_iter().filter(|task| self.wants(*task)).collect()
    }

    /// Whether a question is wanted; one without a task is where nothing was asked for.
    pub fn wants_question(&self, question: &Question) -> bool {
        question.task.map_or(self.tasks.is_empty() && self.families.is_empty(), |task| self.wants(task))
    }
}

/// How many to take of each group so that `limit` are taken over all and groups differ by at most one where they have
/// enough; what small groups lack is taken from the others.
pub(super) fn spread(have: &[usize], limit: usize) -> Vec<usize> {
    let mut take = vec![0; have.len()];
    let mut left = limit;
    loop {
        let open = have.iter().zip(&take).filter(|(have, take)| have > take).count();
        if open == 0 || left == 0 {
            return take;
        }
        let share = (left / open).max(1);
        for (take, have) in take.iter_mut().zip(have) {
            let more = share.min(have - *take).min(left);
            *take += more;
            left -= more;
        }
    }
}

/// The group of a question: its task's place in [`Task::ALL`], or one more where it has none.
pub(super) fn group(question: &Question) -> usize {
    question.task.and_then(|task| Task::ALL.iter().position(|t| *t == task)).unwrap_or(Task::ALL.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_are_spread() {
        assert_eq!(spread(&[100, 100, 100], 7), [3, 2, 2]);
        assert_eq!(spread(&[1, 0, 100], 7), [1, 0, 6]);
        assert_eq!(spread(&[2, 2], 9), [2, 2]);
        assert_eq!(spread(&[], 9), Vec::<usize>::new());
    }

    proptest! {
        #[test]
        fn as_many_as_there_are_and_evenly(have in prop::collection::vec(0usize..50, 0..8), limit in 0usize..300) {
            let take = spread(&have, limit);
            prop_assert_eq!(take.iter().sum::<usize>(), limit.min(have.iter().sum()));
            let open: Vec<_> = take.iter().zip(&have).filter(|(t, h)| t < h).map(|(t, _)| *t).collect();
            for (t, h) in take.iter().zip(&have) {
                prop_assert!(t <= h);
                prop_assert!(open.iter().all(|o| o + 1 >= *t), "{:?} {:?}", take, have);
            }
        }
    }
}
