//! What must hold of every drawn page, and the balance that keeps answers from being guessed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use super::arcs::{self, Spot};
use super::balloon::WORDS;
use super::canvas::{Area, Canvas, PAPER};
use super::layout::draw_layout;
use super::world::*;
use super::{dice, draw_page, page_truth};
use crate::geometry::{PageBox, Size, intersection};

/// blake3 of the pixels of pages 1 and 2 at every difficulty: they change with `WORLD_VERSION`, or not at all.
const PINNED: [[&str; 2]; 3] = [
    ["9f09817bce5d275a", "395827932600078f"],
    ["e49dd9767a6914f7", "34e2ded3b0c4c43c"],
    ["04a96a186df174b2", "205e2c449db441e6"],
];

fn truths(difficulty: Difficulty, count: u64) -> impl Iterator<Item = PageTruth> {
    (0..count).map(move |seed| page_truth(seed, difficulty))
}

fn all_panels(count: u64) -> impl Iterator<Item = (Difficulty, PanelTruth)> {
    let pages = Difficulty::ALL.into_iter().flat_map(move |d| truths(d, count));
    pages.flat_map(|page| page.panels.into_iter().map(move |p| (page.difficulty, p)))
}

fn scenes(difficulty: Difficulty, scene: Scene, pages: u64) -> impl Iterator<Item = PanelTruth> {
    truths(difficulty, pages).flat_map(|p| p.panels).filter(move |p| p.scene == scene)
}

fn holds(outer: &PageBox, inner: &PageBox) -> bool {
    outer.x1 <= inner.x1 && outer.y1 <= inner.y1 && inner.x2 <= outer.x2 && inner.y2 <= outer.y2 && inner.area() > 0.0
}

/// Whether counts are what even chances give: chi-square below about its 99.9th percentile.
fn even(counts: &[usize]) -> bool {
    let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    let off: f64 = counts.iter().map(|c| (*c as f64 - mean).powi(2) / mean).sum();
    let freedom = counts.len() as f64 - 1.0;
    off < freedom + 3.3 * (2.0 * freedom).sqrt() + 4.0
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let hashes = Difficulty::ALL.map(|d| {
        [1, 2].map(|seed| {
            let page = draw_page(seed, d);
            assert_eq!((page.pixels.width(), page.pixels.height()), (PAGE_SIZE.w, PAGE_SIZE.h));
            blake3::hash(page.pixels.as_raw()).to_hex()[..16].to_owned()
        })
    });
    assert_eq!(hashes, PINNED.map(|p| p.map(str::to_owned)));
    assert_eq!(draw_page(9, Difficulty::Hard).pixels, draw_page(9, Difficulty::Hard).pixels);
}

#[test]
fn truth_needs_no_pixels() {
    for difficulty in Difficulty::ALL {
        for seed in (0..6).chain([u64::MAX, 1 << 40]) {
            assert_eq!(draw_page(seed, difficulty).truth, page_truth(seed, difficulty), "{seed} {difficulty:?}");
        }
    }
}

#[test]
fn everything_lies_in_its_panel_and_panels_on_the_page() {
    let whole = PageBox::new(0.0, 0.0, PAGE_SIZE.w.into(), PAGE_SIZE.h.into());
    for difficulty in Difficulty::ALL {
        for page in truths(difficulty, 500) {
            for (i, p) in page.panels.iter().enumerate() {
                assert_eq!(p.number as usize, i + 1);
                assert!(holds(&whole, &p.bounds));
                assert!(page.panels[..i].iter().all(|o| intersection(&o.bounds, &p.bounds) == 0.0));
                assert!(p.figures.iter().all(|f| holds(&p.bounds, &f.bounds)), "{} {p:?}", page.name());
                assert!(p.balloons.iter().all(|b| holds(&p.bounds, &b.bounds)), "{} {p:?}", page.name());
                assert!(p.sound.iter().all(|s| holds(&p.bounds, &s.1)), "{} {p:?}", page.name());
            }
        }
    }
}

