//! Whether a file is shorter than its own beginning says.

use std::fs::File;
use std::path::Path;

use super::cursor::MOST_HEADER;
use super::error::GgufError;
use super::file::Gguf;
use crate::model::source::map_file;

/// Whether a file ends before what its beginning announces does. What is otherwise wrong with it is for whoever loads it to
/// say, and so is a file that cannot be opened.
pub fn is_cut(path: &Path) -> bool {
    File::open(path).and_then(|handle| map_file(&handle)).is_ok_and(|bytes| ends_early(&bytes))
}

fn ends_early(bytes: &[u8]) -> bool {
    match Gguf::read(bytes) {
        Err(GgufError::Magic) => bytes.len() < 4,
        Err(GgufError::Beyond { .. }) => true,
        // In a file longer than any beginning it is the beginning that is too long.
        Err(GgufError::Ends { .. } | GgufError::TooMany { .. }) => bytes.len() <= MOST_HEADER,
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::value::Value;
    use super::super::write::{Planned, beginning, data};
    use super::*;
    use crate::model::kernels::Format;

    #[test]
    fn every_end_but_the_own_one_is_early() {
        let values = [
            ("general.name".to_owned(), Value::Text("grün".to_owned())),
            ("tokens".to_owned(), Value::Texts(vec!["a".to_owned(); 40])),
            ("kinds".to_owned(), Value::Wholes(vec![1; 40])),
        ];
        let tensor = |name: &str, numbers: usize| Planned {
            name: name.to_owned(),
            shape: vec![numbers],
            format: Format::F32,
            bytes: numbers * 4,
        };
        let mut file = beginning(&values, &[tensor("a", 8), tensor("b", 3)]);
        let begins = file.len();
        [32, 12].iter().for_each(|bytes| data(&mut file, &vec![7; *bytes]).unwrap());
        // Zeros behind the last tensor's numbers are nobody's.
        for length in 1..begins + 32 + 12 {
            assert!(ends_early(&file[..length]), "{length} of {}", file.len());
        }
        assert!(!ends_early(&file[..begins + 32 + 12]) && !ends_early(&file));
        // What is no such file, or damaged, is not cut.
        assert!(!ends_early(b"nonsense"));
        file[4] = 9;
        assert!(!ends_early(&file));
        assert!(!is_cut(Path::new("/no/such/file.gguf")));
    }
}
