#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fmt::Write;

use super::axis::{Axis, Unit, told};
use super::curve::{curve, thin};
use super::read::{Run, read_lines, read_run};
use super::series::{Series, fits};
use super::{page, png, svg};

fn run(name: &str, text: &str) -> Run {
    Run { name: name.into(), curves: read_lines(text) }
}

fn series(values: impl IntoIterator<Item = f64>) -> Series {
    let mut series = Series::default();
    values.into_iter().enumerate().for_each(|(i, y)| series.push(i as f64, y));
    series
}

/// A short training by reinforcement, with a band, a hole, a number that is none, and a torn end.
fn reinforced() -> Run {
    run(
        "grpo",
        "{\"step\":1,\"stage\":\"warm\",\"reward\":1.0,\"reward_std\":0.5,\"reward_answer\":0.25,\"accuracy\":0.25,\"kl\":0.0}\n\
         {\"step\":2,\"stage\":\"warm\",\"reward\":1.5,\"reward_std\":0.25,\"reward_answer\":NaN,\"kl\":null}\n\
         no line at all\n\
         {\"step\":3,\"stage\":\"region\",\"reward\":2.0,\"reward_answer\":0.75,\"accuracy\":0.5,\"kl\":0.002,\
         \"tasks\":{\"depth\":{\"accuracy\":0.5}}}\n\
         {\"step\":4,\"rewa",
    )
}

#[test]
fn lines_become_series() {
    let curves = reinforced().curves;
    assert_eq!(curves.get("reward").unwrap().points(), [(1.0, 1.0), (2.0, 1.5), (3.0, 2.0)]);
    assert_eq!(curves.get("reward_answer").unwrap().points(), [(1.0, 0.25), (3.0, 0.75)]);
    assert_eq!(curves.get("kl").unwrap().points(), [(1.0, 0.0), (3.0, 0.002)]);
    assert_eq!(curves.get("tasks.depth.accuracy").unwrap().points(), [(3.0, 0.5)]);
    assert!(curves.get("step").is_none());
    let names: Vec<_> = curves.names().collect();
    assert_eq!(names, ["accuracy", "kl", "reward", "reward_answer", "tasks.depth.accuracy"]);
    assert_eq!(curves.stages(), [(1.0, "warm".to_owned()), (3.0, "region".to_owned())]);
}

#[test]
fn lines_may_come_twice_and_out_of_order() {
    let curves = read_lines(
        "{\"step\":3,\"x\":3}\n{\"step\":1,\"x\":1}\n{\"step\":2,\"x\":0}\n{\"step\":2,\"x\":2}\n{\"x\":9}\n{\"step\":1e999,\"x\":9}\n\
         [1]\n\"x\"\n{\"step\":4,\"x\":1e300}",
    );
    assert_eq!(curves.get("x").unwrap().points(), [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]);
}

#[test]
fn bands_are_where_widths_are() {
    let curves = reinforced().curves;
    let drawn = curve(curves.get("reward").unwrap(), curves.band("reward"), true);
    assert_eq!(drawn.band, [(1.0, 0.5, 1.5), (2.0, 1.25, 1.75)]);
    assert!(drawn.behind.is_empty() && drawn.line.len() == 3);
    assert!(curves.band("accuracy").is_none());
}

