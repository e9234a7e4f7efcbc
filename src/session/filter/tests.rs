#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::benchmark::{AnswerForm, Family, Task};
use crate::session::{NOTED_LABELS, Noted, NotedLabel};
use crate::trace::Parent;

fn filter(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|e| unreachable!("{e}"))
}

fn one() -> SessionSummary {
    SessionSummary {
        id: "20260102-030405-abcdef".into(),
        run: Some("rarl-easy".into()),
        started: "2026-01-02T03:04:05Z".into(),
        model: "demo-rarl".into(),
        question_id: "s91-depth".into(),
        task: Some(Task::DepthComparison),
        family: Some(Family::Depth),
        right: Some(false),
        score: Some(0.5),
        answer: Some("The Sea".into()),
        truth: Some("Bo".into()),
        zooms: 3,
        coverage: Some(0.25),
        label: "looked-wrong".into(),
        reason: Some("answered".into()),
        generated: 120,
        tool: true,
        interventions: vec!["grey".into()],
        noted: Some(Noted {
            label: Some(NotedLabel { label: "truth-doubtful".into(), by: "Ann B".into(), ..NotedLabel::default() }),
            tags: vec!["hats".into(), "to-show".into()],
            notes: 2,
        }),
        ..SessionSummary::default()
    }
}

#[test]
fn fields_words_and_their_combinations() {
    let s = one();
    for text in [
        "",
        "label:truth-doubtful auto:looked-wrong",
        "family:depth task:depth-comparison verdict:partly",
        "run:rarl-* model:*-rarl model:DEMO-RARL",
        "answer:sea answer:=\"the sea\" answer:t*a truth:bo",
        "score:0.5 score:>=.5 score:0.2..0.8 score:..1 score:0.5.. score<=.5 zooms≥3 zooms:1,3",
        "coverage:* iou:none -iou:* page:none,x",
        "right:no tool:yes resolved:false fork:no",
        "started:2026 started:2026-01-02 started:>=2026-01-02 started:<=2026-01-02 started:<2026-02 -started:>2026-01-02",
        "tag:hats tag:to-* -tag:to tag:x,hats intervention:grey by:\"ann b\" notes:2",
        "depth demo hats doub \"the sea\"",
        "-(label:right or verdict:right) and not family:tracking",
        "label:right or zooms:3 label:truth-doubtful",
        "-\"sea the\" -xea -text:sea",
        "(((hats)))",
    ] {
        assert!(filter(text).matches(&s), "{text}");
        let again = filter(&filter(text).to_string());
        assert_eq!(again, filter(text), "{text} → {again}");
    }
    for text in [
        "label:looked-wrong",
        "answer:=sea",
        "zooms:>3",
        "coverage:<.25",
        "iou:<1",
        "-iou:none",
        "text:sea",
        "rarl-x",
        "label:right or zooms:2",
    ] {
        assert!(!filter(text).matches(&s), "{text}");
    }
}

#[test]
fn full_text_is_asked_only_where_it_matters() {
    let s = one();
    let text = || Some(join_texts(["Who wears the Red Hat?", "I see 帽子 there.", "Pip"]));
    for wanted in
        ["text:\"red hat\"", "text:red-ha", "red-ha", "text:帽", "pip", "text:who -text:pap", "-text:\"hat i\""]
    {
        assert!(filter(wanted).matches_with(&s, &text), "{wanted}");
    }
    for wanted in ["text:\"red ha\"", "text:\"hat red\"", "text:demo", "text:\"there pip\""] {
        assert!(!filter(wanted).matches_with(&s, &text), "{wanted}");
    }
    let never = || unreachable!();
    assert!(filter("depth or text:x").matches_with(&s, &never));
    assert!(!filter("zooms:9 text:x").matches_with(&s, &never));
    assert!(filter("a or zooms:1").needs_text() && !filter("zooms:1 -label:right").needs_text());
    assert!(filter(" ").is_empty() && !filter("a").is_empty() && Filter::default() == filter(""));
}

