//! Any bytes, any split: the same events, and no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use panelscope::geometry::Size;
use panelscope::protocol::{ParseEvent, Parser, Profile, Surroundings, place};

fuzz_target!(|data: &[u8]| {
    for name in ["rarl", "grounding"] {
        let profile = Profile::builtin(name).expect("shipped profile");
        let whole = events(&profile, data, usize::MAX);
        let cut = data.first().map_or(1, |b| usize::from(*b) % 17 + 1);
        assert_eq!(whole, events(&profile, data, cut));
        assert_eq!(whole, events(&profile, data, 1));
        for event in &whole {
            if let ParseEvent::Call { outcome: Ok(call), .. } = event {
                let around = Surroundings {
                    frame: profile.tool.frame,
                    limits: &profile.limits,
                    page: Size::new(840, 1176),
                    processed: Size::new(140, 196),
                    targets: &[],
                };
                let _ = place(call, &around);
            }
        }
    }
});

fn events(profile: &Profile, data: &[u8], cut: usize) -> Vec<ParseEvent> {
    let mut parser = Parser::new(profile);
    let mut events = Vec::new();
    for part in data.chunks(cut) {
        events.extend(parser.push(part, 0));
    }
    events.extend(parser.finish_turn());
    events
}
