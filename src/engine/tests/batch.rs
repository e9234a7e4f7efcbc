//! Several sessions at once against each alone.

use super::local::{loaded, model, small_ask};
use super::*;

/// Every record of each session, by the order in which the sessions were added, and how they ended.
fn run_batch(batch: &mut Batch, asks: &[Ask]) -> Vec<(Vec<Emission>, Outcome)> {
    let mut heard: Vec<(Vec<Emission>, Option<Outcome>)> = asks.iter().map(|_| (Vec::new(), None)).collect();
    let mut slots = vec![usize::MAX; batch.size()];
    let mut next = 0;
    loop {
        while batch.has_room() && next < asks.len() {
            let slot = batch.add(asks[next].clone()).unwrap();
            slots[slot] = next;
            next += 1;
        }
        if batch.running() == 0 {
            break;
        }
        let ended = batch.step(&mut |slot, emission| heard[slots[slot]].0.push(emission));
        for (slot, outcome) in ended {
            assert_eq!(heard[slots[slot]].0.last().unwrap().record.body, Body::SessionEnd(outcome.end.clone()));
            heard[slots[slot]].1 = Some(outcome);
            slots[slot] = usize::MAX;
        }
    }
    heard.into_iter().map(|(all, outcome)| (all, outcome.unwrap())).collect()
}

/// What does not depend on the clock: record types in order, and every token with the bits of its figures.
fn told(all: &[Emission]) -> (Vec<String>, Vec<(u32, Option<u32>)>) {
    let tokens = batches(all).into_iter().flat_map(|t| {
        let logprobs = t.logprob.iter().flatten().map(|l| Some(l.to_bits())).chain(std::iter::repeat(None));
        t.ids.iter().copied().zip(logprobs).collect::<Vec<_>>()
    });
    (kinds(all), tokens.collect())
}

fn batch_of(size: usize) -> Batch {
    Batch::new(model(), size, Arc::new(ImageCache::default()))
}

fn page_of(shade: u8) -> PageSource {
    let pixels = RgbImage::from_fn(56, 80, |x, y| Rgb([(x * 4) as u8, (y * 3) as u8, shade]));
    PageSource::Page(Arc::new(Page::from_pixels(pixels)))
}

#[test]
fn a_batch_tells_what_each_session_tells_alone() {
    // Sessions of different lengths, pages and seeds, more of them than slots: openings fall among decoding rows.
    let asks: Vec<Ask> = (0..20)
        .map(|i| {
            let mut it = small_ask(i);
            it.page = page_of((i % 3) as u8);
            it.max_tokens = Some(2 + (i as u32 * 7) % 17);
            it
        })
        .collect();
    let together = run_batch(&mut batch_of(5), &asks);
    let mut differing = Vec::new();
    for (index, (it, (all, outcome))) in asks.iter().zip(&together).enumerate() {
        sound(all);
        let (alone, expected) = run(&mut LocalEngine::new(model()), it);
        assert_eq!((&outcome.end.reason, outcome.end.generated), (&expected.end.reason, expected.end.generated));
        let numbers: Vec<u64> = all.iter().map(|e| e.record.seq).collect();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        let pixels = |all: &[Emission]| all.iter().filter(|e| e.pixels.is_some()).count();
        assert_eq!(pixels(all), pixels(&alone));
        if told(all) != told(&alone) {
            differing.push(index);
        }
    }
    // On processors with the kernels of small models every row is computed alone, to the bit.
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        assert_eq!(differing, Vec::<usize>::new());
    }
    assert!(differing.len() <= 2, "only the order of additions may make a difference: {differing:?}");
}

#[test]
fn the_log_states_the_size_of_the_batch() {
    let size = |all: &[Emission]| match &all[0].record.body {
        Body::SessionStart(start) => start.batch_size,
        other => panic!("{other:?}"),
    };
    assert_eq!(size(&run_batch(&mut batch_of(7), &[small_ask(1)])[0].0), 7);
    assert_eq!(size(&run_batch(&mut batch_of(1), &[small_ask(1)])[0].0), 1);
    assert_eq!(size(&run(&mut LocalEngine::new(model()), &small_ask(1)).0), 1);
    assert_eq!(Batch::new(model(), 0, Arc::default()).size(), 1, "a batch of none would never end");
}