#[test]
fn faults_say_where_and_what() {
    for (text, column, part) in [
        ("lable:wrong", 1, "there is no field \"lable\"; did you mean label?"),
        ("é lable:wrong", 3, "did you mean label?"),
        ("label:loked-wrong", 7, "did you mean looked-wrong?"),
        ("label:", 7, "expected a value, such as label:looked-wrong"),
        ("label: wrong", 7, "expected a value"),
        ("family:x", 8, "there are depth, tracking"),
        ("zooms:many", 7, "zooms is a number, such as zooms:>=2"),
        ("zooms:1,", 9, "expected a value"),
        ("zooms:nan", 7, "is a number"),
        ("score:..", 7, "is a number"),
        ("right:maybe", 7, "right is yes or no"),
        ("label:>x", 7, "label is no number"),
        ("started:yesterday", 9, "begins with its year"),
        ("started:>=2026-13-45", 9, "there is no month 13"),
        ("started:2026-02-30", 9, "there is no day 30 in 2026-02"),
        ("right:yes started:2026-01..2026-02", 19, "started:>=2026-01-02 started:<=2026-02"),
        ("coverage:0.9..0.1", 10, "from 0.9 to 0.1; the smaller stands first: 0.1..0.9"),
        ("answer:\"\"", 8, "the value is empty; answer:none"),
        ("answer:\"x", 8, "is not closed"),
        ("(zooms:1", 1, "is not closed"),
        ("zooms:1)", 8, "closes nothing"),
        ("()", 2, "expected a word or field:value"),
        ("zooms:1 or", 11, "expected a word or field:value"),
        ("- x", 2, "expected what is not wanted"),
        ("?!", 1, "no letter or digit"),
        ("a and and", 7, "put it in quotes"),
        ("<3", 1, "expected a field before this"),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert_eq!((error.column, error.message.contains(part)), (column, true), "{text}: {error}");
    }
    assert!(Filter::parse(&"(".repeat(400)).unwrap_err().message.contains("deep"));
    assert!(Filter::parse(&"-".repeat(400)).unwrap_err().message.contains("deep"));
    assert!(Filter::parse(&"a or ".repeat(300)).unwrap_err().message.contains("1000 bytes"));
    assert!(Filter::parse("\x1b[31m:x").unwrap_err().to_string().chars().all(|c| c != '\x1b'));
}

#[test]
fn what_can_be_typed_is_offered() {
    let offered = |text: &str| complete(text, text.len()).into_iter().map(|c| c.insert).collect::<Vec<_>>();
    assert_eq!(offered("lab"), ["label:"]);
    assert_eq!(offered("x -(verd"), ["verdict:"]);
    assert_eq!(offered("label:looked"), ["looked-wrong", "looked-right-answered-wrong"]);
    assert_eq!(offered("label:wrong,trut"), ["truth-doubtful"]);
    assert_eq!(offered("right:"), ["yes", "no"]);
    assert_eq!(offered("nothing:"), Vec::<String>::new());
    assert_eq!(offered("\"lab"), Vec::<String>::new());
    assert_eq!(offered("").len(), fields().len() + 1);
    let values = |field: &Field| if field.name == "model" { vec!["a b".to_owned(), "c".to_owned()] } else { vec![] };
    let found = complete_with("x model:a", 9, &values);
    assert_eq!((found[0].from, found[0].to, found[0].insert.as_str()), (8, 9, "\"a b\""));
    assert!(complete("é", 1).is_empty(), "not between characters");
}

#[test]
fn every_field_has_a_row_an_example_and_a_place_in_the_manual() {
    let manual = include_str!("../../../docs/FILTERS.md");
    for field in fields() {
        let row = format!("| `{}` | {} | {} | `{}` |", field.name, field.kind.name(), field.meaning, field.example);
        assert!(manual.contains(&row), "docs/FILTERS.md lacks: {row}");
        let Node::Test(test) = filter(field.example).node else { unreachable!("{}", field.example) };
        assert_eq!(test.field, field);
        assert_eq!(fields().iter().filter(|f| f.name == field.name).count(), 1);
    }
    let Kind::Word(labels) = fields()[0].kind else { unreachable!() };
    assert!(NOTED_LABELS.iter().all(|label| labels.contains(label)));
    let named = |name: &str| fields().iter().find(|f| f.name == name).unwrap().kind;
    let known = |name: &str| if let Kind::Word(known) = named(name) { known } else { &[] };
    assert_eq!(known("task"), Task::ALL.map(Task::name));
    assert_eq!(known("family"), Family::ALL.map(Family::name));
}

/// Values that occur, so that filters and summaries meet.
const NAMES: [&str; 8] = ["a", "depth", "The Sea", "none", "x*y", "Ünï 帽子", "100%_", "wrong"];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => proptest::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => "\\PC{0,6}", 1 => any::<String>()]
}

fn maybe<T: std::fmt::Debug + Clone>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(of)
}

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(0.5), Just(1.0), Just(2.0), -1.0..3.0, Just(1e300), Just(f64::MIN_POSITIVE)]
}

