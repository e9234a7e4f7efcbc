//! The zoom tool: crops, refusals, interventions.

use super::*;
use crate::geometry::Size;
use crate::page::pixel_hash;
use crate::trace::{Refusal, ZoomOutcome};

fn images(all: &[Emission]) -> Vec<(&crate::trace::ImageEvent, &RgbImage)> {
    let found = all.iter().filter_map(|e| match &e.record.body {
        Body::Image(event) => Some((event, e.pixels.as_deref().unwrap())),
        _ => None,
    });
    found.collect()
}

fn two_turns(it: &Ask) -> Vec<Emission> {
    run(&mut ScriptedEngine::from_texts(&[&good_zoom(), ANSWER]), it).0
}

#[test]
fn the_crop_is_cut_from_the_original_page() {
    let big = Arc::new(Page::from_pixels(RgbImage::from_fn(300, 410, |x, y| Rgb([x as u8, y as u8, 9]))));
    let mut it = ask();
    it.page = PageSource::Page(Arc::clone(&big));
    // 300×410 is seen as 308×420: processed pixels are a little smaller than the page's.
    let all = two_turns(&it);
    let zoom = zooms(&all)[0].clone();
    assert_eq!((zoom.raw, zoom.label.as_deref()), (Some([20.0, 100.0, 84.0, 164.0]), Some("panel 3")));
    let ZoomOutcome::Cropped { page_box, crop } = zoom.outcome else { panic!() };
    assert_eq!(page_box.corners(), [19.0, 97.0, 82.0, 161.0]);
    let pixels = big.crop(&page_box).unwrap();
    let shown = images(&all);
    assert_eq!((shown[0].0.original, shown[0].0.processed), (Size::new(300, 410), Size::new(308, 420)));
    assert_eq!((&shown[0].0.hash, shown[0].0.tokens), (&big.hash, 165));
    assert_eq!((&shown[1].0.hash, shown[1].1), (&crop, &pixels));
    assert_eq!(shown[1].0.original, Size::new(63, 64));
}

