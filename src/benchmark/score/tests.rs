use proptest::prelude::*;

use super::*;

fn question(form: AnswerForm, choices: &[&str], labels: &[&str], truth: &str) -> Question {
    let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
    Question { form, choices: own(choices), labels: own(labels), truth: Some(truth.to_owned()), ..Question::default() }
}

fn part(question: &Question, content: Option<&str>, name: &str) -> Option<f64> {
    let score = score_answer(question, content)?;
    score.parts.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
}

#[test]
fn answers_are_read_as_text_or_letter() {
    let q = question(AnswerForm::Choice, &["Pip", "Bo", "a hat"], &[], "Bo");
    for (raw, want) in [
        (" pip. ", Some("Pip")),
        ("B", Some("Bo")),
        ("(b)", Some("Bo")),
        ("B. Bo", Some("Bo")),
        ("B. Pip", None),
        ("c: a hat", Some("a hat")),
        ("bob", None),
        ("D", None),
        ("", None),
        ("é", None),
    ] {
        assert_eq!(resolve_answer(raw, &q).as_deref(), want, "{raw:?}");
    }
    assert_eq!(resolve_answer(" Sleeping. ", &Question::default()).as_deref(), Some("sleeping"));
}

#[test]
fn counts_are_digits_or_words_and_one_number() {
    let q = question(AnswerForm::Count, &[], &["1", "2", "3"], "3");
    for (raw, want) in [
        ("3", Some("3")),
        ("There are three figures.", Some("3")),
        ("03", Some("3")),
        ("3 (three)", Some("3")),
        ("2 or 3", None),
        ("many", None),
        ("99999999999999999999999", None),
    ] {
        assert_eq!(resolve_answer(raw, &q).as_deref(), want, "{raw:?}");
    }
    assert_eq!(part(&q, Some("5"), "error"), Some(2.0));
    assert_eq!(part(&q, None, "error"), None);
    assert_eq!(score_answer(&q, Some("3")).map(|s| s.value), Some(1.0));
}

#[test]
fn orders_are_read_in_many_notations() {
    let panels = question(AnswerForm::Order, &[], &["A", "B", "C"], "B, A, C");
    for raw in
        ["B, A, C", "b a c", "BAC", "B > A > C", "B-A-C", "Panel B, then panel A, then panel C.", "b;a;c", "B,A,B,C"]
    {
        assert_eq!(resolve_answer(raw, &panels).as_deref(), Some("B, A, C"), "{raw:?}");
    }
    assert_eq!(resolve_answer("no idea", &panels), None);
    let spoken = question(AnswerForm::Order, &["OH NO!", "WAIT!", "LOOK!"], &[], "LOOK!, OH NO!, WAIT!");
    for raw in ["C, A, B", "look!, oh no!, wait!", "LOOK, OH NO, WAIT", "CAB", "\"Look!\", \"Oh no!\", \"Wait!\""] {
        assert_eq!(resolve_answer(raw, &spoken).as_deref(), Some("LOOK!, OH NO!, WAIT!"), "{raw:?}");
    }
}

#[test]
fn orders_get_exact_tau_and_neighbours() {
    let q = question(AnswerForm::Order, &[], &["A", "B", "C", "D"], "A, B, C, D");
    for (answer, exact, tau, adjacent) in [
        (Some("A, B, C, D"), 1.0, 1.0, 1.0),
        (Some("D, C, B, A"), 0.0, -1.0, 0.0),
        (Some("B, A, C, D"), 0.0, 4.0 / 6.0, 1.0 / 3.0),
        // C and D tied behind: 5 concordant pairs of 6, one tie.
        (Some("A, B"), 0.0, 5.0 / (6.0_f64 * 5.0).sqrt(), 1.0 / 3.0),
        (None, 0.0, 0.0, 0.0),
    ] {
        let got = |name| part(&q, answer, name);
        assert_eq!(got("exact"), Some(exact), "{answer:?}");
        assert!((got("tau_b").unwrap() - tau).abs() < 1e-12, "{answer:?} {:?}", got("tau_b"));
        assert!((got("adjacent").unwrap() - adjacent).abs() < 1e-12, "{answer:?}");
    }
    let short = score_answer(&q, Some("A, B, C")).unwrap();
    assert!(short.value < 1.0 && short.value > 0.5, "one label missing is not fully right: {}", short.value);
}

