//! `panelscope compare`: two runs question by question, or several beside each other.

use clap::Args;
use serde_json::{Value, json};

use super::study::{csv, open_runs, print, print_json, text, to_json};
use super::{CliError, CliResult, Global};
use crate::study::{Comparison, Flip, Intervals, Pairing, RunsTable, StudyRun, TaskFigures};
use crate::text::one_line;

/// Most flips that are printed for people.
const TOLD: usize = 40;

/// Arguments of `compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// Runs: folders, or names in the sessions folder
    #[arg(value_name = "RUN", num_args = 2.., required = true)]
    runs: Vec<String>,
    /// Print only the flips: questions that one run has right and the other wrong (of two runs)
    #[arg(long)]
    flips: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV: one line a task and family, with --flips one a question
    #[arg(long)]
    csv: bool,
}

/// Runs the command.
///
/// # Errors
/// A run that is not there or cannot be read; two runs that asked different questions.
pub fn run(args: &CompareArgs, global: &Global) -> CliResult {
    let runs = open_runs(&args.runs, global)?;
    if let [a, b] = runs.as_slice() {
        return two(a, b, args);
    }
    if args.flips {
        return Err(CliError::usage("--flips takes two runs"));
    }
    let table = RunsTable::of(&runs, &global.settings.analysis);
    match (args.json, args.csv) {
        (true, _) => print_json(&json!({"v": 1, "runs": to_json(&table.runs)?})),
        (_, true) => print(&several_csv(&table)?),
        _ => print(&several_text(&table)),
    }
}

fn two(a: &StudyRun, b: &StudyRun, args: &CompareArgs) -> CliResult {
    let compared = Comparison::of(&a.sessions, &b.sessions, Intervals::Bootstrap);
    if compared.groups.iter().all(|(_, pairing)| pairing.n == 0) {
        let why = "they asked different questions, or their sessions were not scored";
        return Err(CliError::failed(format!("{} and {} have no question in common: {why}", a.name, b.name)));
    }
    if a.manifest.benchmark.hash != b.manifest.benchmark.hash {
        eprintln!("the runs asked different questions; only those they share are compared");
    }
    match (args.json, args.csv) {
        (true, _) => print_json(&two_json(a, b, &compared, args.flips)?),
        (_, true) => print(&if args.flips { flips_csv(&compared.flips)? } else { pairings_csv(&compared)? }),
        _ if args.flips => print(&flips_text(&compared.flips, usize::MAX)),
        _ => print(&two_text(a, b, &compared)),
    }
}

/// What a run is, in a few fields.
fn run_json(run: &StudyRun) -> Value {
    json!({"run": run.name, "model": run.manifest.model.name, "n": run.sessions.len(), "settings": run.manifest.settings})
}

fn two_json(a: &StudyRun, b: &StudyRun, compared: &Comparison, only_flips: bool) -> Result<Value, CliError> {
    let flips = compared.flips.iter().map(flip_json).collect::<Result<Vec<_>, _>>()?;
    let mut all = json!({"v": 1, "a": run_json(a), "b": run_json(b)});
    let Value::Object(mut fields) = to_json(compared)? else { return Ok(all) };
    fields.insert("flips".to_owned(), Value::Array(flips));
    if only_flips {
        fields.retain(|name, _| name == "flips");
    }
    if let Some(object) = all.as_object_mut() {
        object.extend(fields);
    }
    Ok(all)
}

fn flip_json(flip: &Flip) -> Result<Value, CliError> {
    to_json(flip)
}

const PAIRING_HEAD: [&str; 20] = [
    "kind",
    "group",
    "n",
    "pages",
    "both",
    "only_a",
    "only_b",
    "neither",
    "accuracy_a",
    "accuracy_b",
    "difference",
    "difference_low",
    "difference_high",
    "p",
    "p_holm",
    "score_a",
    "score_b",
    "score_difference",
    "score_low",
    "score_high",
];

fn pairings_csv(compared: &Comparison) -> Result<String, CliError> {
    let end = |ci: Option<[f64; 2]>, i: usize| ci.and_then(|ci| ci.get(i).copied());
    let rows = compared.groups.iter().map(|(group, x)| {
        vec![
            group.kind().into(),
            group.name().into(),
            x.n.into(),
            x.pages.into(),
            x.both.into(),
            x.only_a.into(),
            x.only_b.into(),
            x.neither.into(),
            x.accuracy_a.into(),
            x.accuracy_b.into(),
            x.difference.into(),
            end(x.difference_ci95, 0).into(),
            end(x.difference_ci95, 1).into(),
            x.p.into(),
            x.p_holm.into(),
            x.score_a.into(),
            x.score_b.into(),
            x.score_difference.into(),
            end(x.score_ci95, 0).into(),
            end(x.score_ci95, 1).into(),
        ]
    });
    csv::csv(&PAIRING_HEAD, rows)
}

