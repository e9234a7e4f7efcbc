//! The name that was probably meant.

/// The known name nearest to one that was written, where one is near enough to be what was meant: by Levenshtein distance
/// of the first 64 characters, at most half of the written name and one. Of equally near ones the first.
pub fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let start: String = written.chars().take(64).collect();
    let (distance, name) =
        known.iter().map(|name| (strsim::levenshtein(&start, name), *name)).min_by_key(|(distance, _)| *distance)?;
    (distance <= start.chars().count().max(3) / 2 + 1).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_meant_and_what_is_far_is_not() {
        let known = ["step_token", "step_turn", "scrub_start"];
        assert_eq!(nearest("step_tokn", &known), Some("step_token"));
        assert_eq!(nearest("turn", &["step_turn"]), None);
        assert_eq!(nearest("Step_Turn", &known), Some("step_turn"));
        assert_eq!(nearest("zzzzzzzzzzzzzz", &known), None);
        assert_eq!(nearest("", &known), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), &known), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
