//! A model that has to be fetched before it can be loaded: what is told meanwhile.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::hub::{HubError, Progress, Step};
use crate::model::ModelChoice;

/// How often it is told how far it is.
const EVERY: Duration = Duration::from_millis(300);

/// The choice with files that are on this machine; `tell` gets a line now and then, and an empty one in the end.
pub(super) fn fetch(choice: &ModelChoice, tell: impl Fn(String)) -> Result<ModelChoice, HubError> {
    let mut telling = Telling { tell, name: choice.name(), said: None, bytes: 0, have: 0 };
    let fetched = choice.fetched(&mut telling).map(Cow::into_owned);
    if telling.said.is_some() {
        (telling.tell)(String::new());
    }
    fetched
}

struct Telling<F> {
    tell: F,
    name: String,
    said: Option<Instant>,
    bytes: u64,
    have: u64,
}

impl<F: Fn(String)> Telling<F> {
    fn say(&mut self, what: &str) {
        self.said = Some(Instant::now());
        (self.tell)(format!("{}: {what}", self.name));
    }

    fn say_how_far(&mut self) {
        if self.said.is_none_or(|said| said.elapsed() >= EVERY) {
            let percent = self.have.saturating_mul(100).checked_div(self.bytes).unwrap_or(100);
            self.say(&format!("fetching, {percent} % of {}", indicatif::DecimalBytes(self.bytes)));
        }
    }
}

impl<F: Fn(String)> Progress for Telling<F> {
    fn tell(&mut self, step: Step<'_>) {
        match step {
            Step::Asking(_) => self.say("asking what there is"),
            Step::Plan { bytes, have, .. } => {
                (self.bytes, self.have) = (bytes, have);
                // Nobody knows when the first byte comes.
                self.said = None;
                self.say_how_far();
            }
            Step::File { .. } | Step::Done(_) => self.say_how_far(),
            Step::Bytes(count) => {
                self.have += count;
                self.say_how_far();
            }
            Step::Anew { lost } => self.have = self.have.saturating_sub(lost),
            Step::Waiting(_) => self.say("another process is fetching it"),
            Step::Again(_) => self.say("the connection was lost, trying again"),
            Step::Unproven(_) => self.say("the server names no checksum, sizes alone are compared"),
            Step::Away(why) => self.say(&format!("{why}; what is in the cache is taken")),
            Step::Taken(file) => self.say(&format!("takes {file} of the cache")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn what_is_here_is_not_told_of() {
        let choice = ModelChoice::from(crate::demo::model_source());
        let told = RefCell::new(Vec::new());
        fetch(&choice, |words| told.borrow_mut().push(words)).unwrap();
        assert!(told.borrow().is_empty());
    }

    #[test]
    fn lines_come_now_and_then() {
        let told = RefCell::new(Vec::new());
        let tell = |words| told.borrow_mut().push(words);
        let mut telling = Telling { tell, name: "a/b".to_owned(), said: None, bytes: 0, have: 0 };
        telling.tell(Step::Asking("main"));
        telling.tell(Step::Plan { files: 1, bytes: 2_000_000, have: 1_000_000 });
        telling.said = None;
        telling.tell(Step::Bytes(500_000));
        telling.tell(Step::Bytes(1));
        telling.tell(Step::Again("x"));
        let wanted = [
            "a/b: asking what there is",
            "a/b: fetching, 50 % of 2.00 MB",
            "a/b: fetching, 75 % of 2.00 MB",
            "a/b: the connection was lost, trying again",
        ];
        assert_eq!(*told.borrow(), wanted);
    }
}
