//! `panelscope bench show`: a page with its boxes, and what is true of it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use image::RgbImage;

use super::list::form;
use super::paint::{Outline, paint};
use super::{benchmark_error, printed};
use crate::benchmark::synthetic::Style;
use crate::benchmark::{Benchmark, Facts, Question, Region, RegionKind, Task, open};
use crate::cli::images_flag::ImagesFlag;
use crate::cli::print_image::print_image;
use crate::cli::{CliError, CliResult};
use crate::geometry::PageBox;
use crate::text::sanitise;

/// Arguments of `bench show`.
#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// Question id or page name (default: the first page of every style, or the first page)
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Benchmark: demo, synth:SEED, a benchmark's folder, a folder of images, or a .cbz
    #[arg(long, value_name = "B", default_value = "demo")]
    bench: String,
    /// The first page of this style: clear-line, hatched or screentone
    #[arg(long, value_name = "STYLE", value_parser = style, conflicts_with = "id")]
    style: Option<Style>,
    /// Which boxes are painted
    #[arg(long, value_enum, value_name = "WHICH", default_value_t, default_missing_value = "all", num_args = 0..=1, require_equals = true)]
    boxes: Boxes,
    /// Write the page with its boxes as PNG
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// At most this many columns (default: the window's)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    width: Option<u16>,
    /// How pixels reach the terminal
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    images: ImagesFlag,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Boxes {
    /// Everything that is known to be on the page, and the targets of the question
    #[default]
    All,
    /// The targets of the question
    Targets,
    /// No boxes
    None,
}

/// A style by its word.
fn style(text: &str) -> Result<Style, String> {
    Style::ALL.into_iter().find(|s| s.word() == text).ok_or_else(|| "use clear-line, hatched or screentone".to_owned())
}

pub(super) fn run(args: &ShowArgs) -> CliResult {
    let benchmark = open(&args.bench).map_err(benchmark_error)?;
    let pages = wanted(args, &benchmark)?;
    if pages.len() > 1 && args.out.is_some() {
        return Err(CliError::usage("--out writes one page: name it, or give --style"));
    }
    let mut out = std::io::stdout();
    for (page, question) in pages {
        let regions = benchmark.regions(&page).map_err(benchmark_error)?;
        let painted = painted(&benchmark, &page, question, &regions, args.boxes)?;
        print_image(&painted, args.images, args.width).map_err(CliError::failed)?;
        let text = describe(&benchmark, &page, question, &regions)?;
        if let Err(error) = out.write_all(sanitise(&text).as_bytes()) {
            return printed(Err(error));
        }
        if let Some(file) = &args.out {
            let place = file.display().to_string();
            painted.save(file).map_err(|e| CliError::failed(format!("{place}: {e}")))?;
            eprintln!("{place}");
        }
    }
    printed(out.flush())
}

/// The pages to show, each with the question it is shown for.
fn wanted<'a>(args: &ShowArgs, benchmark: &'a Benchmark) -> Result<Vec<(String, Option<&'a Question>)>, CliError> {
    if let Some(id) = &args.id {
        return match benchmark.find(id) {
            Ok(question) => Ok(vec![(question.page.clone().unwrap_or_default(), Some(question))]),
            Err(missing) => match benchmark.page_size(id) {
                Ok(_) => Ok(vec![(id.clone(), None)]),
                Err(_) => Err(benchmark_error(missing)),
            },
        };
    }
    if let Some(style) = args.style {
        let none = || {
            CliError::usage(format!(
                "{} has no page in the style {}; synth:SEED@medium and synth:SEED@hard draw in all three",
                args.bench,
                style.word()
            ))
        };
        let page = benchmark.first_of_style(style).map_err(benchmark_error)?.ok_or_else(none)?;
        return Ok(vec![(page, None)]);
    }
    let mut pages = Vec::new();
    for style in Style::ALL {
        pages.extend(benchmark.first_of_style(style).map_err(benchmark_error)?);
    }
    if pages.is_empty() {
        pages.extend(benchmark.pages().map_err(benchmark_error)?.first().cloned());
    }
    if pages.is_empty() {
        return Err(CliError::usage(format!("{} has no pages", args.bench)));
    }
    Ok(pages.into_iter().map(|page| (page, None)).collect())
}