/// Any summary a file could hold.
pub(in crate::session) fn any_summary() -> impl Strategy<Value = SessionSummary> {
    let texts = (maybe(name()), name(), maybe(name()), maybe(name()), maybe(name()), name(), maybe(name()));
    let flags = (maybe(any::<bool>()), maybe(any::<bool>()), any::<bool>(), any::<bool>());
    let figures = (maybe(figure()), maybe(figure()), maybe(figure()), 0u32..4, any::<u64>(), figure());
    let kinds = (maybe(proptest::sample::select(&Task::ALL[..])), maybe(proptest::sample::select(&Family::ALL[..])));
    let noted = (maybe(name()), proptest::collection::vec(name(), 0..3), 0u32..2, maybe(name()));
    (texts, flags, figures, kinds, noted, proptest::collection::vec(name(), 0..3)).prop_map(
        |(
            t,
            (right, needed, tool, resolved),
            (score, coverage, iou, zooms, seed, seconds),
            (task, family),
            n,
            more,
        )| {
            let noted = Noted {
                label: n.0.map(|label| NotedLabel { label, by: "Ann".into(), ..NotedLabel::default() }),
                tags: n.1,
                notes: n.2,
            };
            SessionSummary {
                id: "a".into(),
                run: t.0,
                model: t.1,
                answer: t.2,
                truth: t.3,
                reason: t.4,
                label: t.5,
                parent: t.6.map(|session| Parent { session, position: 1, edit: "depth".into(), change: None }),
                started: ["2026-01-02T03:04:05Z", "2025-12-31", "depth", ""][zooms as usize].into(),
                form: AnswerForm::Free,
                right,
                zoom_needed: needed,
                tool,
                resolved,
                score,
                coverage,
                iou,
                zooms,
                seed,
                margin: iou,
                seconds,
                task,
                family,
                noted: (noted != Noted::default()).then_some(noted),
                interventions: more,
                ..SessionSummary::default()
            }
        },
    )
}

/// Pieces of filters, most of them right.
pub(in crate::session) fn any_filter_text() -> impl Strategy<Value = String> {
    let text = proptest::sample::select(
        &["run", "model", "answer", "truth", "tag", "intervention", "label", "ended", "parent", "id"][..],
    );
    let value = prop_oneof![
        "[a-z]{1,2}",
        Just("*".to_owned()),
        Just("none".to_owned()),
        Just("d*h".to_owned()),
        Just("*a*".to_owned()),
        name().prop_map(|n| format!("\"{}\"", n.replace('\\', "\\\\").replace('"', "\\\""))),
    ];
    let figure =
        proptest::sample::select(&["score", "coverage", "iou", "zooms", "seed", "seconds", "notes", "margin"][..]);
    let number =
        proptest::sample::select(&["0", ">=1", "<0.5", "0..1", "none", "*", ">1e15", "<=2", "1,2", "..0.5"][..]);
    let leaf = prop_oneof![
        (text, value).prop_map(|(f, v)| format!("{f}:{v}")),
        (figure, number).prop_map(|(f, v)| format!("{f}:{v}")),
        proptest::sample::select(
            &[
                "right:yes",
                "right:none",
                "tool:no",
                "fork:yes",
                "zoom-needed:*",
                "started:2026",
                "started:>2025",
                "started:<=2025-12",
                "started:none",
                "family:depth,tracking",
                "family:none",
                "verdict:right,wrong",
                "depth",
                "sea",
                "\"the sea\"",
                "帽",
                "text:red",
                "text:\"red hat\"",
                "wro"
            ][..]
        )
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|f| format!("-({f})")),
            proptest::collection::vec(inner.clone(), 1..3).prop_map(|all| format!("({})", all.join(" or "))),
            proptest::collection::vec(inner, 1..3).prop_map(|all| all.join(" ")),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}", any in any::<String>(), cursor in 0usize..60) {
        let _ = (Filter::parse(&text), Filter::parse(&any));
        let _ = (complete(&text, cursor), complete(&any, cursor));
    }

    #[test]
    fn any_row_of_words_is_read_or_refused(words in proptest::collection::vec(
        prop_oneof!["zooms", "and", "or", "not", "-", "<", "\\(", "\\)", "\"", ":", "label", "1", "\\*", ",", "none", "\\.\\.", " "], 0..20)
    ) {
        if let Ok(filter) = Filter::parse(&words.concat()) {
            let _ = filter.matches(&one());
            prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(text in any_filter_text(), s in any_summary()) {
        if let Ok(filter) = Filter::parse(&text) {
            let printed = filter.to_string();
            if printed.len() <= MAX_FILTER {
                let again = Filter::parse(&printed);
                prop_assert_eq!(again.as_ref(), Ok(&filter), "{} → {}", text, printed);
                prop_assert_eq!(again.unwrap().matches(&s), filter.matches(&s));
            }
        }
    }

    #[test]
    fn what_is_offered_can_be_taken(text in "[a-z:,\" (é-]{0,12}") {
        for completion in complete(&text, text.len()) {
            prop_assert!(completion.from <= completion.to && completion.to == text.len());
            prop_assert!(text.is_char_boundary(completion.from));
        }
    }
}
