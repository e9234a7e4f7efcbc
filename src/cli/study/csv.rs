//! Tables as CSV.

use crate::cli::CliError;

/// Rows as CSV (RFC 4180). Texts that a spreadsheet would compute (`=…`, `+…`, `-…`, `@…`) get an apostrophe before them.
pub(in crate::cli) fn csv(head: &[&str], rows: impl IntoIterator<Item = Vec<Value>>) -> Result<String, CliError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head).map_err(CliError::failed)?;
    for row in rows {
        writer.write_record(row.into_iter().map(Value::cell)).map_err(CliError::failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| CliError::failed(error.error()))?;
    String::from_utf8(bytes).map_err(CliError::failed)
}

/// One value of a table.
pub(in crate::cli) enum Value {
    Text(String),
    Number(f64),
    Count(usize),
    Nothing,
}

impl Value {
    fn cell(self) -> String {
        match self {
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
            Self::Text(text) => text,
            Self::Number(x) => x.to_string(),
            Self::Count(n) => n.to_string(),
            Self::Nothing => String::new(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Self::Count(n)
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_computes_nothing() {
        let text = csv(&["a", "b"], [vec!["=1+1".into(), (-0.5).into()], vec!["x,\"y\"".into(), None::<f64>.into()]]);
        assert_eq!(text.unwrap_or_default(), "a,b\n'=1+1,-0.5\n\"x,\"\"y\"\"\",\n");
    }
}
