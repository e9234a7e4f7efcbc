//! The session on its own thread.

use std::time::{Duration, Instant};

use super::*;

fn scripted(engine: ScriptedEngine) -> ModelSource {
    ModelSource::Made("scripted".into(), Box::new(move || Ok(Box::new(engine) as Box<dyn StepEngine + Send>)))
}

fn started(start: Start) -> Handle {
    spawn(scripted(ScriptedEngine::from_texts(&[&good_zoom(), ANSWER])), ask(), start)
}

/// Reads until the session waits or is over.
fn settled(handle: &mut Handle) -> Vec<Emission> {
    let mut all = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        // The state is read first: what was emitted before it is then in the channel.
        let state = handle.state();
        while let Ok(emission) = handle.emissions().try_recv() {
            all.push(emission);
        }
        if matches!(state, EngineState::Paused | EngineState::Ended) {
            return all;
        }
        assert!(Instant::now() < deadline, "the session hangs in {state:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn command(handle: &mut Handle, command: Command) -> Vec<Emission> {
    handle.send(command);
    let mut all = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    while all.is_empty() && Instant::now() < deadline {
        all = settled(handle);
    }
    std::thread::sleep(Duration::from_millis(5));
    all.extend(settled(handle));
    all
}

fn sampled(all: &[Emission]) -> usize {
    batches(all).iter().filter(|t| t.by == TokenSource::Sampled).map(|t| t.ids.len()).sum()
}

#[test]
fn running_goes_to_the_end() {
    let mut handle = started(Start::Running);
    let mut all = Vec::new();
    while let Some(emission) = handle.emissions().blocking_recv() {
        all.push(emission);
    }
    sound(&all);
    assert!(!kinds(&all).contains(&"control".to_owned()));
    assert!(matches!(settled(&mut handle).as_slice(), []));
    assert_eq!(handle.state(), EngineState::Ended);
    handle.send(Command::Run);
}

#[test]
fn steps_go_as_far_as_they_say() {
    let mut handle = started(Start::Paused);
    let mut all = settled(&mut handle);
    assert_eq!(kinds(&all), ["session_start", "image", "prompt"], "the page is there before the first token");
    let token = command(&mut handle, Command::Step(StepUnit::Token));
    assert_eq!((sampled(&token), kinds(&token)), (1, vec!["control".to_owned(), "sampled".to_owned()]));
    let segment = command(&mut handle, Command::Step(StepUnit::Segment));
    assert_eq!(kinds(&segment), ["control", "sampled", "segment"]);
    assert!(batches(&segment).iter().all(|t| t.ids.len() == 1), "one record a token while stepping");
    let turn = command(&mut handle, Command::Step(StepUnit::Turn));
    assert_eq!(kinds(&turn), ["control", "sampled", "segment", "zoom", "sampled", "image", "prompt", "segment"]);
    let rest = command(&mut handle, Command::Run);
    assert_eq!(kinds(&rest).last().unwrap(), "session_end");
    for part in [token, segment, turn, rest] {
        all.extend(part);
    }
    sound(&all);
    let mut whole = ScriptedEngine::from_texts(&[&good_zoom(), ANSWER]);
    let straight = run(&mut whole, &ask()).0;
    let ids = |all: &[Emission]| ids_of(&all.iter().map(|e| e.record.clone()).collect::<Vec<_>>());
    assert_eq!(ids(&all), ids(&straight));
    let actions: Vec<String> = records(&all)
        .into_iter()
        .filter_map(|b| if let Body::Control(c) = b { Some(c.action.clone()) } else { None })
        .collect();
    assert_eq!(actions, ["step_token", "step_segment", "step_turn", "run"]);
}

#[test]
fn pause_and_stop_are_heard_while_it_runs() {
    let slow = ScriptedEngine::from_texts(&[&"so it goes ".repeat(200)]).with_delay(Duration::from_millis(2));
    let mut handle = spawn(scripted(slow), ask(), Start::Running);
    std::thread::sleep(Duration::from_millis(60));
    let mut all = command(&mut handle, Command::Pause);
    assert_eq!(handle.state(), EngineState::Paused);
    let before = sampled(&all);
    assert!(before > 0 && before < 500);
    std::thread::sleep(Duration::from_millis(30));
    assert!(settled(&mut handle).is_empty(), "paused is paused");
    all.extend(command(&mut handle, Command::Stop));
    assert_eq!(handle.state(), EngineState::Ended);
    sound(&all);
    let Body::SessionEnd(end) = &all.last().unwrap().record.body else { panic!() };
    assert_eq!((end.reason.as_str(), end.generated as usize), ("stopped", before));
}

#[test]
fn tokens_do_not_wait_long() {
    let slow = ScriptedEngine::from_texts(&[&"so it goes ".repeat(30)]).with_delay(Duration::from_millis(15));
    let mut handle = spawn(scripted(slow), ask(), Start::Running);
    let mut all = Vec::new();
    while let Some(emission) = handle.emissions().blocking_recv() {
        all.push(emission);
    }
    for emission in &all {
        if let Body::Tokens(t) = &emission.record.body {
            // Whatever a loaded machine does: but for the token that closed it, a batch is younger than its limit.
            let open = t.at.iter().rev().nth(1).map_or(0.0, |last| last - t.at[0]);
            assert!(open < 0.1, "{:?}", t.at);
        }
    }
    assert!(batches(&all).len() > 5 && batches(&all).iter().any(|t| t.ids.len() > 1));
}

#[test]
fn a_dropped_handle_stops_the_session() {
    let it = ask();
    let PageSource::Page(page) = &it.page else { panic!() };
    let page = Arc::downgrade(page);
    let slow = ScriptedEngine::from_texts(&[&"on and on ".repeat(400)]).with_delay(Duration::from_millis(20));
    let handle = spawn(scripted(slow), it, Start::Running);
    std::thread::sleep(Duration::from_millis(50));
    assert!(page.upgrade().is_some());
    drop(handle);
    // 1000 tokens would take 20 seconds; the thread lets go of the page long before that.
    let deadline = Instant::now() + Duration::from_secs(10);
    while page.upgrade().is_some() {
        assert!(Instant::now() < deadline, "the session goes on without a reader");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn models_that_cannot_be_had_end_the_session() {
    let gone = crate::model::FileSource::Folder("no/such/model".into());
    let panicking: EngineMaker = Box::new(|| panic!("broken maker"));
    for (source, name, kind) in [
        (ModelSource::Load(gone.into()), "model", "model"),
        (ModelSource::Made("mine".into(), panicking), "mine", "internal"),
        (scripted(ScriptedEngine::from_texts(&[ANSWER]).panicking_at(2)), "scripted", "internal"),
    ] {
        let mut handle = spawn(source, ask(), Start::Running);
        let mut all = Vec::new();
        while let Some(emission) = handle.emissions().blocking_recv() {
            all.push(emission);
        }
        sound(&all);
        let Body::SessionStart(start) = &all[0].record.body else { panic!() };
        assert_eq!(start.model.name, name);
        let error = records(&all).into_iter().find_map(|b| if let Body::Error(e) = b { Some(e) } else { None });
        assert_eq!(error.unwrap().kind, kind);
    }
}

fn with_breakpoints(texts: &[&str]) -> Ask {
    let mut ask = ask();
    ask.debug.breakpoints = texts.iter().map(|text| text.parse().unwrap()).collect();
    ask
}

fn breaks(all: &[Emission]) -> Vec<(String, String, u64)> {
    let found = records(all).into_iter().filter_map(|b| if let Body::Break(b) = b { Some(b) } else { None });
    found.map(|b| (b.breakpoint.clone(), b.on.clone(), b.position)).collect()
}

#[test]
fn breakpoints_pause_where_they_fire_and_the_log_says_why() {
    let engine = || scripted(ScriptedEngine::from_texts(&[&good_zoom(), ANSWER]));
    let mut handle = spawn(engine(), with_breakpoints(&["zoom and iou>.9", "answer"]), Start::Running);
    let mut all = settled(&mut handle);
    assert_eq!(handle.state(), EngineState::Paused);
    let hits = breaks(&all);
    assert_eq!((hits.len(), hits[0].0.as_str()), (1, "zoom and iou>.9"));
    assert_eq!(hits[0].1, "zoom 1 [20, 100, 84, 164] · iou 1.00");
    assert_eq!(zooms(&all)[0].position, hits[0].2, "it stops before the crop enters the context");
    all.extend(command(&mut handle, Command::Run));
    all.extend(settled(&mut handle));
    let hits = breaks(&all);
    assert_eq!(hits[1].1, "answer \"reading\" (right)");
    handle.send(Command::Breakpoints(Vec::new()));
    all.extend(command(&mut handle, Command::Run));
    while let Some(emission) = handle.emissions().blocking_recv() {
        all.push(emission);
    }
    sound(&all);
    assert_eq!(breaks(&all).len(), 2);
}

#[test]
fn breakpoints_may_come_later_and_do_not_fire_on_what_was() {
    let mut handle = started(Start::Paused);
    let mut all = settled(&mut handle);
    all.extend(command(&mut handle, Command::Step(StepUnit::Token)));
    handle.send(Command::Breakpoints(vec!["text:where".parse().unwrap(), "tokens>=1".parse().unwrap()]));
    all.extend(command(&mut handle, Command::Run));
    all.extend(settled(&mut handle));
    let hits = breaks(&all);
    assert_eq!((hits.len(), hits[0].0.as_str()), (1, "text:where"), "{hits:?}");
    assert!(text_of(&all, TokenSource::Sampled).contains("where"));
}

#[test]
fn the_engine_of_an_ended_session_serves_the_next() {
    let mut first = started(Start::Running);
    let engine = first.take_engine().unwrap();
    assert!(first.take_engine().is_none());
    while first.emissions().blocking_recv().is_some() {}
    let gone = ModelSource::Made("gone".into(), Box::new(|| Err(EngineError::Misuse("not needed"))));
    let mut second = spawn(ModelSource::Warm(engine, Box::new(gone)), ask(), Start::Running);
    let mut all = Vec::new();
    while let Some(emission) = second.emissions().blocking_recv() {
        all.push(emission);
    }
    sound(&all);
    assert!(kinds(&all).contains(&"answer".to_owned()));
}
