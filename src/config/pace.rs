//! `pace`: tokens a second, or all at once.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// How fast a live session is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many tokens a second, from 0.1 to 1000.
    Tokens(f64),
    /// As fast as they come.
    Full,
}

/// What may be written.
const WANTED: &str = "tokens per second from 0.1 to 1000, or \"full\"";

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Pace;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_f64<E: Error>(self, rate: f64) -> Result<Pace, E> {
        let good = (0.1..=1000.0).contains(&rate);
        good.then_some(Pace::Tokens(rate)).ok_or_else(|| E::custom(format!("the pace {rate} is not {WANTED}")))
    }

    fn visit_i64<E: Error>(self, rate: i64) -> Result<Pace, E> {
        self.visit_f64(rate as f64)
    }

    fn visit_u64<E: Error>(self, rate: u64) -> Result<Pace, E> {
        self.visit_f64(rate as f64)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Pace, E> {
        (word == "full").then_some(Pace::Full).ok_or_else(|| E::custom(format!("the pace \"{word}\" is not {WANTED}")))
    }
}

impl<'de> Deserialize<'de> for Pace {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

impl Serialize for Pace {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Tokens(rate) => to.serialize_f64(*rate),
            Self::Full => to.serialize_str("full"),
        }
    }
}

impl schemars::JsonSchema for Pace {
    fn schema_name() -> Cow<'static, str> {
        "Pace".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Tokens a second, or all at once.",
            "oneOf": [
                { "type": "number", "minimum": 0.1, "maximum": 1000 },
                { "const": "full" }
            ]
        })
    }
}
