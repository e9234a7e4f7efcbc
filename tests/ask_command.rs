//! `panelscope ask` with the real binary and the embedded model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod alone;

#[cfg(unix)]
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
#[cfg(unix)]
use std::process::Stdio;
use std::process::{Command, Output};

use panelscope::benchmark;
use panelscope::session::{LogReader, read_log, read_log_from, verify};
use panelscope::trace::{Body, SessionEnd, SessionStart, TokenSource};

fn ask(dir: &Path, args: &[&str]) -> Command {
    let mut command = alone::program();
    command.current_dir(dir).arg("ask").args(args).arg("--sessions").arg(dir.join("kept"));
    command
}

fn output(dir: &Path, args: &[&str]) -> (Output, String, String) {
    let output = ask(dir, args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

fn demo_id() -> String {
    let benchmark = benchmark::open("demo").unwrap();
    let learnt = |q: &&benchmark::Question| q.task == Some(benchmark::Task::ActionRecognition);
    benchmark.questions().iter().find(learnt).unwrap().id.clone()
}

/// The log, checked to be whole.
fn whole(text: &str) -> LogReader {
    let log = read_log_from(text.as_bytes());
    let report = verify(&log);
    assert!(log.ended() && !log.problems.damage(), "{report:?}");
    log
}

fn start_of(log: &LogReader) -> SessionStart {
    let Body::SessionStart(start) = &log.records[0].body else { panic!("no start") };
    (**start).clone()
}

fn end_of(log: &LogReader) -> SessionEnd {
    let Body::SessionEnd(end) = &log.records.last().unwrap().body else { panic!("no end") };
    end.clone()
}

fn written(log: &LogReader) -> Vec<u32> {
    let batches = log.records.iter().filter_map(|r| if let Body::Tokens(t) = &r.body { Some(t) } else { None });
    batches.filter(|t| t.by == TokenSource::Sampled).flat_map(|t| t.ids.clone()).collect()
}

#[test]
fn the_logs_own_lines_are_printed_and_recorded_and_repeat_with_the_seed() {
    let dir = tempfile::tempdir().unwrap();
    let id = demo_id();
    let args = ["--bench", "demo", "--id", &id, "--json", "--temperature", "0.7", "--seed", "5"];
    let (_, first, _) = output(dir.path(), &args);
    let (_, again, _) = output(dir.path(), &args);
    let (first, again) = (whole(&first), whole(&again));
    assert!(written(&first).len() > 3);
    assert_eq!(written(&first), written(&again));
    let start = start_of(&first);
    assert_eq!((start.benchmark.as_deref(), start.question.id, start.seed), (Some("demo"), id.clone(), 5));
    assert_eq!((start.model.name.as_str(), start.sampling.temperature), ("demo-rarl", 0.7));
    let mut kept = Vec::new();
    for day in std::fs::read_dir(dir.path().join("kept")).unwrap().map(|e| e.unwrap().path()) {
        let logs = std::fs::read_dir(day).unwrap().map(|e| e.unwrap().path());
        kept.extend(logs.filter(|p| p.to_str().unwrap().ends_with(".jsonl.zst")));
    }
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().any(|path| read_log(path).unwrap().records == first.records));
}

#[test]
fn a_person_reads_lines() {
    let dir = tempfile::tempdir().unwrap();
    let (result, out, _) = output(dir.path(), &["--id", &demo_id(), "--greedy", "--no-record"]);
    assert!(out.starts_with("question  ") && out.contains("\nchoices   "), "{out}");
    assert!(!dir.path().join("kept").exists());
    assert_eq!(result.status.code() == Some(0), out.contains("\nanswer    "), "{out}");
}

#[test]
fn a_page_that_is_none_is_told_before_the_model_is_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("text.png"), "no image").unwrap();
    image::RgbImage::new(60, 40).save(dir.path().join("good.png")).unwrap();
    for (pages, wrong) in [(&["gone.png"][..], "gone.png"), (&["good.png", "text.png"], "text.png")] {
        let more = ["--question", "Who?", "--no-record", "--model", "no/such/folder"];
        let (result, out, err) = output(dir.path(), &[&["--page"], pages, &more].concat());
        assert_eq!((result.status.code(), out.as_str()), (Some(1), ""), "{err}");
        assert!(err.starts_with("error: ") && err.lines().count() == 1 && err.contains(wrong), "{err}");
    }
}

