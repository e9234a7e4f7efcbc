//! `panelscope bench list`.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use clap::Args;
use serde_json::json;

use super::{Which, benchmark_error, printed};
use crate::benchmark::folder::ZOOM_BUDGET;
use crate::benchmark::{AnswerForm, Benchmark, Question, Task, open_with};
use crate::cli::CliResult;
use crate::geometry::Size;
use crate::model::processor::smart_resize;
use crate::text::one_line;

/// Side of a merged cell of the image processor in pixels.
const CELL: u32 = 28;

/// Arguments of `bench list`.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ListArgs) -> CliResult {
    let benchmark = open_with(&args.which.bench, &args.which.of.selection()).map_err(benchmark_error)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut zooms = Zooms::new(&benchmark);
    let written = match (args.json, benchmark.questions().is_empty()) {
        (true, _) => print_json(&mut out, &benchmark, &mut zooms),
        (false, false) => print_table(&mut out, &benchmark, &mut zooms),
        (false, true) => {
            let pages = benchmark.pages().map_err(benchmark_error)?;
            let rows = pages.iter().try_for_each(|name| writeln!(out, "{}", one_line(name)));
            eprintln!("{} pages, no questions", pages.len());
            rows
        }
    };
    printed(written.and_then(|()| out.flush()))
}

/// Whether questions need a zoom where a page has so many pixels; the size of a page is asked for once.
struct Zooms<'a> {
    benchmark: &'a Benchmark,
    budget: u64,
    sizes: HashMap<String, Option<Size>>,
}

impl<'a> Zooms<'a> {
    fn new(benchmark: &'a Benchmark) -> Self {
        let budget = benchmark.manifest().and_then(|m| m.zoom_budget).unwrap_or(ZOOM_BUDGET);
        Self { benchmark, budget, sizes: HashMap::new() }
    }

    fn needed(&mut self, question: &Question) -> Option<bool> {
        question.detail?;
        let name = question.page.as_ref()?;
        let benchmark = self.benchmark;
        let size = *self.sizes.entry(name.clone()).or_insert_with(|| benchmark.page_size(name).ok());
        question.zoom_needed(scale(size?, self.budget)?)
    }
}

/// Pixels of the image a model sees for each pixel of the page, where it is given at most so many.
fn scale(page: Size, budget: u64) -> Option<f64> {
    let (h, w) = smart_resize(page.h, page.w, CELL, u64::from(CELL * CELL), budget).ok()?;
    Some((f64::from(h) / f64::from(page.h)).min(f64::from(w) / f64::from(page.w)))
}

fn print_json(out: &mut impl Write, benchmark: &Benchmark, zooms: &mut Zooms<'_>) -> io::Result<()> {
    // Question by question: there can be millions.
    write!(
        out,
        "{{\"v\":1,\"benchmark\":{},\"zoom_budget\":{},\"questions\":[",
        json!(benchmark.name()),
        zooms.budget
    )?;
    for (at, question) in benchmark.questions().iter().enumerate() {
        let mut entry = json!(question);
        if let Some(fields) = entry.as_object_mut() {
            fields.insert("split".to_owned(), json!(benchmark.split(question)));
            fields.insert("zoom_needed".to_owned(), json!(zooms.needed(question)));
        }
        write!(out, "{}{entry}", if at == 0 { "" } else { "," })?;
    }
    writeln!(out, "]}}")
}

fn print_table(out: &mut impl Write, benchmark: &Benchmark, zooms: &mut Zooms<'_>) -> io::Result<()> {
    let widest = benchmark.questions().iter().map(|q| q.id.chars().count()).max().unwrap_or(0).clamp(2, 48);
    writeln!(out, "{:<widest$} {:<24} {:<11} {:<6} {:<4} question", "id", "task", "family", "form", "zoom")?;
    for q in benchmark.questions() {
        let choices = if q.choices.is_empty() { String::new() } else { format!(" ({})", q.choices.join(", ")) };
        let zoom = zooms.needed(q).map_or("-", |needed| if needed { "yes" } else { "no" });
        let (id, text) = (one_line(&q.id), format!("{}{choices}", q.text));
        let (task, family) = (q.task.map_or("-", Task::name), q.family.map_or("-", |f| f.name()));
        let text = one_line(&text);
        writeln!(out, "{id:<widest$} {task:<24} {family:<11} {:<6} {zoom:<4} {text}", form(q.form))?;
    }
    Ok(())
}

/// The form's name.
pub(super) const fn form(form: AnswerForm) -> &'static str {
    match form {
        AnswerForm::Choice => "choice",
        AnswerForm::Count => "count",
        AnswerForm::Order => "order",
        AnswerForm::Set => "set",
        AnswerForm::Free => "free",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_page_is_shown_at_a_sixth() {
        assert!((scale(Size::new(840, 1176), ZOOM_BUDGET).unwrap() - 1.0 / 6.0).abs() < 1e-9);
        assert_eq!(scale(Size::new(1, 40_000), ZOOM_BUDGET), None);
    }
}
