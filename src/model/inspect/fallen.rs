//! Matrices that cannot be kept in the format that was asked for.

use crate::model::kernels::Format;
use crate::model::weights::Weights;
use crate::model::{Config, FileSource, LoadOptions, ModelError};

/// What of the language model is not kept as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fallen {
    /// Matrices of the language model.
    pub matrices: usize,
    /// Those whose rows do not divide into the blocks of the format that was asked for, and the format they get instead.
    pub instead: Vec<(String, Format)>,
}

/// Finds what would not be kept as it is asked for. Only headers are read.
///
/// # Errors
/// As loading would say it.
pub fn fallen_back(source: &FileSource, options: &LoadOptions) -> Result<Fallen, ModelError> {
    if options.quant.is_none() {
        return Ok(Fallen::default());
    }
    let config = Config::from_json(&source.read("config.json")?)?;
    let mut weights = Weights::open(source, options)?;
    weights.check(&config)?;
    Ok(Fallen { matrices: weights.maps().count(), instead: weights.fallen_back() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::Quant;

    #[test]
    fn narrow_matrices_fall_back_to_what_fits() {
        let source = FileSource::Folder(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo-rarl").into());
        let fallen = |quant| fallen_back(&source, &LoadOptions { quant, ..LoadOptions::default() }).unwrap();
        assert_eq!((fallen(None), fallen(Some(Quant::Q8_0)).instead), (Fallen::default(), Vec::new()));
        // The table, and seven maps in each of five blocks: rows of 128 or 384 numbers are no blocks of 256.
        let four = fallen(Some(Quant::Q4K));
        assert_eq!((four.instead.len(), four.matrices), (1 + 5 * 7, 1 + 5 * 7));
        assert!(four.instead.iter().all(|(_, format)| *format == Format::Q8_0), "{four:?}");
    }
}