/// The page with the boxes that are wanted; targets last, so that they are seen.
fn painted(
    benchmark: &Benchmark,
    page: &str,
    question: Option<&Question>,
    regions: &[Region],
    boxes: Boxes,
) -> Result<RgbImage, CliError> {
    let mut pixels = (*benchmark.page_named(page).map_err(benchmark_error)?.pixels).clone();
    let mut outlines = Vec::new();
    if boxes == Boxes::All {
        outlines.extend(regions.iter().filter(|r| r.kind != RegionKind::Beat).map(Outline::region));
    }
    if boxes != Boxes::None {
        outlines.extend(question.iter().flat_map(|q| q.targets.iter().copied().map(Outline::target)));
    }
    paint(&mut pixels, &outlines);
    Ok(pixels)
}

/// What is true of a page, as text.
fn describe(
    benchmark: &Benchmark,
    page: &str,
    question: Option<&Question>,
    regions: &[Region],
) -> Result<String, CliError> {
    let size = benchmark.page_size(page).map_err(benchmark_error)?;
    let style = benchmark.style(page).map_err(benchmark_error)?.map_or(String::new(), |s| format!("  {}", s.word()));
    let mut text = format!("{page}  {size}{style}\n");
    for region in regions {
        let (inset, kind) = if region.kind == RegionKind::Panel { ("", "panel") } else { ("  ", region.kind.name()) };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{inset}{kind} {}  {}", facts(region.kind, &region.facts), corners(&region.bounds));
    }
    let about = |q: &&Question| q.page.as_deref() == Some(page) && question.is_none_or(|only| only.id == q.id);
    for q in benchmark.questions().iter().filter(about) {
        text.push_str(&question_text(q));
    }
    text.push('\n');
    Ok(text)
}

fn corners(b: &PageBox) -> String {
    let [x1, y1, x2, y2] = b.corners().map(|v| (v * 10.0).round() / 10.0);
    format!("[{x1}, {y1}, {x2}, {y2}]")
}

fn facts(kind: RegionKind, f: &Facts) -> String {
    let text = |v: &Option<String>| v.clone().unwrap_or_else(|| "?".to_owned());
    let number = |v: Option<u32>| v.map_or_else(|| "?".to_owned(), |n| n.to_string());
    match kind {
        RegionKind::Panel => {
            let scene = f.scene.as_ref().map_or(String::new(), |s| format!(" ({s})"));
            let place = f.place.as_ref().map_or(String::new(), |p| format!("  {p}"));
            format!("{}{scene}{place}", number(f.number))
        }
        RegionKind::Figure => format!("{}, {}, depth {}", text(&f.name), text(&f.action), number(f.depth)),
        RegionKind::Balloon => format!("{} \"{}\" says {}", number(f.order), text(&f.text), text(&f.speaker)),
        RegionKind::Sound => format!("\"{}\"", text(&f.text)),
        RegionKind::Beat => format!("{}: {}, moment {}", text(&f.label), text(&f.arc), number(f.step)),
    }
}

fn question_text(q: &Question) -> String {
    let task = q.task.map_or("-", Task::name);
    let mut text = format!("{}  {task}  {}\n  Q  {}\n", q.id, form(q.form), q.text);
    for (name, items) in [("choices", &q.choices), ("labels", &q.labels)] {
        if !items.is_empty() {
            let _ = writeln!(text, "     {name}: {}", items.join(" · "));
        }
    }
    let targets: Vec<String> = q.targets.iter().map(corners).collect();
    let _ = writeln!(text, "  A  {}", q.truth.as_deref().unwrap_or("(unknown)"));
    if !targets.is_empty() {
        let _ = writeln!(text, "     target: {}", targets.join(" "));
    }
    text
}
