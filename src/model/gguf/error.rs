//! What can be wrong with a GGUF file.

/// Why a GGUF file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GgufError {
    /// It does not begin as such files do.
    #[error("not a GGUF file")]
    Magic,
    /// Written with the bytes of numbers the other way round.
    #[error("a big-endian GGUF file; only little-endian ones are read")]
    BigEndian,
    /// Of a version nobody writes any more, or of one to come.
    #[error("GGUF version {0}; versions 2 and 3 are read")]
    Version(u32),
    /// It ends in the middle of something.
    #[error("ends within {what} at byte {at}")]
    Ends {
        /// What was being read.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// It claims more of something than it can hold, or than any honest file has.
    #[error("claims {count} {what} at byte {at}; at most {most} are possible")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: u64,
        /// How many are possible.
        most: u64,
        /// Where.
        at: usize,
    },
    /// A name or text is not UTF-8.
    #[error("{what} at byte {at} is not UTF-8")]
    Utf8 {
        /// What the text is.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// A value's type is none of the format's, or a list of lists.
    #[error("{key}: its type is {kind}, which is not read")]
    ValueType {
        /// The value's name.
        key: String,
        /// The type's number.
        kind: u32,
    },
    /// A truth value that is neither 0 nor 1.
    #[error("{key}: neither true nor false")]
    Bool {
        /// The value's name.
        key: String,
    },
    /// Two values or tensors of one name.
    #[error("{0} is given twice")]
    Twice(String),
    /// A value that is needed is not there.
    #[error("no {0}")]
    Missing(String),
    /// A value is of another type or out of range.
    #[error("{key}: {reason}")]
    Value {
        /// The value's name.
        key: String,
        /// What it should be.
        reason: String,
    },
    /// The alignment is not a power of two from 8 to 65536.
    #[error("general.alignment is {0}, not a power of two from 8 to 65536")]
    Alignment(u64),
    /// A tensor's sizes are none.
    #[error("{tensor}: its sizes {sizes:?} cannot be")]
    Sizes {
        /// The tensor.
        tensor: String,
        /// Its sizes, the shortest stride first.
        sizes: Vec<u64>,
    },
    /// A tensor's numbers are of a type nobody knows.
    #[error("{tensor}: its type has number {kind}, which is not known")]
    Kind {
        /// The tensor.
        tensor: String,
        /// The type's number.
        kind: u32,
    },
    /// A tensor's data do not begin where data may.
    #[error("{tensor}: its data begin at {offset}, no multiple of {alignment}")]
    Offset {
        /// The tensor.
        tensor: String,
        /// Bytes from the beginning of the data.
        offset: u64,
        /// What it must be a multiple of.
        alignment: u64,
    },
    /// A tensor's data end after the file.
    #[error("{tensor}: its data end {by} bytes after the file's end")]
    Beyond {
        /// The tensor.
        tensor: String,
        /// So many bytes are missing.
        by: u64,
    },
    /// Two tensors share bytes.
    #[error("the data of {first} and {second} overlap")]
    Overlap {
        /// The one that begins first.
        first: String,
        /// The one that begins in it.
        second: String,
    },
    /// One file of several.
    #[error("one of {0} files; put them together with `llama-gguf-split --merge`")]
    Split(u64),
    /// A model, but not of this architecture.
    #[error("{0}")]
    Other(String),
}