#[test]
fn balloons_and_sounds_cover_nobody_and_each_other_never() {
    let (mut spoken, mut heard) = (0, 0);
    for (difficulty, p) in all_panels(400) {
        let figures = || p.figures.iter().map(|f| &f.bounds);
        for (i, b) in p.balloons.iter().enumerate() {
            spoken += 1;
            assert!(figures().all(|f| intersection(f, &b.bounds) == 0.0), "{difficulty:?} {p:?}");
            assert!(p.balloons[..i].iter().all(|o| intersection(&o.bounds, &b.bounds) == 0.0), "{p:?}");
            assert!(p.figures.iter().any(|f| f.figure == b.speaker));
        }
        if let Some((_, area, letter)) = &p.sound {
            heard += 1;
            assert!(*letter >= 18.0);
            assert!(figures().chain(p.balloons.iter().map(|b| &b.bounds)).all(|o| intersection(o, area) == 0.0));
        }
    }
    assert!(spoken > 4000 && heard > 400, "{spoken} {heard}");
}

#[test]
fn the_order_of_balloons_is_beyond_doubt() {
    for (difficulty, p) in all_panels(400).filter(|(_, p)| p.scene == Scene::Talk) {
        let counts = match difficulty {
            Difficulty::Easy => 2..=3,
            Difficulty::Medium => 3..=4,
            Difficulty::Hard => 4..=5,
        };
        assert!(counts.contains(&p.balloons.len()), "{difficulty:?} {}", p.balloons.len());
        let words: BTreeSet<_> = p.balloons.iter().map(|b| &b.text).collect();
        assert_eq!(words.len(), p.balloons.len());
        for pair in p.balloons.windows(2) {
            let [a, b] = [pair[0].bounds, pair[1].bounds];
            let (above, half) = ((b.y1 + b.y2 - a.y1 - a.y2) / 2.0, a.height() / 2.0);
            assert!(above >= half || (above.abs() < 0.5 && a.x2 < b.x1), "{difficulty:?} {p:?}");
        }
    }
}

#[test]
fn both_figures_begin_and_end_talks_equally_often() {
    for difficulty in Difficulty::ALL {
        let (mut first, mut talks) = (0, 0);
        for p in scenes(difficulty, Scene::Talk, 600) {
            talks += 1;
            first += usize::from(p.balloons[0].speaker == p.figures[0].figure);
        }
        let share = first as f64 / talks as f64;
        assert!((share - 0.5).abs() < 0.06, "{difficulty:?} {share} of {talks}");
    }
}

#[test]
fn words_are_many_and_none_is_part_of_another() {
    assert!(WORDS.len() >= 24);
    for (i, word) in WORDS.iter().enumerate() {
        assert!(WORDS.iter().enumerate().all(|(j, other)| i == j || !other.contains(word)), "{word}");
    }
}