#[test]
fn a_page_that_is_damaged_deeper_ends_its_session_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("half.png");
    image::RgbImage::from_fn(200, 200, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8])).save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let args = ["--page", "half.png", "--question", "Who?", "--truth", "Pip", "--no-record"];
    let (result, out, err) = output(dir.path(), &[&args[..], &["--json"]].concat());
    let log = whole(&out);
    assert_eq!((result.status.code(), end_of(&log).reason.as_str()), (Some(1), "error"), "{err}");
    assert!(err.contains("half.png"), "{err}");
    let (result, out, err) = output(dir.path(), &args);
    assert_eq!(result.status.code(), Some(1));
    assert!(out.ends_with("end       error\n") && err.starts_with("error: ") && err.lines().count() == 1, "{out}{err}");
}

#[test]
fn images_are_seen_as_large_as_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let id = demo_id();
    let limits = |args: &[&str]| {
        let all = ["--bench", "demo", "--id", &id, "--json", "--greedy", "--no-record", "--max-tokens", "2"];
        let (_, out, err) = output(dir.path(), &[&all[..], args].concat());
        let log = whole(&out);
        let start = start_of(&log);
        let page = log.records.iter().find_map(|r| if let Body::Image(image) = &r.body { Some(image) } else { None });
        let processed = page.unwrap_or_else(|| panic!("no page: {err}")).processed;
        assert!(u64::from(processed.w) * u64::from(processed.h) <= start.max_pixels, "{processed}");
        (start.min_pixels, start.max_pixels)
    };
    assert_eq!(limits(&[]), (3136, 31_360), "the model's own");
    assert_eq!(limits(&["--max-pixels", "7840"]), (3136, 7840));
    assert_eq!(limits(&["--max-pixels", "2000"]), (2000, 2000));
    let config = dir.path().join("small.toml");
    std::fs::write(&config, "min_pixels = 1000\nmax_pixels = 9000\n").unwrap();
    let config = config.to_str().unwrap();
    assert_eq!(limits(&["--config-file", config]), (1000, 9000));
    assert_eq!(limits(&["--config-file", config, "--max-pixels", "8000"]), (1000, 8000));
    let (result, _, err) = output(dir.path(), &["--id", &id, "--min-pixels", "9", "--max-pixels", "8"]);
    assert!(result.status.code() == Some(2) && err.contains("--min-pixels 9 and --max-pixels 8"), "{err}");
}

#[test]
fn wrong_use_is_told() {
    let dir = tempfile::tempdir().unwrap();
    for (args, said) in [
        (&[][..], "--page"),
        (&["--page", "x.png"], "--question"),
        (&["--question", "Who?"], "--page"),
        (&["--page", "x.png", "--question", "Who?", "--target", "1,2,3"], "four numbers"),
        (&["--page", "x.png", "--question", "Who?", "--target", "9,2,3,4"], "x1 < x2"),
        (&["--page", "x.png", "--question", "Who?", "--id", "q"], "--id"),
        (&["--page", "x.png", "y.png", "--question", "Who?", "--json"], "one --page"),
        (&["--page", "x.png", "--question", "Who?", "--profile", "nope"], "rarl, grounding"),
        (&["--page", "x.png", "--question", "Who?", "--temperature", "-1"], "temperature"),
        (&["--page", "x.png", "--question", "Who?", "--top-p", "-1"], "top_p"),
        (&["--id", "no-such-question"], "no-such-question"),
        (&["--bench", "nope", "--id", "q"], "nope"),
    ] {
        let (result, out, err) = output(dir.path(), args);
        assert_eq!((result.status.code(), out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(err.contains(said), "{args:?}: {err}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_session_and_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut child =
        ask(dir.path(), &["--id", &demo_id(), "--json", "--no-record"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    reader.read_line(&mut text).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    reader.read_to_string(&mut text).unwrap();
    assert_eq!((child.wait().unwrap().code(), end_of(&whole(&text)).reason.as_str()), (Some(130), "stopped"));
}