#[test]
fn sets_get_f1_and_identity_switches() {
    let q = question(AnswerForm::Set, &[], &["2", "5", "7", "9"], "2, 7");
    assert_eq!(resolve_answer("panels 7 and 2", &q).as_deref(), Some("2, 7"));
    assert_eq!(resolve_answer("none", &q).as_deref(), Some("none"));
    assert_eq!(resolve_answer("3", &q), None);
    for (answer, precision, recall, f1, switches) in [
        ("2, 7", 1.0, 1.0, 1.0, 0.0),
        ("2, 5, 7", 2.0 / 3.0, 1.0, 0.8, 2.0),
        ("5, 9", 0.0, 0.0, 0.0, 0.0),
        ("none", 0.0, 0.0, 0.0, 0.0),
    ] {
        let got: Vec<f64> =
            ["precision", "recall", "f1", "switches"].map(|n| part(&q, Some(answer), n).unwrap()).into();
        for (got, want) in got.into_iter().zip([precision, recall, f1, switches]) {
            assert!((got - want).abs() < 1e-12, "{answer}: {got} {want}");
        }
    }
    let ten = question(AnswerForm::Set, &[], &["1", "2", "12"], "12");
    assert_eq!(resolve_answer("12", &ten).as_deref(), Some("12"));
    assert_eq!(resolve_answer("1 and 12", &ten).as_deref(), Some("1, 12"));
    let empty = question(AnswerForm::Set, &[], &["2", "5"], "none");
    assert_eq!(score_answer(&empty, Some("none")).map(|s| s.value), Some(1.0));
    assert_eq!(score_answer(&empty, Some("2")).map(|s| s.value), Some(0.0));
}

#[test]
fn what_cannot_be_scored_is_not() {
    let mut q = question(AnswerForm::Choice, &[], &[], "Bo");
    assert_eq!(score_answer(&q, Some("bo")).map(|s| s.value), Some(1.0));
    assert_eq!(score_answer(&q, None).map(|s| s.value), Some(0.0));
    q.form = AnswerForm::Free;
    assert_eq!(score_answer(&q, Some("bo")), None);
    q = Question { truth: None, form: AnswerForm::Choice, ..q };
    assert_eq!(score_answer(&q, Some("bo")), None);
}

#[test]
fn chance_follows_from_the_form() {
    for (form, n, want) in [
        (AnswerForm::Choice, 4, Some(0.25)),
        (AnswerForm::Count, 5, Some(0.2)),
        (AnswerForm::Order, 4, Some(1.0 / 24.0)),
        (AnswerForm::Set, 3, Some(0.125)),
        (AnswerForm::Free, 3, None),
        (AnswerForm::Choice, 0, None),
    ] {
        let labels = (0..n).map(|i| i.to_string()).collect();
        assert_eq!(chance(&Question { form, labels, ..Question::default() }), want, "{form:?}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_read_and_scored_within_bounds(raw in "\\PC{0,60}|[A-E ,>]{0,20}|[0-9 ,]{0,12}", form in 0_usize..5) {
        let form = [AnswerForm::Choice, AnswerForm::Count, AnswerForm::Order, AnswerForm::Set, AnswerForm::Free][form];
        let truth = if form == AnswerForm::Count { "3" } else { "B, A, D, C" };
        let q = question(form, &[], &["A", "B", "C", "D"], truth);
        let content = resolve_answer(&raw, &q);
        if let Some(score) = score_answer(&q, content.as_deref()) {
            prop_assert!((0.0..=1.0).contains(&score.value));
            let exact = score.parts.iter().find(|(n, _)| *n == "exact").map(|(_, v)| *v);
            prop_assert_eq!(score.value == 1.0, exact == Some(1.0));
            // Content is a fixed point of reading.
            if let Some(content) = &content {
                prop_assert_eq!(resolve_answer(content, &q), Some(content.clone()));
            }
        }
    }

    #[test]
    fn tau_is_one_only_for_the_truth(order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let sorted = order.iter().enumerate().all(|(i, o)| i == *o);
        prop_assert_eq!(order::tau_b(&order) == 1.0, sorted);
    }
}
