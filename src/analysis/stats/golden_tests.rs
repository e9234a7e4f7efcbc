//! Against scipy and statsmodels: `tests/goldens/make_study_goldens.py` made the file.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::Value;

use super::*;
use crate::benchmark::{AnswerForm, Question, score_answer};

fn goldens(name: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/statistics.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let of = all[name].as_array().unwrap().clone();
    assert!(!of.is_empty());
    of
}

fn near(a: f64, b: &Value, tolerance: f64) {
    let b = b.as_f64().unwrap();
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-3), "{a} is not {b}");
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn closed_forms_are_those_of_scipy_and_statsmodels() {
    for g in goldens("mcnemar") {
        near(mcnemar(count(&g["only_a"]), count(&g["only_b"])), &g["p"], 1e-9);
    }
    for g in goldens("wilson") {
        let ci95 = wilson(count(&g["right"]), count(&g["n"]));
        ci95.iter().zip(g["ci95"].as_array().unwrap()).for_each(|(a, b)| near(*a, b, 1e-9));
    }
    for g in goldens("holm") {
        let adjusted = holm(&numbers(&g["p"]));
        adjusted.iter().zip(g["adjusted"].as_array().unwrap()).for_each(|(a, b)| near(*a, b, 1e-12));
    }
    for g in goldens("chi2") {
        near(chi_square_tail(g["x"].as_f64().unwrap(), count(&g["df"])), &g["tail"], 1e-9);
    }
}

#[test]
fn orders_are_scored_as_kendall_does() {
    let labels: Vec<String> = ["A", "B", "C", "D", "E"].map(str::to_owned).into();
    let question = Question { form: AnswerForm::Order, truth: Some(labels.join(", ")), labels, ..Question::default() };
    for g in goldens("tau_b") {
        let score = score_answer(&question, g["given"].as_str()).unwrap();
        near(score.parts.iter().find(|(name, _)| *name == "tau_b").unwrap().1, &g["tau_b"], 1e-12);
    }
}

#[test]
fn pages_widen_intervals_as_cluster_robust_errors_do() {
    for g in goldens("clustered") {
        let pages: Vec<(usize, usize)> =
            g["clusters"].as_array().unwrap().iter().map(|c| (count(&c[0]), count(&c[1]))).collect();
        let (right, n) = pages.iter().fold((0, 0), |(r, n), c| (r + c.0, n + c.1));
        let p = right as f64 / n as f64;
        let effect = (g["variance"].as_f64().unwrap() / (p * (1.0 - p) / n as f64)).max(1.0);
        near(clustered(pages).design_effect, &effect.into(), 1e-9);
    }
    for g in goldens("bootstrap") {
        let pages: Vec<(f64, usize)> =
            g["clusters"].as_array().unwrap().iter().map(|c| (c[0].as_f64().unwrap(), count(&c[1]))).collect();
        let ours = paired_bootstrap(&pages, 7).unwrap();
        for (a, b) in ours.iter().zip(numbers(&g["ci95"])) {
            assert!((a - b).abs() < 0.03, "another generator, the same interval: {a} {b}");
        }
    }
}
