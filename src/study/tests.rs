//! Figures of made-up sessions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::analysis::{Label, Thresholds};
use crate::benchmark::{AnswerForm, Family, Task};
use crate::session::SessionSummary;

fn session(n: usize, task: Task, right: Option<bool>, label: Label) -> SessionSummary {
    SessionSummary {
        v: 2,
        id: format!("r-{n:05}"),
        run: Some("r".into()),
        question_id: format!("q{n}"),
        page: Some(format!("p{}", n / 3)),
        task: Some(task),
        family: Some(task.family()),
        form: AnswerForm::Choice,
        right,
        score: right.map(|right| f64::from(u8::from(right))),
        answer: Some(if right == Some(true) { "a" } else { "b" }.into()),
        resolved: true,
        truth: Some("a".into()),
        label: label.name().into(),
        reason: Some("answered".into()),
        looked_right: Some(n.is_multiple_of(2)),
        zooms: 1,
        targets: 1,
        found: u32::from(n.is_multiple_of(2)),
        hits: u32::from(n.is_multiple_of(2)),
        chance: Some(0.5),
        answer_p: Some(0.75),
        generated: n as u64,
        ..SessionSummary::default()
    }
}

fn some() -> Vec<SessionSummary> {
    let (depth, order) = (Task::DepthComparison, Task::PanelReordering);
    vec![
        session(0, depth, Some(true), Label::Right),
        session(1, depth, Some(true), Label::RightUngrounded),
        session(2, depth, Some(false), Label::LookedRightAnsweredWrong),
        session(3, depth, Some(false), Label::LookedWrong),
        session(4, order, Some(false), Label::PartialLook),
        SessionSummary { reason: Some("error".into()), ..session(6, order, None, Label::Infrastructure) },
        SessionSummary { task: None, family: None, ..session(8, order, None, Label::Unscored) },
        SessionSummary { label: "no such".into(), ..session(9, order, Some(false), Label::Wrong) },
    ]
}

#[test]
fn a_table_counts_every_session_in_its_rows() {
    let all = some();
    let table = Table::of(&all);
    let names: Vec<&str> = table.rows.iter().map(|row| row.group.name()).collect();
    assert_eq!(names, ["all", "depth", "depth-comparison", "reordering", "panel-reordering", "typed"]);
    let depth = table.row(Group::Family(Family::Depth)).unwrap();
    assert_eq!((depth.n, depth.failures.count, depth.other), (4, 2, 0));
    let cell = table.get(Group::Task(Task::DepthComparison), Label::LookedWrong).unwrap();
    assert_eq!((cell.count, cell.share), (1, 0.25));
    assert_eq!(table.get(Group::All, Label::Loop).unwrap().count, 0);
    assert_eq!(table.get(Group::Task(Task::ActionRecognition), Label::Loop), None);
    let looked = depth.looked;
    assert_eq!((looked.n, looked.right_right.count, looked.right_wrong.count), (4, 1, 1));
    assert_eq!((looked.wrong_right.count, looked.wrong_wrong.count, looked.unknown), (1, 1, 0));
    let order = table.row(Group::Task(Task::PanelReordering)).unwrap();
    assert_eq!((order.n, order.other, order.looked.n, order.looked.unknown), (3, 1, 2, 1));
    for row in &table.rows {
        assert_eq!(row.cells.iter().map(|cell| cell.count).sum::<usize>() + row.other, row.n);
    }
}

#[test]
fn a_cell_is_a_filter_and_a_predicate() {
    let all = some();
    let group = Group::Task(Task::DepthComparison);
    let cell = Cell::Label(group, Label::LookedWrong);
    assert_eq!(cell.filter(), "task:depth-comparison label:looked-wrong");
    assert_eq!(all.iter().filter(|s| cell.holds(s)).map(|s| s.id.as_str()).collect::<Vec<_>>(), ["r-00003"]);
    let cell = Cell::Looked(Group::All, Quadrant { looked: true, right: false });
    assert_eq!(cell.filter(), "looked-right:yes right:no -ended:error");
    assert_eq!(all.iter().filter(|s| cell.holds(s)).count(), 2);
    assert_eq!(Cell::Row(Group::All).filter(), "");
    assert_eq!(Cell::Row(Group::Typed).filter(), "-task:*");
}

