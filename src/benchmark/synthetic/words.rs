//! Closed lists of things that have a name.

/// An enum with `ALL` and `word()`, written in files as its word.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$item_doc])* #[serde(rename = $word)] $item),+
        }

        impl $name {
            /// Every one.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$item),+];

            /// As it is written.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$item => $word),+
                }
            }
        }
    };
}

pub(super) use named;
