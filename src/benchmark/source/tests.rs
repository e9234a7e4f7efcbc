#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn drawn(limit: usize) -> Benchmark {
    let tasks = vec![Task::DepthComparison, Task::ActionRecognition];
    open_with("synth:7", &Selection { tasks, limit: Some(limit), ..Selection::default() }).unwrap()
}

#[test]
fn questions_are_spread_evenly_and_pages_are_found() {
    let bench = drawn(7);
    let depth = bench.questions().iter().filter(|q| q.task == Some(Task::DepthComparison)).count();
    assert_eq!((bench.questions().len(), depth), (7, 4));
    for q in bench.questions() {
        let page = bench.page(q).unwrap();
        let target = q.targets[0];
        assert!(target.x2 <= page.size().w.into() && target.y2 <= page.size().h.into());
        assert_eq!(intersection(&bench.other_region(q).unwrap(), &target), 0.0);
        assert_eq!(bench.find(&q.id).unwrap(), q);
        assert_eq!(bench.split(q), Split::HeldOut);
        assert_eq!(bench.page_size(q.page.as_deref().unwrap()).unwrap(), page.size());
        assert!(bench.pages().unwrap().contains(q.page.as_ref().unwrap()));
    }
    let again = drawn(7);
    assert_eq!(again.questions(), bench.questions());
    assert_eq!(again.page(&again.questions()[3]).unwrap().hash, bench.page(&bench.questions()[3]).unwrap().hash);
}

#[test]
fn a_page_of_no_question_of_the_seed_is_drawn_and_no_other() {
    let bench = drawn(2);
    let name = format!("s{}", first_page(7) + 77);
    assert!(!bench.pages().unwrap().contains(&name));
    assert_eq!(bench.page_named(&name).unwrap().size(), bench.page(&bench.questions()[0]).unwrap().size());
    assert!(!bench.regions(&name).unwrap().is_empty());
    for other in [
        format!("h{}", first_page(7)),
        format!("s{}", first_page(8)),
        "s1000000000".into(),
        "s".into(),
        "".into(),
        "é".into(),
    ] {
        assert!(matches!(bench.page_named(&other), Err(BenchmarkError::NoSuchPage { .. })), "{other}");
    }
}

#[test]
fn wrong_names_say_what_to_do() {
    for name in ["", "synth", "synth:", "synth:x", "synth:-1", "synth:4294967295", "synth:1@odd", "demo:1", "other"] {
        assert!(matches!(open(name), Err(BenchmarkError::Unknown(_))), "{name}");
    }
}

#[test]
fn nothing_can_be_selected() {
    let families = vec![crate::benchmark::Family::Tracking];
    let selection = Selection { tasks: vec![Task::DepthComparison], families, limit: None };
    assert!(matches!(open_with("synth:7", &selection), Err(BenchmarkError::NothingSelected)));
    let nothing = open_with("synth:7", &Selection { limit: Some(0), ..Selection::default() }).unwrap();
    assert!(nothing.questions().is_empty() && nothing.pages().unwrap().is_empty());
}