#[test]
fn one_that_fails_does_not_disturb_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken.png");
    std::fs::write(&broken, b"\x89PNG\r\n\x1a\nnot at all").unwrap();
    let mut asks: Vec<Ask> = (0..6).map(small_ask).collect();
    asks[1].page = PageSource::File(broken);
    asks[3].sampling.temperature = f64::NAN;
    asks[4].question.text = "a question far too long for the context ".repeat(20);
    let model = loaded(1000);
    let mut batch = Batch::new(Arc::clone(&model), 6, Arc::default());
    let together = run_batch(&mut batch, &asks);
    let kind = |index: usize| together[index].1.error.as_ref().map(|e| e.kind.as_str());
    assert_eq!((kind(1), kind(3), kind(4)), (Some("page"), Some("ask"), Some("context")));
    for index in [0, 2, 5] {
        assert_eq!(kind(index), None);
        let alone = run(&mut LocalEngine::new(Arc::clone(&model)), &asks[index]).0;
        assert_eq!(ids_of(&bodies(&together[index].0)), ids_of(&bodies(&alone)), "{index}");
    }
    assert_eq!((batch.running(), batch.has_room()), (0, true));
}

fn bodies(all: &[Emission]) -> Vec<Record> {
    all.iter().map(|e| e.record.clone()).collect()
}

#[test]
fn a_context_that_fills_up_ends_one_session_only() {
    let opening = batches(&run(&mut LocalEngine::new(model()), &small_ask(1)).0)[0].ids.len() as u32;
    let model = loaded(opening + 9);
    let mut asks = vec![small_ask(1), small_ask(2)];
    asks[1].question.text.push_str("????");
    let together = run_batch(&mut Batch::new(model, 2, Arc::default()), &asks);
    let ends: Vec<(&str, u64)> = together.iter().map(|(_, o)| (o.end.reason.as_str(), o.end.generated)).collect();
    assert_eq!(ends, [("max_tokens", 9), ("max_tokens", 5)]);
}

#[test]
fn stopping_ends_what_runs() {
    let mut batch = batch_of(3);
    let mut heard = vec![Vec::new(); 3];
    // Seeds that write more than is waited for here.
    let long = |seed: &u64| run(&mut LocalEngine::new(model()), &small_ask(*seed)).1.end.generated > 6;
    for (slot, seed) in (0..).filter(long).take(3).enumerate() {
        assert_eq!(batch.add(small_ask(seed)), Some(slot));
    }
    assert_eq!((batch.add(small_ask(9)), batch.has_room(), batch.running()), (None, false, 3));
    for _ in 0..4 {
        assert!(batch.step(&mut |slot, e| heard[slot].push(e)).is_empty());
    }
    let ended = batch.stop(&mut |slot, e| heard[slot].push(e));
    assert_eq!(ended.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(), [0, 1, 2]);
    for ((_, outcome), all) in ended.iter().zip(&heard) {
        sound(all);
        assert_eq!((outcome.end.reason.as_str(), outcome.end.generated), ("stopped", 4));
        assert_eq!(outcome.score, None);
    }
    assert_eq!(batch.running(), 0);
    assert!(batch.stop(&mut |_, _| panic!("nothing runs")).is_empty());
    assert!(batch.step(&mut |_, _| panic!("nothing runs")).is_empty());
}

#[test]
fn a_page_is_encoded_once() {
    let images = Arc::new(ImageCache::default());
    let mut batch = Batch::new(model(), 4, Arc::clone(&images));
    let mut asks: Vec<Ask> = (0..8).map(small_ask).collect();
    asks[5].page = page_of(200);
    run_batch(&mut batch, &asks);
    let counts = images.counts();
    assert_eq!((counts.misses, counts.hits, counts.images), (2, 6, 2));
    // 70 tokens of the model's width each.
    let width = model().config().text.hidden;
    assert_eq!(counts.bytes, 2 * 70 * width * 4);
}