#[test]
fn stories_are_whole_and_their_order_is_uniform() {
    for difficulty in Difficulty::ALL {
        let (mut orders, mut stories, mut pages) = (BTreeMap::new(), BTreeMap::new(), 0);
        for page in truths(difficulty, 2000) {
            let panels: Vec<_> = page.panels.iter().filter(|p| p.beat.is_some()).collect();
            let Some(first) = panels.first() else { continue };
            pages += 1;
            let beats: Vec<_> = panels.iter().map(|p| p.beat.clone().unwrap()).collect();
            let steps = beats.len() as u32;
            let allowed = match difficulty {
                Difficulty::Easy => 3..=3,
                Difficulty::Medium => 4..=4,
                Difficulty::Hard => 5..=6,
            };
            assert!(allowed.contains(&steps));
            let order: Vec<u32> = beats.iter().map(|b| b.step).collect();
            assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), (0..steps).collect());
            assert!(beats.iter().map(|b| b.label).eq(('A'..='Z').take(beats.len())));
            for p in &panels {
                assert_eq!(p.beat.as_ref().unwrap().arc, beats[0].arc);
                assert_eq!((p.place, p.figures.len(), p.figures[0].figure), (first.place, 1, first.figures[0].figure));
                assert_eq!((p.scene, p.balloons.len(), p.sound), (Scene::Beat, 0, None));
                let side = if difficulty == Difficulty::Easy { 68.0 } else { 32.0 };
                let corner = PageBox::new(p.bounds.x1, p.bounds.y1, p.bounds.x1 + side, p.bounds.y1 + side);
                assert_eq!(intersection(&corner, &p.figures[0].bounds), 0.0, "{} {p:?}", page.name());
            }
            *stories.entry(format!("{:?}", beats[0].arc)).or_insert(0) += 1;
            // Longer orders are too many to count: which moment comes first stands for them.
            let kind = if steps < 5 { order } else { vec![steps, order[0]] };
            *orders.entry(kind).or_insert(0) += 1;
        }
        let told: Vec<usize> = stories.values().copied().collect();
        assert!(told.len() == Arc::ALL.len() && even(&told), "{difficulty:?} {stories:?}");
        for steps in [3, 4] {
            let seen: Vec<usize> = orders.iter().filter(|(o, _)| o.len() == steps).map(|(_, n)| *n).collect();
            let all = (1..=steps).product::<usize>();
            assert!(seen.is_empty() || (seen.len() == all && even(&seen)), "{difficulty:?} {orders:?}");
        }
        for steps in [5, 6] {
            let first: Vec<usize> =
                orders.iter().filter(|(o, _)| o.len() == 2 && o[0] == steps).map(|(_, n)| *n).collect();
            assert!(first.is_empty() || (first.len() == steps as usize && even(&first)), "{difficulty:?} {orders:?}");
        }
        let share = f64::from(pages) / 2000.0;
        assert!((0.4..0.65).contains(&share), "{difficulty:?} {share}");
    }
}

/// Pixels of one moment that differ from blank paper, and the moment.
fn moment(arc: Arc, step: u32, steps: u32) -> (usize, Vec<u8>) {
    let size = Size::new(120, 120);
    let mut canvas = Canvas::page(size, PAPER, Style::ClearLine);
    arcs::draw_moment(&mut canvas, arc, step, steps, &Spot { x: 60.0, base: 112.0, size: 100.0 });
    let pixels = canvas.into_image(size).into_raw();
    let inked = pixels.chunks(3).filter(|p| **p != [PAPER.0, PAPER.1, PAPER.2]).count();
    (inked, pixels)
}

#[test]
fn moments_of_a_story_can_be_told_apart() {
    for arc in Arc::ALL {
        for steps in 3..=6 {
            let moments: Vec<_> = (0..steps).map(|step| moment(arc, step, steps)).collect();
            for (i, (_, a)) in moments.iter().enumerate() {
                for (_, b) in &moments[..i] {
                    let other = a.chunks(3).zip(b.chunks(3)).filter(|(p, q)| p != q).count();
                    assert!(other > 150, "{arc:?} {i} of {steps}: {other} pixels");
                }
            }
            let inked: Vec<usize> = moments.iter().map(|m| m.0).collect();
            // All but the burst, the smoke and what the white of a plate hides grow or shrink step by step.
            let (grows, compared) = match arc {
                Arc::Plant | Arc::House => (true, &inked[..]),
                Arc::Balloon => (true, &inked[..inked.len() - 1]),
                Arc::Candle => (false, &inked[..inked.len() - 1]),
                Arc::Snowman | Arc::Pizza => continue,
            };
            assert!(compared.windows(2).all(|w| (w[0] < w[1]) == grows), "{arc:?} {inked:?}");
        }
    }
}

