//! Reports of made-up runs: hostile text stays text.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::analysis::{Evidence, Label};
use crate::benchmark::{Question, Task};
use crate::geometry::{PageBox, Size};
use crate::protocol::Profile;
use crate::run::{BatchInfo, BenchmarkInfo, BlobsPlace, Machine, Manifest, ProfileInfo, RunSettings};
use crate::session::SessionSummary;
use crate::trace::{ModelInfo, SegmentKind};

/// What a model, a file or a server may say.
const HOSTILE: &str = "</pre></script><script>alert(1)</script><img src=x onerror=alert(2)>\u{1b}[31m\u{202e}\"'&amp; \
                       ```\n# head\n| a | b |\n[x](javascript:alert(3)) ![y](http://example.com/z.png) <!-- --> {{7*7}} $x$";

fn manifest(name: &str, model: &str) -> Manifest {
    let profile = Profile::builtin("rarl").unwrap();
    Manifest {
        v: 1,
        run: name.into(),
        program: "panelscope 0.1.0".into(),
        started: "2026-01-02T03:04:05Z".into(),
        settings: RunSettings { model: model.into(), ..RunSettings::default() },
        benchmark: BenchmarkInfo { name: "demo".into(), hash: "ab".repeat(32), questions: 2 },
        model: ModelInfo { name: model.into(), ..ModelInfo::default() },
        profile: ProfileInfo { name: profile.name.clone(), hash: profile.hash() },
        machine: Machine { os: "linux".into(), arch: "x86_64".into(), cores: 2 },
        batch: BatchInfo::of(1, 2),
        blobs: BlobsPlace::Own,
        items: 2,
        seeds: vec![0],
        questions: vec!["q0".into(), "q1".into()],
    }
}

fn sessions(text: &str, right: [bool; 2]) -> Vec<SessionSummary> {
    let one = |(i, right): (usize, bool)| SessionSummary {
        v: 2,
        id: format!("r-{i:05}"),
        question_id: format!("q{i} {text}"),
        task: Some(Task::DepthComparison),
        family: Some(Task::DepthComparison.family()),
        right: Some(right),
        score: Some(f64::from(u8::from(right))),
        scores: [("exact".to_owned(), 1.0)].into(),
        answer: Some(text.into()),
        truth: Some(text.into()),
        resolved: true,
        label: if right { "right" } else { "looked-wrong" }.into(),
        reason: Some("answered".into()),
        answer_p: Some(0.7),
        option: Some(1),
        truth_option: Some(2),
        options: Some(2),
        targets: 1,
        zooms: 1,
        looked_right: Some(right),
        heuristic: Some(true),
        heuristic_right: Some(right),
        page: Some(format!("p{i}")),
        chance: Some(0.5),
        ..SessionSummary::default()
    };
    right.into_iter().enumerate().map(one).collect()
}

fn example(text: &str) -> Example {
    let summary = sessions(text, [false, false]).remove(0);
    Example {
        evidence: Evidence { label: Label::LookedWrong, sentence: "zoom 1 covers .04 of the target".into() },
        question: Question {
            text: text.into(),
            choices: vec![text.into()],
            truth: Some(text.into()),
            targets: vec![PageBox::new(1.0, 2.0, 30.0, 40.0)],
            ..Question::default()
        },
        pieces: vec![(SegmentKind::Think, text.into()), (SegmentKind::Answer, text.into())],
        looks: vec![
            Look {
                number: 1,
                page_box: Some(PageBox::new(f64::NAN, 0.0, 1e300, 4.0)),
                label: text.into(),
                measures: None,
                refused: None,
            },
            Look { number: 2, page_box: None, label: String::new(), measures: None, refused: Some(text.into()) },
        ],
        picture: Some(Picture {
            size: Size::new(100, 50),
            shown: Size::new(100, 50),
            jpeg: Some("AAAA".into()),
            problem: Some(text.into()),
        }),
        summary,
    }
}

fn report(text: &str) -> Report {
    let run = |name: &str, right| StudyRun {
        name: name.into(),
        dir: PathBuf::from("/nowhere"),
        manifest: manifest(name, text),
        sessions: sessions(text, right),
    };
    let options = Options { examples: 2, lines: Thresholds::default(), pictures: true };
    let mut report = Report::of(vec![run("a", [true, false]), run("b", [false, true])], &options);
    report.parts.iter_mut().for_each(|part| part.examples = vec![example(text)]);
    report
}