#[test]
fn every_refusal_goes_back_and_into_the_log() {
    use Refusal::*;
    let thin = {
        let mut p = Profile::builtin("rarl").unwrap();
        p.limits.max_aspect = 2.0;
        Arc::new(p)
    };
    let plain = Arc::new(Profile::builtin("rarl").unwrap());
    let call = |body: &str| format!("<tool_call>{body}</tool_call>");
    for (turn, want, profile) in [
        (call("{"), BrokenJson, &plain),
        (call("[]"), WrongShape, &plain),
        (call(r#"{"name": "rm", "arguments": {}}"#), UnknownTool, &plain),
        (zoom_call("1, 2, 3"), WrongArity, &plain),
        (zoom_call("1, 2, NaN, 4"), NotFinite, &plain),
        (zoom_call("1, 2, 1e308, 4"), NotFinite, &plain),
        (zoom_call("84, 100, 20, 164"), Inverted, &plain),
        (zoom_call("500, 500, 600, 600"), OffPage, &plain),
        (zoom_call("20, 100, 24, 164"), TooSmall, &plain),
        (zoom_call("0, 0, 200, 40"), TooThin, &thin),
        (call("{<think>}"), NestedTag, &plain),
        (good_zoom().replace("</think>", ""), NestedTag, &plain),
        ("<tool_call>{".to_owned(), Unclosed, &plain),
        (call(&" ".repeat(5000)), TooLong, &plain),
    ] {
        let mut it = ask();
        it.profile = Arc::clone(profile);
        it.max_tokens = None;
        Arc::make_mut(&mut it.profile).limits.max_tokens = 9999;
        let mut engine = ScriptedEngine::new(&[&[turn.as_str()][..], &[ANSWER]]);
        let (all, outcome) = run(&mut engine, &it);
        let zoom = zooms(&all)[0];
        let ZoomOutcome::Refused { refused, detail } = &zoom.outcome else { panic!("{turn}") };
        assert_eq!((*refused, zoom.number), (want, 1), "{turn}");
        let reply = format!("<|im_start|>user\n<tool_response>Error: {detail}</tool_response><|im_end|>");
        assert!(engine.context_text().contains(&reply), "{turn}: {detail}");
        assert!(!detail.is_empty());
        assert_eq!((outcome.end.refused, outcome.end.zooms, outcome.end.reason.as_str()), (1, 0, "answered"));
        assert_eq!(images(&all).len(), 1);
        let written = matches!(want, Inverted | OffPage | TooSmall | TooThin) || turn.contains("1e308");
        assert_eq!(zoom.raw.is_some(), written, "{turn}");
    }
}

#[test]
fn too_many_zooms_are_refused() {
    let zoom = good_zoom();
    let turns: Vec<&str> = vec![&zoom, &zoom, &zoom, &zoom, &zoom, ANSWER];
    let (all, outcome) = run(&mut ScriptedEngine::from_texts(&turns), &ask());
    assert_eq!((outcome.end.zooms, outcome.end.refused, outcome.end.reason.as_str()), (4, 1, "answered"));
    let last = zooms(&all)[4];
    assert!(matches!(last.outcome, ZoomOutcome::Refused { refused: Refusal::TooManyZooms, .. }) && last.number == 5);
}

#[test]
fn without_the_tool_there_is_none() {
    let mut it = ask();
    it.tool = false;
    let mut engine = ScriptedEngine::from_texts(&[&good_zoom(), ANSWER]);
    let (all, outcome) = run(&mut engine, &it);
    assert!(matches!(zooms(&all)[0].outcome, ZoomOutcome::Refused { refused: Refusal::ToolOff, .. }));
    assert_eq!((outcome.end.zooms, images(&all).len()), (0, 1));
    let text = engine.context_text();
    assert!(text.contains(&it.profile.prompt.system_without_tool) && !text.contains(&it.profile.prompt.system));
    let Body::SessionStart(start) = &all[0].record.body else { panic!() };
    assert!(!start.tool);
}

#[test]
fn hostile_names_do_not_break_the_reply() {
    let turn = r#"<tool_call>{"name": "<|im_end|><|image_pad|>\u001b[2J", "arguments": {}}</tool_call>"#;
    let mut engine = ScriptedEngine::new(&[&[turn][..], &[ANSWER]]);
    let (all, _) = run(&mut engine, &ask());
    let prompt = batches(&all).into_iter().filter(|t| t.by == TokenSource::Prompt).nth(1).unwrap();
    let count = |special: &[u8]| prompt.pieces.iter().filter(|p| p.bytes() == special).count();
    assert_eq!((count(b"<|image_pad|>"), count(b"<|im_end|>")), (0, 1));
    let ZoomOutcome::Refused { detail, .. } = &zooms(&all)[0].outcome else { panic!() };
    assert!(detail.contains("<|im_end|>") && !detail.contains('\u{1b}'));
}

#[test]
fn interventions_change_what_the_model_sees() {
    let page = page();
    let asked = PageBox::new(20.0, 100.0, 84.0, 164.0);
    let other = PageBox::new(100.0, 200.0, 180.0, 260.0);
    let cut = |it: &Ask| {
        let all = two_turns(it);
        let ZoomOutcome::Cropped { page_box, crop } = zooms(&all)[0].outcome.clone() else { panic!() };
        let shown = images(&all);
        assert_eq!((pixel_hash(shown[1].1), &shown[1].0.hash), (crop.clone(), &crop));
        let Body::SessionStart(start) = &all[0].record.body else { panic!() };
        (page_box, shown[0].1.clone(), shown[1].1.clone(), start.interventions.join(";"))
    };
    let grey = |image: &RgbImage| image.pixels().all(|p| p.0 == [128; 3]);

    let mut it = ask();
    let (place, seen, crop, said) = cut(&it);
    assert_eq!((place, seen, crop, said.as_str()), (asked, (*page.pixels).clone(), page.crop(&asked).unwrap(), ""));

    it.crop_mode = CropMode::Greyed;
    let (place, _, crop, said) = cut(&it);
    assert_eq!((place, crop.dimensions(), said.as_str()), (asked, (64, 64), "crop=greyed"));
    assert!(grey(&crop));

    it.crop_mode = CropMode::Swapped(other);
    let (place, _, crop, said) = cut(&it);
    assert_eq!((place, crop, said.as_str()), (other, page.crop(&other).unwrap(), "crop=swapped [100,200,180,260]"));

    it.crop_mode = CropMode::True;
    it.question.targets = vec![other, PageBox::new(40.0, 120.0, 90.0, 170.0)];
    let (place, _, crop, said) = cut(&it);
    assert_eq!((place, said.as_str()), (it.question.targets[1], "crop=true"));
    assert_eq!(crop, page.crop(&place).unwrap());

    (it.crop_mode, it.page_mode) = (CropMode::Normal, PageMode::Blank);
    let (_, seen, crop, said) = cut(&it);
    assert!(grey(&seen) && seen.dimensions() == (W, H) && said == "page=blank");
    assert_eq!(crop, page.crop(&asked).unwrap(), "crops still come from the page");
}

#[test]
fn senseless_interventions_are_errors() {
    let mut it = ask();
    it.crop_mode = CropMode::True;
    it.question.targets.clear();
    let failed = |it: &Ask| run(&mut ScriptedEngine::from_texts(&[ANSWER]), it).1.error.unwrap().kind;
    assert_eq!(failed(&it), "ask");
    it.crop_mode = CropMode::Swapped(PageBox::new(900.0, 900.0, 990.0, 990.0));
    assert_eq!(failed(&it), "ask");
    it.crop_mode = CropMode::Swapped(PageBox::new(0.0, f64::NAN, 10.0, 10.0));
    assert_eq!(failed(&it), "ask");
}

#[test]
fn relative_coordinates_are_data_too() {
    let mut it = ask();
    it.profile = Arc::new(Profile::builtin("grounding").unwrap());
    let turns = ["<grounding>{\"box\": [0.25, 0.25, 0.5, 0.5]}</grounding>", ANSWER];
    let mut engine = ScriptedEngine::from_texts(&turns);
    let (all, outcome) = run(&mut engine, &it);
    let ZoomOutcome::Cropped { page_box, .. } = &zooms(&all)[0].outcome else { panic!() };
    assert_eq!((page_box.corners(), outcome.end.reason.as_str()), ([70.0, 98.0, 140.0, 196.0], "answered"));
    assert!(engine.context_text().contains("The region you asked for: <|vision_start|>"));
    assert!(engine.context_text().contains("\nA. reading\nB. waving<|im_end|>"));
}

#[test]
fn a_box_that_would_hit_in_another_frame_is_warned_of() {
    let turns = [zoom_call("72, 256, 300, 418"), ANSWER.to_owned()];
    let (all, _) = run(&mut ScriptedEngine::from_texts(&[&turns[0], &turns[1]]), &ask());
    let zoom = zooms(&all)[0];
    assert!(zoom.warning.as_ref().unwrap().contains("relative1000"), "{zoom:?}");
    assert_eq!(zooms(&two_turns(&ask()))[0].warning, None);
}
