//! From records to a summary, in bounded memory.

use super::summary::SessionSummary;
use crate::analysis::{Facts, TokenTail};
use crate::trace::{Body, Record, TokenSource, Trace};

/// Reads a session's records as they come and keeps what its summary needs: all but the tokens, which would only fill
/// memory, and of those the end of the latest turn. Whoever summarises a session does it with this, so that a recorder, a
/// repair and a list say the same.
#[derive(Clone, Debug, Default)]
pub struct Summariser {
    trace: Trace,
    tail: TokenTail,
    generated: u64,
    last_t: f64,
}

impl Summariser {
    /// One that has read these records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut summariser = Self::default();
        records.into_iter().for_each(|record| summariser.apply(record));
        summariser
    }

    /// Takes one record in.
    pub fn apply(&mut self, record: &Record) {
        self.tail.take(record);
        let Body::Tokens(tokens) = &record.body else { return self.trace.apply(record) };
        if tokens.by != TokenSource::Prompt {
            self.generated += tokens.ids.len() as u64;
        }
        let times = tokens.at.iter().chain([&record.t]).filter(|t| t.is_finite());
        self.last_t = times.fold(self.last_t, |last, t| last.max(*t));
    }

    /// What is known but for the tokens.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The summary of what was read.
    pub fn summary(&self) -> SessionSummary {
        let facts = Facts::with_tokens(&self.trace, self.tail.facts());
        let summary = SessionSummary::with_facts(&self.trace, &facts);
        if self.trace.end.is_some() {
            return summary;
        }
        SessionSummary { generated: self.generated, seconds: self.trace.last_t.max(self.last_t), ..summary }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::samples::session;

    #[test]
    fn records_and_their_trace_give_one_summary() {
        let records = session("s");
        for n in 0..=records.len() {
            let some = records.get(..n).unwrap_or_default();
            assert_eq!(Summariser::of(some).summary(), SessionSummary::of(&Trace::of(some)), "{n} records");
        }
    }
}
