#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::block::Block;
use super::view::{Shown, draw};
use crate::train::plot::read::read_lines;

/// What a terminal of this size shows, and how many rows of it.
fn screen(bytes: &[u8], columns: u16, rows: u16) -> Vec<String> {
    let size = |n: u16| std::num::NonZeroU16::new(n).unwrap();
    let mut parser = vt100::Parser::new(size(rows), size(columns), 1000);
    parser.process(bytes);
    parser.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect()
}

fn supervised(steps: u32) -> Shown {
    let lines: Vec<String> = (1..=steps)
        .map(|i| {
            let loss = 0.1 + 6.0 / f64::from(i);
            let check = if i % 5 == 0 { format!(",\"accuracy\":{}", 1.0 - 1.0 / f64::from(i)) } else { String::new() };
            format!("{{\"step\":{i},\"loss\":{loss},\"token_loss\":{},\"gradient_norm\":1.5{check}}}", loss / 2.0)
        })
        .collect();
    Shown {
        name: "sft-r".into(),
        stage: "text".into(),
        step: u64::from(steps),
        first: 0,
        of: 40,
        elapsed: 65.0,
        speed: Some(19.06),
        curves: read_lines(&lines.join("\n")),
    }
}

fn reinforced() -> Shown {
    let lines: Vec<String> = (1..=30)
        .map(|i| {
            let p = f64::from(i) / 30.0;
            format!(
                "{{\"step\":{i},\"reward\":{},\"reward_std\":1,\"reward_answer\":{p},\"accuracy\":{p},\"zoom_rate\":0.9,\
                 \"entropy\":{},\"kl\":{}}}",
                1.0 + p,
                0.8 - 0.3 * p,
                0.01 * p
            )
        })
        .collect();
    Shown { name: "grpo".into(), curves: read_lines(&lines.join("\n")), ..supervised(30) }
}

fn drawn(shown: &Shown, size: (u16, u16)) -> String {
    let buffer = draw(shown, size, true);
    let mut block = Block::new(Vec::new());
    block.draw(&buffer).unwrap();
    screen(block.written(), size.0, size.1).join("\n")
}

#[test]
fn a_supervised_training_on_a_usual_terminal() {
    insta::assert_snapshot!(drawn(&supervised(30), (80, 24)));
}

#[test]
fn a_training_by_reinforcement_on_a_wide_terminal() {
    insta::assert_snapshot!(drawn(&reinforced(), (160, 24)));
}

#[test]
fn any_size_is_drawn() {
    let shown = reinforced();
    for columns in [1, 2, 10, 59, 60, 61, 200, 500] {
        for rows in [1, 2, 3, 15, 16, 17, 40, 300] {
            let buffer = draw(&shown, (columns, rows), false);
            assert!(
                buffer.area.height < rows.max(2) && buffer.area.width < columns,
                "{columns}×{rows}: {:?}",
                buffer.area
            );
        }
    }
    assert_eq!(draw(&shown, (50, 24), true).area.height, 2, "too narrow: the heading");
    let narrow = drawn(&supervised(30), (60, 24));
    assert!(narrow.starts_with("sft-r · text · step 30 of 40 · 1:05 min · 22 s left\n"), "{narrow}");
    for shown in [Shown::default(), supervised(0), supervised(1)] {
        draw(&shown, (80, 24), true);
    }
}

#[test]
fn charts_are_drawn_where_they_stand_and_messages_above() {
    let mut block = Block::new(Vec::new());
    block.above("before").unwrap();
    for steps in 5..20 {
        block.draw(&draw(&supervised(steps), (80, 30), true)).unwrap();
        if steps == 10 {
            block.above("saved step-10").unwrap();
        }
    }
    let rows = screen(block.written(), 80, 30);
    assert_eq!(rows[..2], ["before", "saved step-10"]);
    assert!(
        rows[2].starts_with("sft-r · text · step 19 of 40 · 1:05 min · 1:12 min left · 19.1 samples/s"),
        "{}",
        rows[2]
    );
    assert_eq!(rows.iter().filter(|row| row.starts_with("sft-r")).count(), 1);
    assert!(rows[15..].iter().all(String::is_empty), "the cursor is below: {rows:?}");
    // Nothing is asked of the terminal, no mode is set.
    let text = String::from_utf8(block.written().to_vec()).unwrap();
    assert!(!text.contains("\x1b[?") && !text.contains("\x1b[6n"));
}

#[test]
fn an_unchanged_picture_is_not_written_again() {
    let mut block = Block::new(Vec::new());
    let picture = draw(&reinforced(), (120, 40), true);
    block.draw(&picture).unwrap();
    let before = block.written().len();
    block.draw(&picture).unwrap();
    assert_eq!(block.written().len(), before);
}

#[test]
fn hostile_names_cannot_command() {
    let mut shown = reinforced();
    shown.curves = read_lines("{\"step\":1,\"reward\":1,\"reward_\\u001b[2J\\u202e\":1}\n{\"step\":2,\"reward\":2}");
    shown.stage = "a\x1b[2J\nb".into();
    let mut block = Block::new(Vec::new());
    block.draw(&draw(&shown, (80, 24), true)).unwrap();
    let text = String::from_utf8(block.written().to_vec()).unwrap();
    assert!(!text.contains("\x1b[2J") && !text.contains('\u{202e}'), "{text:?}");
}