#[test]
fn figures_of_a_task() {
    let all = some();
    let figures = Figures::of(&all, &Thresholds::default());
    let depth = figures.get(Group::Task(Task::DepthComparison)).unwrap();
    assert_eq!((depth.report.all.n, depth.report.all.right, depth.corrected), (4, 2, Some(0.0)));
    assert_eq!((depth.zooms.precision.count, depth.zooms.recall.count, depth.zooms.targets), (2, 2, 4));
    let calibration = depth.calibration.as_ref().unwrap();
    assert!((calibration.ece - 0.25).abs() < 1e-12 && calibration.n == 4);
    let confusion = depth.confusion.as_ref().unwrap();
    assert_eq!((confusion.classes.join(","), &confusion.counts), ("a,b".into(), &vec![vec![2, 2], vec![0, 0]]));
    assert_eq!(depth.clustered.clusters, 2);
    assert_eq!(depth.tokens_spread.unwrap().median, 1.0);
    let json = serde_json::to_value(&figures).unwrap();
    assert_eq!(json["tasks"]["depth-comparison"]["n"], 4);
    assert_eq!(json["all"]["failed"], 1);
}

#[test]
fn seeds_of_one_question() {
    let four = |right: [bool; 4]| {
        let one = |(i, right): (usize, bool)| SessionSummary {
            question_id: "q".into(),
            seed: i as u64,
            ..session(i, Task::DepthComparison, Some(right), Label::Right)
        };
        right.into_iter().enumerate().map(one).collect::<Vec<_>>()
    };
    let all = four([true, false, false, false]);
    let seeds = Seeds::of(&all.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!((seeds.questions, seeds.fewest, &seeds.pass), (1, 4, &vec![0.25, 0.5, 0.75, 1.0]));
    assert_eq!((seeds.agreement, seeds.always, seeds.never), (0.5, 0.0, 0.0));
    assert_eq!(Seeds::of(&some().iter().collect::<Vec<_>>()), None);
}

#[test]
fn two_runs_are_paired_by_question() {
    let a = some();
    let mut b = some();
    b.reverse();
    b[7].right = Some(false);
    for one in b.iter_mut().filter(|s| s.question_id == "q3" || s.question_id == "q2") {
        (one.right, one.score) = (Some(true), Some(1.0));
    }
    let compared = Comparison::of(&a, &b, Intervals::Bootstrap);
    let depth = compared.get(Group::Task(Task::DepthComparison)).unwrap();
    assert_eq!((depth.n, depth.both, depth.only_a, depth.only_b, depth.neither), (4, 1, 1, 2, 0));
    assert_eq!((depth.difference, depth.p, depth.p_holm), (Some(0.25), 1.0, Some(1.0)));
    assert!(depth.difference_ci95.is_some_and(|[low, high]| low <= 0.25 && high >= 0.25));
    assert_eq!(compared.get(Group::All).unwrap().p_holm, None);
    let flips: Vec<(&str, bool)> = compared.flips.iter().map(|f| (f.question_id.as_str(), f.a.right)).collect();
    assert_eq!(flips, [("q0", true), ("q2", false), ("q3", false)]);
    assert_eq!((compared.unpaired_a, compared.unpaired_b), (0, 0));
    let fewer = Comparison::of(&a, &b[..4], Intervals::None);
    assert!(fewer.unpaired_a > 0 && fewer.get(Group::All).unwrap().difference_ci95.is_none());
    let nothing = Comparison::of(&[], &[], Intervals::Bootstrap);
    assert_eq!((nothing.groups.len(), nothing.flips.len()), (1, 0));
}

#[test]
fn several_seeds_are_paired_by_seed() {
    let seeds = |list: &[u64]| {
        let one = |(i, seed): (usize, &u64)| SessionSummary {
            question_id: "q".into(),
            seed: *seed,
            ..session(i, Task::DepthComparison, Some(true), Label::Right)
        };
        list.iter().enumerate().map(one).collect::<Vec<_>>()
    };
    let n = |a: &[u64], b: &[u64]| Comparison::of(&seeds(a), &seeds(b), Intervals::None).get(Group::All).unwrap().n;
    assert_eq!((n(&[0], &[7]), n(&[0, 1, 2], &[2, 1, 5]), n(&[0, 1], &[5])), (1, 2, 0));
}

fn any_session() -> impl Strategy<Value = SessionSummary> {
    (0usize..12, 0usize..7, any::<Option<bool>>(), 0usize..17, 0.0..=1.0f64).prop_map(|(n, task, right, label, p)| {
        SessionSummary {
            answer_p: Some(p),
            seed: n as u64 % 2,
            ..session(n, Task::ALL[task], right, Label::ALL[label])
        }
    })
}

proptest! {
    #[test]
    fn order_does_not_count(mut all in prop::collection::vec(any_session(), 0..30)) {
        let (table, counts) = (Table::of(&all), counts(&all));
        all.reverse();
        prop_assert_eq!(Table::of(&all), table);
        prop_assert_eq!(self::counts(&all), counts);
    }

    #[test]
    fn what_a_has_over_b_b_has_under_a(a in prop::collection::vec(any_session(), 0..30), b in prop::collection::vec(any_session(), 0..30)) {
        let (one, other) = (Comparison::of(&a, &b, Intervals::None), Comparison::of(&b, &a, Intervals::None));
        let (x, y) = (one.get(Group::All).unwrap(), other.get(Group::All).unwrap());
        prop_assert_eq!((x.n, x.only_a, x.only_b, x.both), (y.n, y.only_b, y.only_a, y.both));
        prop_assert!((x.p - y.p).abs() < 1e-12);
        prop_assert_eq!(one.flips.len(), x.only_a + x.only_b);
        prop_assert_eq!(one.flips.len(), other.flips.len());
    }

    #[test]
    fn every_cell_holds_what_it_counts(all in prop::collection::vec(any_session(), 0..30)) {
        let table = Table::of(&all);
        for row in &table.rows {
            for (label, share) in table.labels.iter().zip(&row.cells) {
                let cell = Cell::Label(row.group, *label);
                prop_assert_eq!(all.iter().filter(|s| cell.holds(s)).count(), share.count);
            }
            for quadrant in Quadrant::ALL {
                let cell = Cell::Looked(row.group, quadrant);
                prop_assert_eq!(all.iter().filter(|s| cell.holds(s)).count(), row.looked.get(quadrant).count);
            }
        }
    }
}

/// What sums of floats do not blur.
fn counts(all: &[SessionSummary]) -> Vec<(Group, usize, usize, usize, Option<usize>)> {
    let figures = Figures::of(all, &Thresholds::default());
    let row = |(group, f): &(Group, TaskFigures)| {
        (*group, f.report.all.n, f.report.all.right, f.clustered.clusters, f.seeds.as_ref().map(|s| s.questions))
    };
    figures.groups.iter().map(row).collect()
}

/// `cargo test --release --lib study::tests::cost -- --ignored --nocapture`: what 10,000 sessions of 3,334 pages cost.
#[test]
#[ignore = "it measures"]
#[allow(clippy::print_stderr)]
fn cost() {
    let make = |shift: usize| {
        let one =
            |n: usize| session(n, Task::ALL[n % 7], Some(!(n + shift).is_multiple_of(3)), Label::ALL[(n + shift) % 15]);
        (0..10_000).map(one).collect::<Vec<_>>()
    };
    let (a, b) = (make(0), make(1));
    let lines = Thresholds::default();
    let timed = |what: &str, work: &dyn Fn() -> usize| {
        let best = (0..9).map(|_| {
            let clock = std::time::Instant::now();
            assert!(std::hint::black_box(work()) > 0);
            clock.elapsed()
        });
        eprintln!("{what}: {:.2} ms", best.min().unwrap_or_default().as_secs_f64() * 1e3);
    };
    timed("labels", &|| a.iter().filter(|s| s.automatic(&lines).is_failure()).count());
    timed("table", &|| Table::of(&a).rows.len());
    timed("figures", &|| Figures::of(&a, &lines).groups.len());
    timed("comparison without intervals", &|| Comparison::of(&a, &b, Intervals::None).groups.len());
    timed("comparison with intervals", &|| Comparison::of(&a, &b, Intervals::Bootstrap).groups.len());
}