fn flips_csv(flips: &[Flip]) -> Result<String, CliError> {
    let head = [
        "question_id",
        "task",
        "seed",
        "right_in",
        "session_a",
        "label_a",
        "answer_a",
        "session_b",
        "label_b",
        "answer_b",
    ];
    let rows = flips.iter().map(|flip| {
        let side = |side: &crate::study::Side| -> [csv::Value; 3] {
            [side.session.as_str().into(), side.label.map(|l| l.name()).into(), side.answer.as_deref().into()]
        };
        let first: [csv::Value; 4] = [
            flip.question_id.as_str().into(),
            flip.task.map(|task| task.name()).into(),
            csv::Value::Text(flip.seed.to_string()),
            (if flip.a.right { "a" } else { "b" }).into(),
        ];
        first.into_iter().chain(side(&flip.a)).chain(side(&flip.b)).collect()
    });
    csv::csv(&head, rows)
}

fn two_text(a: &StudyRun, b: &StudyRun, compared: &Comparison) -> String {
    let head =
        ["", "n", "A", "B", "B − A [95 %]", "only A", "only B", "p", "p Holm", "score B − A [95 %]"].map(str::to_owned);
    let row = |name: &str, x: &Pairing| {
        vec![
            name.to_owned(),
            x.n.to_string(),
            text::percent(x.accuracy_a),
            text::percent(x.accuracy_b),
            text::points(x.difference, x.difference_ci95),
            x.only_a.to_string(),
            x.only_b.to_string(),
            text::p_value(Some(x.p)),
            text::p_value(x.p_holm),
            text::points(x.score_difference, x.score_ci95),
        ]
    };
    let rows: Vec<_> = compared.groups.iter().map(|(group, x)| row(group.name(), x)).collect();
    let name = |run: &StudyRun| one_line(&format!("{} ({})", run.name, run.manifest.model.name)).into_owned();
    let more = match (compared.unpaired_a, compared.unpaired_b) {
        (0, 0) => String::new(),
        (a, b) => format!("{a} scored sessions of A and {b} of B have no partner\n"),
    };
    let right_a = compared.flips.iter().filter(|flip| flip.a.right).count();
    format!(
        "A  {}\nB  {}\n\n{}{more}\n{} flips: {right_a} that A has right, {} that B has right\n{}",
        name(a),
        name(b),
        text::table(&head, &rows),
        compared.flips.len(),
        compared.flips.len() - right_a,
        flips_text(&compared.flips, TOLD)
    )
}

fn flips_text(flips: &[Flip], most: usize) -> String {
    let side = |side: &crate::study::Side| {
        let label = side.label.map_or("", |label| label.name());
        format!("{} {label} ({})", if side.right { "✓" } else { "✗" }, side.session)
    };
    let line = |flip: &Flip| {
        format!("{}\n", one_line(&format!("{}  A {}  B {}", flip.question_id, side(&flip.a), side(&flip.b))))
    };
    let mut out: String = flips.iter().take(most).map(line).collect();
    if flips.len() > most {
        out += &format!("and {} more; --flips has all\n", flips.len() - most);
    }
    out
}

fn several_csv(table: &RunsTable) -> Result<String, CliError> {
    let head = [
        "run",
        "model",
        "kind",
        "group",
        "n",
        "right",
        "accuracy",
        "ci95_low",
        "ci95_high",
        "clustered_low",
        "clustered_high",
        "score",
    ];
    let rows = table.runs.iter().flat_map(|run| {
        run.figures.groups.iter().map(|(group, f)| {
            let [low, high] = f.clustered.ci95;
            vec![
                run.run.as_str().into(),
                run.model.as_str().into(),
                group.kind().into(),
                group.name().into(),
                f.report.all.n.into(),
                f.report.all.right.into(),
                f.report.all.accuracy.into(),
                f.report.all.ci95[0].into(),
                f.report.all.ci95[1].into(),
                low.into(),
                high.into(),
                f.report.score.get("value").copied().into(),
            ]
        })
    });
    csv::csv(&head, rows)
}

fn several_text(table: &RunsTable) -> String {
    let mut groups: Vec<_> =
        table.runs.iter().flat_map(|run| run.figures.groups.iter().map(|(group, _)| *group)).collect();
    groups.sort_unstable();
    groups.dedup();
    let listed = crate::study::Group::listed().into_iter().filter(|group| groups.contains(group));
    let cell = |f: Option<&TaskFigures>| match f.filter(|f| f.report.all.n > 0) {
        Some(f) => {
            let [low, high] = f.clustered.ci95;
            format!("{} [{:.1}, {:.1}]", text::percent(f.report.all.accuracy), 100.0 * low, 100.0 * high)
        }
        None => "–".to_owned(),
    };
    let names: Vec<String> =
        table.runs.iter().map(|run| format!("{}\n{}", one_line(&run.run), one_line(&run.model))).collect();
    let head: Vec<String> = ["accuracy".to_owned()].into_iter().chain(names).collect();
    let rows: Vec<Vec<String>> = listed
        .map(|group| {
            let cells = table.runs.iter().map(|run| cell(run.figures.get(group)));
            [group.name().to_owned()].into_iter().chain(cells).collect()
        })
        .collect();
    format!("{}intervals: 95 %, questions on one page taken together\n", text::table(&head, &rows))
}
