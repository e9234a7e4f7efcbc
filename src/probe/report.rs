//! What a probe comes to: a verdict, a sentence, a small table.

use serde::{Deserialize, Serialize};

use super::kind::ProbeKind;
use super::sweep::SweepFigures;
use crate::analysis::wilson;
use crate::session::SessionSummary;
use crate::text::one_line;

/// The version written in `v`.
const VERSION: u32 = 1;

/// What a probe of one session comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// 1.
    pub v: u32,
    /// The probe.
    pub probe: ProbeKind,
    /// The session.
    pub session: String,
    /// Its question.
    pub question_id: String,
    /// Its question in words.
    pub question: String,
    /// The right answer, where it is known.
    pub truth: Option<String>,
    /// Who answered.
    pub model: String,
    /// How the session went, in one word.
    pub label: String,
    /// Forks grouped by what they have otherwise; empty for a sweep.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<Arm>,
    /// A sweep's cells and figures.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepFigures>,
    /// The cause in one word.
    pub verdict: Verdict,
    /// The same in one sentence.
    pub sentence: String,
}

/// Forks that have the same thing otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Arm {
    /// Its name, such as `true-box`.
    pub name: String,
    /// The same in words.
    pub words: String,
    /// Sessions.
    pub n: usize,
    /// Those that are fully right.
    pub right: usize,
    /// Those that say what the unchanged session says.
    pub same: usize,
    /// Their answers, in order; null where there was none.
    pub answers: Vec<Option<String>>,
    /// Their ids, in the same order.
    pub sessions: Vec<String>,
    /// What each has otherwise, in the same order.
    pub told: Vec<String>,
}

impl Arm {
    /// An arm without sessions.
    pub fn new(name: &str, words: &str) -> Self {
        Self { name: name.to_owned(), words: words.to_owned(), ..Self::default() }
    }

    /// Takes a session in; `base` is the unchanged answer.
    pub fn take(&mut self, summary: &SessionSummary, told: &str, base: Option<&str>) {
        let answer = answer_of(summary);
        self.n += 1;
        self.right += usize::from(summary.right == Some(true));
        self.same += usize::from(answer.as_deref() == base);
        self.answers.push(answer);
        self.sessions.push(summary.id.clone());
        self.told.push(told.to_owned());
    }

    /// Share of the sessions that are right with its 95 % interval (Wilson).
    pub fn interval(&self) -> [f64; 2] {
        wilson(self.right, self.n)
    }
}

/// The answer of a session, safe to print; a failure in words.
pub(super) fn answer_of(summary: &SessionSummary) -> Option<String> {
    summary.answer.as_deref().map(|answer| one_line(answer).into_owned())
}

/// An answer between quotes, or that there was none.
pub(super) fn said(answer: Option<&str>) -> String {
    answer.map_or_else(|| "gives no answer".to_owned(), |answer| format!("answers \"{answer}\""))
}

/// The cause in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// With the true region it answers right: it does not find it.
    CannotFind,
    /// With the true region it still answers wrong: it does not see it.
    CannotSee,
    /// It was right, and stays so.
    StaysRight,
    /// It was right, and is not with the true region: what it looked at told it more.
    LosesIt,
    /// The answer hangs on it.
    Matters,
    /// The answer hangs on it in part.
    PartlyMatters,
    /// The answer is the same without it.
    NoMatter,
    /// Right with it, wrong without.
    Helps,
    /// Wrong with it, right without.
    Hurts,
    /// The answer follows what the choices say.
    Content,
    /// The answer follows the place in the list.
    Place,
    /// Neither.
    Mixed,
    /// Looking at the target makes the right answer likelier.
    NeedsTarget,
    /// Where it looks changes little.
    Anywhere,
    /// Looking at the target makes the right answer less likely.
    TargetMisleads,
    /// Where the target is, is not known.
    NoTarget,
}

impl Verdict {
    /// The name used in files and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CannotFind => "cannot-find",
            Self::CannotSee => "cannot-see",
            Self::StaysRight => "stays-right",
            Self::LosesIt => "loses-it",
            Self::Matters => "matters",
            Self::PartlyMatters => "partly-matters",
            Self::NoMatter => "no-matter",
            Self::Helps => "helps",
            Self::Hurts => "hurts",
            Self::Content => "content",
            Self::Place => "place",
            Self::Mixed => "mixed",
            Self::NeedsTarget => "needs-target",
            Self::Anywhere => "anywhere",
            Self::TargetMisleads => "target-misleads",
            Self::NoTarget => "no-target",
        }
    }

    /// The same in a few words, for tables of many sessions.
    pub const fn words(self) -> &'static str {
        match self {
            Self::CannotFind => "become right with the true region (can't find)",
            Self::CannotSee => "stay wrong with the true region (can't see)",
            Self::StaysRight => "were right and stay so",
            Self::LosesIt => "were right and are wrong with the true region",
            Self::Matters => "hang on it",
            Self::PartlyMatters => "hang on it in part",
            Self::NoMatter => "do not hang on it",
            Self::Helps => "are right with it and wrong without",
            Self::Hurts => "are wrong with it and right without",
            Self::Content => "follow what the choices say",
            Self::Place => "follow the place in the list",
            Self::Mixed => "follow neither content nor place",
            Self::NeedsTarget => "need to look at their target",
            Self::Anywhere => "come out the same wherever they look",
            Self::TargetMisleads => "are misled by their target",
            Self::NoTarget => "have no known target",
        }
    }
}

impl Report {
    /// A report without a result yet.
    pub(super) fn of(probe: ProbeKind, subject: &super::Subject) -> Self {
        let start = &subject.start;
        let line = |text: &str| one_line(text).into_owned();
        Self {
            v: VERSION,
            probe,
            session: subject.id(),
            question_id: line(&start.question.id),
            question: line(&start.question.text),
            truth: start.question.truth.as_deref().map(line),
            model: line(&start.model.name),
            label: line(&subject.summary.label),
            arms: Vec::new(),
            sweep: None,
            verdict: Verdict::Mixed,
            sentence: String::new(),
        }
    }

    /// The arm of a name.
    pub fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.name == name)
    }
}
