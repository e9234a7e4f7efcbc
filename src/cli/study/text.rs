//! Tables for people: plain text, no colour.

/// A table whose columns stand below each other, the first to the left, the others to the right. Head cells may have several
/// lines.
pub(in crate::cli) fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let lines = head.iter().map(|cell| cell.lines().count()).max().unwrap_or(0);
    let line = |n: usize| -> Vec<String> {
        // Short heads stand at the bottom.
        let at = |cell: &str| (cell.lines().count() + n).checked_sub(lines);
        head.iter().map(|cell| at(cell).and_then(|i| cell.lines().nth(i)).unwrap_or_default().to_owned()).collect()
    };
    let all: Vec<Vec<String>> = (0..lines).map(line).chain(rows.iter().cloned()).collect();
    let width =
        |column: usize| all.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    for (n, row) in all.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate();
        let cells =
            cells.map(|(i, (text, &width))| if i == 0 { format!("{text:<width$}") } else { format!("{text:>width$}") });
        out += cells.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
        if n + 1 == lines {
            out += &"─".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1));
            out.push('\n');
        }
    }
    out
}

/// `12.3 %`.
pub(in crate::cli) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |x| format!("{:.1} %", 100.0 * x))
}

/// `+1.2 [-3.4, 5.6]` in hundredths.
pub(in crate::cli) fn points(difference: Option<f64>, ci95: Option<[f64; 2]>) -> String {
    let Some(d) = difference else { return "–".to_owned() };
    let ci = ci95.map_or_else(String::new, |[low, high]| format!(" [{:+.1}, {:+.1}]", 100.0 * low, 100.0 * high));
    format!("{:+.1}{ci}", 100.0 * d)
}

/// A p-value.
pub(in crate::cli) fn p_value(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p < 0.001 => "<.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let text = table(
            &["task".into(), "two\nlines".into()],
            &[vec!["a".into(), "1".into()], vec!["bcdef".into(), "23".into()]],
        );
        assert_eq!(text, "         two\ntask   lines\n────────────\na          1\nbcdef     23\n");
        assert_eq!(
            (percent(Some(0.5)), points(Some(-0.01), Some([-0.1, 0.0]))),
            ("50.0 %".into(), "-1.0 [-10.0, +0.0]".into())
        );
    }
}