#[test]
fn counts_are_uniform_and_do_not_show_in_sizes() {
    for (difficulty, most) in [(Difficulty::Easy, 5), (Difficulty::Medium, 6), (Difficulty::Hard, 8)] {
        let mut by_count = vec![Vec::new(); most];
        for p in scenes(difficulty, Scene::Crowd, 2000) {
            assert!(p.balloons.is_empty() && p.sound.is_none());
            let who: BTreeSet<_> = p.figures.iter().map(|f| f.figure).collect();
            assert_eq!(who.len(), p.figures.len());
            assert!(p.figures.iter().all(|f| f.height == p.figures[0].height));
            by_count[p.figures.len() - 1].push((f64::from(p.figures[0].height), p.bounds.area()));
        }
        let counts: Vec<usize> = by_count.iter().map(Vec::len).collect();
        assert!(even(&counts), "{difficulty:?} {counts:?}");
        let mean = |panels: &[(f64, f64)], part: fn(&(f64, f64)) -> f64| {
            panels.iter().map(part).sum::<f64>() / panels.len() as f64
        };
        type Part = fn(&(f64, f64)) -> f64;
        let parts: [(Part, f64); 2] = [(|p| p.0, 0.02), (|p| p.1, 0.06)];
        for (part, most_off) in parts {
            let all = mean(&by_count.concat(), part);
            for panels in &by_count {
                let off = mean(panels, part) / all - 1.0;
                assert!(off.abs() < most_off, "{difficulty:?} {off}");
            }
        }
    }
}

#[test]
fn counted_figures_can_be_seen() {
    let mut hidden = 0;
    for (difficulty, p) in all_panels(700).filter(|(_, p)| p.scene == Scene::Crowd) {
        for (i, f) in p.figures.iter().enumerate() {
            assert!(f.visible >= 0.4, "{difficulty:?} {p:?}");
            hidden += usize::from(f.visible < 0.9);
            if difficulty == Difficulty::Easy {
                assert_eq!(f.visible, 1.0);
                let apart = |o: &FigureTruth| intersection(&o.bounds, &f.bounds) < 0.05 * f.bounds.area();
                assert!(p.figures[..i].iter().all(apart), "{p:?}");
            }
        }
    }
    assert!(hidden > 500, "{hidden}");
}

#[test]
fn the_nearer_one_stands_higher_in_half_of_the_panels() {
    for difficulty in Difficulty::ALL {
        let (mut higher, mut left, mut all, mut overlapping) = (0, 0, 0, 0);
        for p in scenes(difficulty, Scene::Depth, 900) {
            let near = p.figures.iter().max_by_key(|f| f.depth).unwrap();
            let far = p.figures.iter().min_by_key(|f| f.depth).unwrap();
            assert!(near.height > far.height * 1.1 && near.visible >= far.visible && far.visible > 0.4, "{p:?}");
            let depths: BTreeSet<_> = p.figures.iter().map(|f| f.depth).collect();
            assert_eq!(depths, (0..p.figures.len() as u32).collect());
            all += 1;
            higher += usize::from(near.feet < far.feet);
            left += usize::from(p.figures[0].figure == near.figure);
            overlapping += usize::from(far.visible < 1.0);
            if difficulty == Difficulty::Easy {
                assert_eq!((near.figure, p.figures.len()), (far.figure.twin(), 2));
            }
        }
        let share = |n: usize| n as f64 / f64::from(all);
        assert!((share(higher) - 0.5).abs() < 0.04, "{difficulty:?} {} of {all}", share(higher));
        if difficulty == Difficulty::Hard {
            assert!((0.36..0.52).contains(&share(left)), "{}", share(left));
        } else {
            assert!((share(left) - 0.5).abs() < 0.04, "{difficulty:?} {}", share(left));
        }
        assert!(difficulty == Difficulty::Easy || share(overlapping) > 0.3, "{difficulty:?} {}", share(overlapping));
    }
}

#[test]
fn easy_panels_look_as_models_learnt_them() {
    for p in scenes(Difficulty::Easy, Scene::Lone, 300) {
        let [f] = &p.figures[..] else { panic!("{p:?}") };
        assert!((107.0..117.0).contains(&f.height) && f.depth == 1);
        assert!(p.balloons.len() + usize::from(p.sound.is_some()) <= 1);
    }
    for p in scenes(Difficulty::Easy, Scene::Depth, 300) {
        for f in &p.figures {
            let scale = if f.depth == 1 { 1.12 } else { 0.72 };
            assert!((0.95..1.05).contains(&(f.height / 112.0 / scale)), "{p:?}");
        }
        assert!(p.balloons.iter().all(|b| b.letter == 18.0 && WORDS[..12].contains(&b.text.as_str())));
    }
}

