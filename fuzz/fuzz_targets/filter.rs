//! Any text is a filter or none; what is printed of one is read as the same, and completions lie within the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use panelscope::session::SessionSummary;
use panelscope::session::filter::{Filter, MAX_FILTER, complete};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(filter) = Filter::parse(text) {
        let _ = filter.matches(&SessionSummary::default());
        let printed = filter.to_string();
        if printed.len() <= MAX_FILTER {
            assert_eq!(Filter::parse(&printed).expect("what is printed is a filter"), filter);
        }
    }
    for cursor in [0, text.len() / 2, text.len()] {
        for way in complete(text, cursor) {
            assert!(way.from <= way.to && text.is_char_boundary(way.from) && text.is_char_boundary(way.to));
        }
    }
});