#[test]
fn long_lines_are_thinned_and_keep_their_spikes() {
    let long = series((0..50_000).map(|i| if i == 31_111 { 99.0 } else { f64::from(i % 7) }));
    let thinned = thin(long.points());
    assert!(thinned.len() <= 610, "{}", thinned.len());
    assert!(thinned.contains(&(31_111.0, 99.0)));
    assert_eq!((thinned[0].0, thinned[thinned.len() - 1].0), (0.0, 49_999.0));
    assert!(thinned.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let drawn = curve(&long, Some(&series(vec![1.0; 50_000])), true);
    assert!(drawn.line.len() <= 610 && drawn.band.len() <= 610);
    assert!(drawn.line.iter().all(|point| (2.0..4.5).contains(&point.1)), "the mean is smooth");
    assert!((drawn.band[300].2 - drawn.band[300].1 - 2.0).abs() < 1e-9);
}

#[test]
fn patterns_stand_for_one_part_of_a_name() {
    assert!(fits("tasks.*.accuracy", "tasks.depth.accuracy") && fits("reward_*", "reward_answer") && fits("kl", "kl"));
    assert!(!fits("tasks.*.accuracy", "tasks.a.b.accuracy") && !fits("reward_*", "reward_") && !fits("kl", "k"));
}

#[test]
fn axes_have_round_numbers() {
    let ticks = |axis: Axis| axis.ticks.into_iter().map(|tick| tick.1).collect::<Vec<_>>();
    assert_eq!(ticks(Axis::values(0.13, 0.71, Unit::Share)), ["0 %", "25 %", "50 %", "75 %"]);
    assert_eq!(ticks(Axis::values(0.026, 0.05, Unit::Share)), ["0 %", "2.5 %", "5.0 %"]);
    assert_eq!(ticks(Axis::values(1.02, 1.11, Unit::Number)), ["1.00", "1.05", "1.10", "1.15"]);
    assert_eq!(ticks(Axis::values(1e-5, 3e-4, Unit::Number)), ["0", "1e-4", "2e-4", "3e-4"]);
    assert_eq!(ticks(Axis::values(0.0, 1e-3, Unit::Number)), ["0", "5e-4", "1e-3"]);
    assert_eq!(ticks(Axis::values(-3.0, -2.0, Unit::Number)), ["−3.0", "−2.5", "−2.0"]);
    assert_eq!(ticks(Axis::steps(1.0, 30_000.0)), ["10k", "20k", "30k"]);
    assert_eq!(ticks(Axis::powers(0.07, 6.0)), ["0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10"]);
    assert_eq!(ticks(Axis::powers(1e-9, 1e9)).len(), 6);
}

#[test]
fn axes_bear_any_range() {
    let ends = [0.0, 1.0, -1.0, 1e100, -1e100, 1e-100, 0.5, f64::NAN, f64::INFINITY];
    for (low, high) in ends.iter().flat_map(|low| ends.map(|high| (*low, high))) {
        for axis in [
            Axis::values(low, high, Unit::Number),
            Axis::values(low, high, Unit::Share),
            Axis::steps(low, high),
            Axis::powers(low, high),
        ] {
            assert!(axis.ticks.len() <= 40, "{low} to {high}: {} ticks", axis.ticks.len());
            assert!(ends.iter().all(|value| (0.0..=1.0).contains(&axis.place(*value))));
        }
    }
    let one = Axis::values(0.3, 0.3, Unit::Number);
    assert!(one.ticks.len() >= 2 && (0.2..0.8).contains(&one.place(0.3)));
}

#[test]
fn values_are_told_shortly() {
    let told = [0.0, 0.31, 1.937, 41.23, 20_000.0, 3e-4, -0.5, 1e30].map(|value| told(value, Unit::Number));
    assert_eq!(told, ["0", "0.310", "1.94", "41.2", "20.0k", "3e-4", "−0.500", "1e30"]);
}

#[test]
fn the_page_as_svg() {
    let runs = [reinforced()];
    insta::assert_snapshot!(svg(&page(&runs, &[]).unwrap()));
}

#[test]
fn several_runs_have_a_line_each() {
    let runs = [reinforced(), run("other", "{\"step\":2,\"reward\":0.5}\n{\"step\":5,\"reward\":0.75}")];
    let page = page(&runs, &["reward".into(), "kl".into()]).unwrap();
    let drawn = svg(&page);
    assert!(drawn.contains(">other<") && drawn.contains(">grpo<") && drawn.contains(">2 trainings<"), "{drawn}");
    assert_eq!(drawn.matches("<polygon").count(), 1, "only one of them has a band");
    // Two lines of the reward, one of the distance.
    assert_eq!(drawn.matches("stroke-width=\"2\"").count(), 3);
}

#[test]
fn what_was_not_measured_is_said() {
    let runs = [reinforced()];
    let error = page(&runs, &["rewrad".into()]).unwrap_err().to_string();
    assert!(error.contains("rewrad") && error.contains("reward_answer"), "{error}");
    assert!(page(&[], &[]).is_err());
}

#[test]
fn hostile_names_stay_text() {
    let evil = "</text><script>\\u001b[2J&\\u202e\\uffff\\u0000";
    let long = "x".repeat(100_000);
    assert!(read_lines(&format!("{{\"step\":1,\"{long}\":2}}")).is_empty());
    let text = format!(
        "{{\"step\":1,\"stage\":\"{evil}\",\"{evil}\":1,\"{long}\":2}}\n{{\"step\":2,\"stage\":\"b\",\"{evil}\":2}}"
    );
    let runs = [run(&format!("<b>{long}"), &text)];
    let page = page(&runs, &[]).unwrap();
    let drawn = svg(&page);
    assert!(!drawn.contains("<script") && !drawn.contains("<b>") && drawn.contains("&lt;/text&gt;"), "{drawn}");
    assert!(drawn.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{ffff}' && c != '\u{202e}'));
    assert!(drawn.len() < 300_000, "names are cut");
    png(&page).unwrap();
}

#[test]
fn extremes_are_drawn() {
    let mut text = String::new();
    for (step, value) in [(0.0, 1e99), (1.0, -1e99), (2.0, 1e-99), (1e14, 0.0)] {
        writeln!(text, "{{\"step\":{step},\"loss\":{value},\"a\":1,\"a_std\":{value}}}").unwrap();
    }
    for runs in [[run("wide", &text)], [run("one", "{\"step\":7,\"reward\":1,\"reward_ci\":0}")], [run("none", "")]] {
        let page = page(&runs, &[]).unwrap();
        let drawn = svg(&page);
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        assert!(png(&page).unwrap().starts_with(b"\x89PNG"));
    }
}

#[test]
fn the_picture_shows_the_line() {
    let runs = [reinforced()];
    let page = page(&runs, &["accuracy".into()]).unwrap();
    let mut board = super::png::PngBoard::new(page.width, page.height, 1.0).unwrap();
    page.draw(&mut board);
    let pixels = board.pixels();
    let blue = pixels.pixels().filter(|pixel| pixel.0 == [0x00, 0x72, 0xb2]).count();
    assert!(blue > 200, "{blue}");
    let dark = pixels.pixels().filter(|pixel| pixel.0[0] < 0x50 && pixel.0[1] < 0x50).count();
    assert!(dark > 100, "letters: {dark}");
}

#[test]
fn folders_and_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("my run");
    std::fs::create_dir(&place).unwrap();
    assert!(read_run(&place).is_err());
    std::fs::write(place.join("metrics.jsonl"), b"\xff\xfe{}\n{\"step\":1,\"loss\":2}\n{\"st").unwrap();
    let run = read_run(&place).unwrap();
    assert_eq!(run.name, "my run");
    assert_eq!(read_run(&place.join("metrics.jsonl")).unwrap(), run);
    std::fs::write(place.join("metrics.jsonl"), "{}").unwrap();
    assert!(read_run(&place).unwrap_err().to_string().contains("no line"));
}
