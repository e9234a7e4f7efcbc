//! The table of failures as JSON that scripts may rely on.

use serde_json::{Map, Value, json};

use super::group::{Cell, Group, Quadrant};
use super::table::{Looked, Row, Share, Table};
use crate::analysis::Label;

impl Table {
    /// `{"v", "n", "labels": [{"name", "meaning", "failure"}], "rows": […]}`; every count comes with the filter that finds
    /// its sessions.
    pub fn to_json(&self) -> Map<String, Value> {
        let table = self;
        let label = |label: &Label| json!({"name": label, "meaning": label.meaning(), "failure": label.is_failure()});
        let rows: Vec<Value> = table.rows.iter().map(|row| row_json(table, row)).collect();
        let n = table.rows.first().map_or(0, |row| row.n);
        let fields = [
            ("v", json!(1)),
            ("n", json!(n)),
            ("labels", table.labels.iter().map(label).collect()),
            ("rows", Value::Array(rows)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn row_json(table: &Table, row: &Row) -> Value {
    let cells = table.labels.iter().zip(&row.cells);
    let cell =
        |(label, share): (&Label, &Share)| (label.name().to_owned(), share_json(share, Cell::Label(row.group, *label)));
    json!({
        "group": row.group,
        "kind": row.group.kind(),
        "n": row.n,
        "filter": row.group.filter(),
        "failures": row.failures,
        "other": row.other,
        "labels": cells.map(cell).collect::<Map<String, Value>>(),
        "looked": looked_json(&row.looked, row.group),
    })
}

fn share_json(share: &Share, cell: Cell) -> Value {
    json!({"count": share.count, "share": share.share, "ci95": share.ci95, "filter": cell.filter()})
}

fn looked_json(looked: &Looked, group: Group) -> Value {
    let one = |cell: Quadrant| share_json(&looked.get(cell), Cell::Looked(group, cell));
    let [right_right, right_wrong, wrong_right, wrong_wrong] = Quadrant::ALL.map(one);
    json!({
        "n": looked.n,
        "unknown": looked.unknown,
        "right_right": right_right,
        "right_wrong": right_wrong,
        "wrong_right": wrong_right,
        "wrong_wrong": wrong_wrong,
    })
}
