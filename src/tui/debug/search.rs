//! Looking for a text in what the model wrote; folding segments.

use regex::{Regex, RegexBuilder};

use super::Question;
use crate::trace::SegmentKind;
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::explorer::Explorer;

/// A compiled pattern may not take more bytes.
const PATTERN_BYTES: usize = 1 << 18;
/// More places than these are not kept.
const MOST: usize = 10_000;

/// What is looked for, and where it is.
#[derive(Clone, Debug)]
pub struct Search {
    pattern: Regex,
    /// First and last of the model's tokens that a place touches, from 0, rising.
    hits: Vec<(usize, usize)>,
    /// How many tokens were looked through.
    known: usize,
}

impl Search {
    /// Reads `text` or `/pattern/`; case does not matter.
    ///
    /// # Errors
    /// Says what is wrong with a pattern.
    pub fn new(text: &str) -> Result<Self, String> {
        let pattern = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|p| !p.is_empty());
        let pattern = pattern.map_or_else(|| regex::escape(text), str::to_owned);
        let built = RegexBuilder::new(&pattern).case_insensitive(true).size_limit(PATTERN_BYTES).build();
        let pattern = built.map_err(|why| {
            let why = why.to_string();
            format!("not a regular expression: {}", why.lines().last().unwrap_or_default().trim())
        })?;
        Ok(Self { pattern, hits: Vec::new(), known: usize::MAX })
    }

    /// Looks through what is written, where that has changed.
    pub fn look(&mut self, explorer: &Explorer) {
        if self.known == explorer.written() {
            return;
        }
        self.known = explorer.written();
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for token in explorer.model_tokens() {
            text.extend(token.piece.bytes());
            ends.push(text.len());
        }
        // Broken bytes become marks of their own length, so that offsets stay those of the tokens.
        let text: String = text
            .utf8_chunks()
            .flat_map(|chunk| [chunk.valid().to_owned(), "?".repeat(chunk.invalid().len())])
            .collect();
        let token = |byte: usize| ends.partition_point(|end| *end <= byte);
        let found = self.pattern.find_iter(&text).filter(|hit| !hit.is_empty()).take(MOST);
        self.hits = found.map(|hit| (token(hit.start()), token(hit.end() - 1))).collect();
    }

    /// Whether a token belongs to a place that was found.
    pub fn has(&self, token: usize) -> bool {
        let after = self.hits.partition_point(|(first, _)| *first <= token);
        after.checked_sub(1).and_then(|i| self.hits.get(i)).is_some_and(|(_, last)| token <= *last)
    }

    /// How many places there are.
    pub fn count(&self) -> usize {
        self.hits.len()
    }
}

impl App {
    pub(super) fn ask_search(&mut self) -> Vec<Effect> {
        self.ask_line(Question::Search);
        Vec::new()
    }

    pub(super) fn search(&mut self, text: &str) -> Result<(), String> {
        let Some(explorer) = &mut self.explorer else { return Ok(()) };
        if text.is_empty() {
            explorer.search = None;
            return Ok(());
        }
        let mut search = Search::new(text)?;
        search.look(explorer);
        let count = search.count();
        explorer.search = Some(search);
        if count == 0 {
            self.toast = Some("not found in what is written".to_owned());
            return Ok(());
        }
        self.step_match(true);
        self.toast = Some(format!("{count} found · ; next · , before · / and Enter to stop"));
        Ok(())
    }

    pub(super) fn step_match(&mut self, on: bool) -> Vec<Effect> {
        let Some(explorer) = &mut self.explorer else { return Vec::new() };
        let Some(search) = &explorer.search else {
            self.toast = Some("nothing is looked for; / begins".to_owned());
            return Vec::new();
        };
        let at = explorer.head.shown().saturating_sub(1);
        let found = if on {
            search.hits.iter().map(|hit| hit.1).find(|last| *last > at).or(search.hits.first().map(|hit| hit.1))
        } else {
            search.hits.iter().rev().map(|hit| hit.1).find(|last| *last < at).or(search.hits.last().map(|hit| hit.1))
        };
        match found {
            Some(token) => explorer.scrub_to(token + 1),
            None => self.toast = Some("not found in what is written".to_owned()),
        }
        Vec::new()
    }

    pub(super) fn fold_segment(&mut self) -> Vec<Effect> {
        let Some(explorer) = &mut self.explorer else { return Vec::new() };
        let position = explorer.current().map_or(0, |token| token.position);
        let inside = |s: &&crate::trace::SegmentEvent| (s.first..=s.last).contains(&position);
        let mut own = explorer.trace().segments.iter().filter(|s| s.kind != SegmentKind::ToolResponse);
        let Some(first) = own.clone().find(inside).or(own.next_back()).map(|s| s.first) else { return Vec::new() };
        explorer.fold(&[first]);
        Vec::new()
    }

    pub(super) fn fold_thoughts(&mut self) -> Vec<Effect> {
        let Some(explorer) = &mut self.explorer else { return Vec::new() };
        let thoughts = explorer.trace().segments.iter().filter(|s| s.kind == SegmentKind::Think);
        let thoughts: Vec<u64> = thoughts.map(|s| s.first).collect();
        explorer.fold(&thoughts);
        Vec::new()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::tui::fixtures;

    #[test]
    fn places_are_found_across_tokens_and_in_any_case() {
        let app = fixtures::replay_at_end(100, 30, false);
        let explorer = app.explorer.as_ref().unwrap();
        let text: String =
            explorer.model_tokens().map(|t| String::from_utf8_lossy(&t.piece.bytes()).into_owned()).collect();
        let word = text.split_whitespace().find(|w| w.chars().all(char::is_alphabetic) && w.len() > 3).unwrap();
        let mut search = Search::new(&word.to_uppercase()).unwrap();
        search.look(explorer);
        assert_eq!(search.count(), text.to_lowercase().matches(&word.to_lowercase()).count());
        assert!((0..explorer.written()).any(|token| search.has(token)));
        assert!(Search::new("/(/").unwrap_err().contains("unclosed"));
        let mut nothing = Search::new("no such words").unwrap();
        nothing.look(explorer);
        assert!(nothing.count() == 0 && !nothing.has(0));
    }
}