/// What stands in a page besides text: the names of its elements and of their attributes.
fn markup(html: &str) -> Vec<String> {
    let body = html.split_once("</style>").map_or(html, |(_, rest)| rest);
    let mut found = Vec::new();
    for tag in body.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap_or_default();
        let name = |c: char| c.is_ascii_alphanumeric() || c == '/' || c == '-';
        found.push(inside.chars().take_while(|c| name(*c)).collect());
    }
    found
}

#[test]
fn hostile_text_is_no_markup_in_html() {
    let (tame, hostile) = (report("x").write(Format::Html), report(HOSTILE).write(Format::Html));
    assert_eq!(markup(&tame), markup(&hostile), "the same elements, whatever the text");
    assert!(!hostile.contains("<script") && !hostile.contains("onerror=alert(2)>"));
    assert!(!hostile.contains('\u{1b}') && !hostile.contains('\u{202e}'));
    assert!(!hostile.contains("NaN"), "boxes that are none are drawn nowhere");
    for link in ["href=\"http", "src=\"", "url(", "@import"] {
        assert!(!tame.contains(link), "nothing is fetched: {link}");
    }
}

#[test]
fn hostile_text_is_no_markup_in_markdown() {
    let text = report(HOSTILE).write(Format::Markdown);
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = line.strip_suffix("text"),
            None => {
                let line = &line.replace("\\`", "");
                assert!(!line.contains('<') && !line.contains("](") && !line.contains('`'), "{line}");
                let cells = line.replace("\\|", "").matches('|').count();
                assert!(!line.starts_with('|') || cells > 2, "{line}");
                assert!(!line.starts_with("# ") || line == "# Report", "{line}");
            }
        }
    }
    assert_eq!(fence, None, "every fence is closed");
    assert_eq!(
        markdown::plain("a|b\n- *c* <d> [e](f) `g` \\"),
        "a\\|b - \\*c\\* &lt;d&gt; \\[e\\]\\(f\\) \\`g\\` \\\\"
    );
}

#[test]
fn a_report_says_what_its_figures_say() {
    let report = report("x");
    let json = report.to_json();
    assert_eq!(json["comparison"]["tasks"]["depth-comparison"]["only_a"], 1);
    assert_eq!(json["comparison"]["flips"].as_array().unwrap().len(), 2);
    assert_eq!(json["runs"][0]["failures"]["rows"][0]["labels"]["looked-wrong"]["count"], 1);
    assert_eq!(json["runs"][0]["figures"]["tasks"]["depth-comparison"]["n"], 2);
    assert_eq!(json["runs"][0]["examples"][0]["label"], "looked-wrong");
    let html = report.write(Format::Html);
    for said in [
        "50.0 %",
        "looked elsewhere",
        "data:image/jpeg;base64,AAAA",
        "only A right",
        "Calibration",
        "Shortcut",
        "Letters",
    ] {
        assert!(html.contains(said), "{said}");
    }
    let markdown = report.write(Format::Markdown);
    for said in ["| depth-comparison | 2 | 1 | 50.0 %", "2 questions came out differently", "#### looked-wrong"] {
        assert!(markdown.contains(said), "{said}: {markdown}");
    }
    assert_eq!(("md".parse(), "HTML".parse::<Format>().is_err()), (Ok(Format::Markdown), true));
}

#[test]
fn a_run_without_sessions_has_a_report() {
    let options = Options { examples: 2, lines: Thresholds::default(), pictures: true };
    let run = StudyRun { name: "a".into(), dir: PathBuf::new(), manifest: manifest("a", "m"), sessions: vec![] };
    let empty = Report::of(vec![run], &options);
    for format in [Format::Html, Format::Markdown, Format::Json] {
        assert!(empty.write(format).len() > 100);
    }
    assert_eq!(Report::of(vec![], &options).parts.len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_text_is_markup(text in any::<Vec<char>>().prop_map(|chars| chars.into_iter().collect::<String>())) {
        let html = report(&text).write(Format::Html);
        let elements = markup(&html);
        prop_assert!(!elements.iter().any(|name| name == "script" || name == "iframe" || name == "object"));
        let line = markdown::plain(&text);
        prop_assert!(!line.contains('\n') && !line.contains('<'));
    }
}