#[test]
fn every_page_has_the_scenes_that_are_asked_about() {
    for difficulty in Difficulty::ALL {
        let needed: &[Scene] = match difficulty {
            Difficulty::Easy => &[Scene::Lone, Scene::Depth],
            _ => &[Scene::Lone, Scene::Depth, Scene::Crowd, Scene::Talk],
        };
        for page in truths(difficulty, 500) {
            assert!(needed.iter().all(|s| page.panels.iter().any(|p| p.scene == *s)), "{}", page.name());
        }
    }
}

#[test]
fn figures_recur_and_everybody_plays() {
    for difficulty in Difficulty::ALL {
        let (mut recurring, mut on_pages, mut shown) = (0, 0, [0; 8]);
        for page in truths(difficulty, 300) {
            for figure in Figure::ALL {
                let panels = page.panels.iter().filter(|p| p.figures.iter().any(|f| f.figure == figure)).count();
                on_pages += usize::from(panels > 0);
                recurring += usize::from(panels > 1);
                shown[figure.index()] += panels;
            }
        }
        assert!(recurring * 10 > on_pages * 6, "{difficulty:?} {recurring} of {on_pages}");
        let (least, most) = (shown.iter().min().unwrap(), shown.iter().max().unwrap());
        assert!(most * 10 < least * 13, "{difficulty:?} {shown:?}");
    }
}

#[test]
fn grids_styles_places_and_sounds_are_many() {
    let (mut grids, mut styles, mut places, mut sounds) =
        (BTreeSet::new(), BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    for difficulty in Difficulty::ALL {
        for seed in 0..300 {
            let layout = draw_layout(&mut dice(seed, "grids"), difficulty);
            grids.insert((difficulty, layout.rows, layout.title.is_some()));
            let page = page_truth(seed, difficulty);
            *styles.entry((difficulty, page.style)).or_insert(0) += 1;
            for p in page.panels {
                *places.entry((difficulty, p.place)).or_insert(0) += 1;
                sounds.extend(p.sound.map(|s| s.0));
            }
        }
    }
    let of = |d: Difficulty| grids.iter().filter(|g| g.0 == d).count();
    assert!(of(Difficulty::Easy) == 3 && of(Difficulty::Medium) >= 6 && of(Difficulty::Hard) >= 6, "{grids:?}");
    assert!(styles.keys().filter(|k| k.0 == Difficulty::Easy).all(|k| k.1 == Style::ClearLine));
    assert!(styles.iter().filter(|(k, _)| k.0 != Difficulty::Easy).all(|(_, n)| (70..130).contains(n)), "{styles:?}");
    assert!(places.len() == 12 && sounds.len() == Sound::ALL.len(), "{places:?} {sounds:?}");
}

#[test]
fn black_and_white_has_no_colour_and_three_styles_differ() {
    let mut seen = BTreeSet::new();
    for seed in 0..40 {
        let style = page_truth(seed, Difficulty::Medium).style;
        if !seen.insert(style) {
            continue;
        }
        let page = draw_page(seed, Difficulty::Medium);
        let coloured =
            page.pixels.pixels().filter(|p| p.0.iter().max().unwrap() - p.0.iter().min().unwrap() > 8).count();
        assert_eq!(coloured > 0, style == Style::ClearLine, "{seed} {style:?}: {coloured}");
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_board_without_pixels_measures_the_same() {
    let draw = |canvas: &mut Canvas| {
        canvas.start_bounds();
        canvas.ellipse((50.0, 50.0), 10.0, 20.0, PAPER, 2.0);
        canvas.line(&[(1.0, 60.0), (30.0, 60.0)], PAPER, 4.0);
        canvas.take_bounds()
    };
    let inked = draw(&mut Canvas::page(Size::new(100, 100), PAPER, Style::ClearLine));
    assert_eq!(inked, Area::new(-1.0, 29.0, 61.0, 71.0));
    assert_eq!(draw(&mut Canvas::measuring()), inked);
}
