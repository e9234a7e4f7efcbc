//! What each task asks, how it is answered and how it is scored: the words of `bench tasks` and of `docs/TASKS.md`.

use serde::Serialize;

use super::Task;

/// A task in words a reviewer could quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// What is asked.
    pub asks: &'static str,
    /// What an answer looks like.
    pub answer: &'static str,
    /// The true region.
    pub target: &'static str,
    /// Scorer and partial credit.
    pub scored: &'static str,
    /// What a guess gets.
    pub chance: &'static str,
}

/// The task's definition.
pub const fn definition(task: Task) -> Definition {
    match task {
        Task::PanelUnderstanding => Definition {
            asks: "Where a named panel takes place, what is said in it, or which sound is lettered in it.",
            answer: "One of four choices; a sentence in benchmarks that ask openly.",
            target: "The panel.",
            scored: "Exact; macro-F1 over a run. A sentence is unscored until a judge is given.",
            chance: "1 in the number of choices.",
        },
        Task::DepthComparison => Definition {
            asks: "Which of the figures of a named panel stands nearest to the viewer, or farthest away. The nearer figure is \
                   larger and covers the farther one where they meet; in half of the panels it stands higher on the page, so \
                   that height says nothing.",
            answer: "One of the names listed.",
            target: "The panel.",
            scored: "Exact; macro-F1 over a run.",
            chance: "1 in the number of figures.",
        },
        Task::ActionRecognition => Definition {
            asks: "What a named figure does in a named panel: one of eight actions.",
            answer: "One of four choices, or the word where none are listed.",
            target: "The panel.",
            scored: "Exact; macro-F1 over a run.",
            chance: "1 in 4 with choices, 1 in 8 without.",
        },
        Task::CharacterCounting => Definition {
            asks: "How many figures a named panel shows. Partly hidden figures count; each shows its hat.",
            answer: "A whole number.",
            target: "The panel.",
            scored: "Exact; the absolute error beside it.",
            chance: "1 in the largest number that is drawn.",
        },
        Task::DialogReordering => Definition {
            asks: "In which order the balloons of a named panel are read: from top to bottom, and from left to right at one \
                   height.",
            answer: "What the balloons say, or their letters in the list of choices, in order.",
            target: "The panel.",
            scored: "Exact order; Kendall's τ-b (balloons left out are tied at the end) and the share of neighbours kept.",
            chance: "1 in n! for n balloons.",
        },
        Task::CharacterIdentification => Definition {
            asks: "Who the figure of a named panel is, or in which of several named panels a named figure appears. Every figure \
                   has a twin whose hat has the same colour and another shape.",
            answer: "One of four names; or a set of panel numbers.",
            target: "The panel; every panel named.",
            scored: "Names: exact. Sets: exact, precision, recall, F1, and identity switches (how often, panel after panel, the \
                     answer passes from the figure asked for to another one or back).",
            chance: "1 in 4; 1 in 2^n for n panels.",
        },
        Task::PanelReordering => Definition {
            asks: "In which order lettered panels tell their story. They stand on the page in any order; what changes can only \
                   go one way (a candle burns down, a plant grows).",
            answer: "The panels' letters in order.",
            target: "Every lettered panel.",
            scored: "Exact order; Kendall's τ-b and the share of neighbours kept.",
            chance: "1 in n! for n panels.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_the_same() {
        let document = include_str!("../../docs/TASKS.md");
        for task in Task::ALL {
            let d = definition(task);
            assert!(document.contains(&format!("## {task}\n\nFamily: {}.", task.family())), "{task}");
            for text in [d.asks, d.answer, d.target, d.scored, d.chance] {
                assert!(document.contains(text), "{task}: {text}");
            }
        }
    }
}
