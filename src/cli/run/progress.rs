//! Progress of a run: a bar a task on a terminal, else a line now and then.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::analysis::wilson;
use crate::benchmark::Task;
use crate::run::{Job, Progress};
use crate::session::SessionSummary;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

const TWICE: &str = "finishing what is in flight; Ctrl-C again stops at once";

/// The bars, the line below them, and what they show.
pub(super) struct Bars {
    multi: MultiProgress,
    tasks: BTreeMap<Option<Task>, Bar>,
    total: ProgressBar,
    all: usize,
    done: usize,
    /// Ended in this program.
    fresh: usize,
    begun: Instant,
    told: Instant,
    terminal: bool,
    /// The first session that failed in this program, and why.
    fault: Option<(String, String)>,
}

struct Bar {
    bar: ProgressBar,
    scored: usize,
    right: usize,
    done: usize,
    all: usize,
}

impl Bars {
    /// Bars for all sessions of a job, of which some are done `before`.
    pub(super) fn new(job: &Job<'_>, before: &[SessionSummary], planned: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let multi = MultiProgress::with_draw_target(target);
        let mut sizes: BTreeMap<Option<Task>, usize> = BTreeMap::new();
        for question in job.questions.questions() {
            *sizes.entry(question.task).or_default() += job.settings.seeds as usize;
        }
        let bar = |name: &str, all: usize, template: &str| {
            let bar = multi.add(ProgressBar::new(all as u64)).with_prefix(name.to_owned());
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar
        };
        let tasks = sizes.into_iter().map(|(task, all)| {
            let bar = bar(task.map_or("other", Task::name), all, "{prefix:<24} {bar:24} {pos:>5}/{len:<5} {msg}");
            (task, Bar { bar, scored: 0, right: 0, done: 0, all })
        });
        let tasks = tasks.collect();
        let total = bar("all", planned, "{prefix:<24} {bar:24} {pos:>5}/{len:<5} {msg}");
        let now = Instant::now();
        let mut bars = Self {
            multi: multi.clone(),
            tasks,
            total,
            all: planned,
            done: 0,
            fresh: 0,
            begun: now,
            told: now,
            terminal,
            fault: None,
        };
        before.iter().for_each(|summary| bars.take(summary));
        bars.draw(None);
        bars
    }

    /// Runs the work, and says once what a first Ctrl-C did. The bars go when it is done.
    pub(super) fn watch<T>(&mut self, no_more: &AtomicBool, work: impl FnOnce(&mut Self) -> T) -> T {
        let over = AtomicBool::new(false);
        let (multi, terminal) = (self.multi.clone(), self.terminal);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    if no_more.load(Ordering::Relaxed) {
                        if !terminal || multi.println(TWICE).is_err() {
                            eprintln!("{TWICE}");
                        }
                        return;
                    }
                    std::thread::park_timeout(Duration::from_millis(50));
                }
            });
            let result = work(self);
            over.store(true, Ordering::Relaxed);
            let _ = self.multi.clear();
            result
        })
    }

    /// The first session that failed in this program, and why.
    pub(super) fn first_fault(self) -> Option<(String, String)> {
        self.fault
    }

    fn take(&mut self, summary: &SessionSummary) {
        self.done += 1;
        if let Some(bar) = self.tasks.get_mut(&summary.task) {
            bar.done += 1;
            if summary.reason.as_deref() != Some("error") {
                bar.scored += usize::from(summary.right.is_some());
                bar.right += usize::from(summary.right == Some(true));
            }
        }
    }

    /// Draws the line of one task, or all, and the last line.
    fn draw(&self, task: Option<Option<Task>>) {
        for (_, bar) in self.tasks.iter().filter(|(of, _)| task.is_none_or(|task| task == **of)) {
            bar.bar.set_message(bar.words());
            bar.bar.set_position(bar.done as u64);
        }
        self.total.set_message(self.pace());
        self.total.set_position(self.done as u64);
    }

    /// Rate and time left, from what was done in this program.
    fn pace(&self) -> String {
        let rate = self.fresh as f64 / self.begun.elapsed().as_secs_f64().max(1e-3);
        if self.fresh == 0 {
            return String::new();
        }
        let left = self.all.saturating_sub(self.done) as f64 / rate;
        format!("{rate:.2}/s · {} left", duration(left))
    }

    fn line(&self) -> String {
        let tasks = self.tasks.iter().filter(|(_, bar)| bar.done > 0);
        let words: Vec<_> =
            tasks.map(|(task, bar)| format!("{} {}", task.map_or("other", Task::name), bar.words())).collect();
        format!("{}/{} · {} · {}", self.done, self.all, self.pace(), words.join(", "))
    }
}

impl Progress for Bars {
    fn failed(&mut self, id: &str, why: &str) {
        self.fault.get_or_insert_with(|| (id.to_owned(), why.to_owned()));
    }

    fn finished(&mut self, summary: &SessionSummary) {
        self.fresh += 1;
        self.take(summary);
        self.draw(Some(summary.task));
        if !self.terminal && self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            eprintln!("{}", self.line());
        }
    }
}

impl Bar {
    fn words(&self) -> String {
        if self.scored == 0 {
            return if self.done == self.all { "unscored".to_owned() } else { String::new() };
        }
        let [low, high] = wilson(self.right, self.scored).map(|v| 100.0 * v);
        let accuracy = 100.0 * self.right as f64 / self.scored as f64;
        format!("{accuracy:.1} % right ({low:.0}–{high:.0})")
    }
}

fn duration(seconds: f64) -> String {
    let s = if seconds.is_finite() { seconds.round().clamp(0.0, 1e9) as u64 } else { 0 };
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m}:{s:02} min"),
        (h, m, _) => format!("{h}:{m:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_easily() {
        assert_eq!([0.4, 61.0, 7325.0, f64::INFINITY].map(duration), ["0 s", "1:01 min", "2:02 h", "0 s"]);
    }
}