#[test]
fn the_cache_keeps_to_its_bytes_and_lets_the_oldest_go() {
    let one = 70 * model().config().text.hidden * 4;
    let images = Arc::new(ImageCache::new(2 * one));
    let ask_of = |shade: u8| Ask { page: page_of(shade), max_tokens: Some(1), ..small_ask(1) };
    let mut batch = Batch::new(model(), 1, Arc::clone(&images));
    for shade in [1, 2, 1, 3, 1, 2] {
        run_batch(&mut batch, &[ask_of(shade)]);
        assert!(images.counts().bytes <= 2 * one);
    }
    // 1 and 2 are new, 1 is there, 3 drives out 2, 1 is there, 2 is new again.
    assert_eq!((images.counts().misses, images.counts().hits), (4, 2));
    let none = Arc::new(ImageCache::new(0));
    let mut batch = Batch::new(model(), 2, Arc::clone(&none));
    assert_eq!(run_batch(&mut batch, &[ask_of(1), ask_of(1)]).len(), 2);
    assert_eq!((none.counts().misses, none.counts().images, none.counts().bytes), (2, 0, 0));
}

/// Beginnings are kept as far as their bytes go, and what a session tells does not depend on it.
#[test]
fn what_is_kept_of_beginnings_stays_below_its_bytes() {
    let asks: Vec<Ask> =
        (0..12).map(|i| Ask { page: page_of((i % 4) as u8), max_tokens: Some(3), ..small_ask(i) }).collect();
    let told_with = |most: u64| {
        let mut batch = Batch::new(model(), 3, Arc::default()).keeping(most);
        let (mut told_all, mut largest) = (Vec::new(), (0, 0));
        for three in asks.chunks(3) {
            told_all.extend(run_batch(&mut batch, three).iter().map(|(all, _)| told(all)));
            let (count, bytes) = batch.kept();
            assert!(bytes <= most, "{bytes} of {most}");
            largest = (largest.0.max(count), largest.1.max(bytes));
        }
        (told_all, largest)
    };
    let (expected, (count, bytes)) = told_with(u64::MAX);
    // The words before the page, and four pages behind them; nothing where sequences are not copied.
    assert!(count == 0 || count == 5 && bytes > 0, "{count} of {bytes} bytes");
    for most in [0, bytes / 5, bytes / 2, bytes.saturating_sub(1)] {
        let (all, (fewer, _)) = told_with(most);
        assert_eq!(all, expected, "{most}");
        assert!(fewer < count || count == 0, "{fewer} with {most}");
    }
}

#[test]
fn threads_share_what_was_encoded() {
    let images = Arc::new(ImageCache::default());
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let images = Arc::clone(&images);
            scope.spawn(move || {
                let asks: Vec<Ask> = (0..3).map(|i| small_ask(10 * thread + i)).collect();
                let ended = run_batch(&mut Batch::new(model(), 3, images), &asks);
                assert!(ended.iter().all(|(_, outcome)| outcome.error.is_none()));
            });
        }
    });
    assert_eq!((images.counts().misses, images.counts().hits), (1, 8));
}

#[test]
fn what_was_computed_ahead_is_as_if_it_was_not() {
    let mut plain = LocalEngine::new(model());
    let mut ahead = LocalEngine::new(model());
    for engine in [&mut plain, &mut ahead] {
        engine.begin(Sampling::default(), 1).unwrap();
        engine.append_tokens(&[10, 11, 12, 13]).unwrap();
    }
    let look = |engine: &mut LocalEngine| {
        let base = engine.computed();
        let logits = model().forward(&mut [engine.feed_ahead().unwrap()]).unwrap().remove(0);
        engine.set_ahead(logits, base, None);
    };
    assert_eq!(ahead.rows_ahead(), 4);
    look(&mut ahead);
    assert_eq!(ahead.rows_ahead(), 0);
    // A mark taken now leads to before the pass.
    let mark = ahead.mark();
    let first = ahead.next().unwrap();
    assert_eq!(first, plain.next().unwrap());
    look(&mut ahead);
    // Appending puts the pass off; it then takes in what was appended.
    ahead.append_tokens(&[20, 21]).unwrap();
    plain.append_tokens(&[20, 21]).unwrap();
    assert_eq!(ahead.rows_ahead(), 3);
    assert_eq!(ahead.next().unwrap(), plain.next().unwrap());
    look(&mut ahead);
    ahead.rewind(&mark).unwrap();
    assert_eq!((ahead.position(), ahead.rows_ahead()), (4, 4));
    assert_eq!(ahead.next().unwrap(), first);
    look(&mut ahead);
    assert_eq!(ahead.force(30).unwrap().id, 30);
    ahead.begin(Sampling::default(), 1).unwrap();
    assert_eq!((ahead.rows_ahead(), ahead.computed()), (0, 0));
}
