//! Any bytes are notes, in part or not at all; what is read can be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use panelscope::session::notes_from;

fuzz_target!(|data: &[u8]| {
    let notes = notes_from(data);
    let _ = notes.noted();
    for note in notes.notes {
        let again = notes_from(note.line().as_bytes());
        assert_eq!(again.notes, [note]);
    }
});
