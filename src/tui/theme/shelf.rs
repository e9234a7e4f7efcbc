//! All themes there are: those that come with the program, and a person's own.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ColorDepth, Theme, ThemeError, file};

/// The shipped themes, in the order in which they are listed.
const SHIPPED: [(&str, &str); 10] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("high-contrast-light", include_str!("../../../themes/high-contrast-light.toml")),
    ("ligne-claire", include_str!("../../../themes/ligne-claire.toml")),
    ("newsprint", include_str!("../../../themes/newsprint.toml")),
    ("risograph", include_str!("../../../themes/risograph.toml")),
    ("noir", include_str!("../../../themes/noir.toml")),
    ("four-colour", include_str!("../../../themes/four-colour.toml")),
    ("blueprint", include_str!("../../../themes/blueprint.toml")),
];

/// The text of a shipped theme.
pub(super) fn shipped_text(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Most bytes a theme's file may have, and most files that are looked at.
const MOST_BYTES: u64 = 1 << 18;
const MOST_FILES: usize = 200;

/// The shipped themes' texts by name.
pub(super) fn shipped() -> BTreeMap<String, String> {
    SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Which theme a person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// A theme's name; `None` goes by the terminal's background.
    pub name: Option<String>,
    /// The theme on a dark background.
    pub dark: String,
    /// The theme on a light background.
    pub light: String,
}

impl Default for Wish {
    fn default() -> Self {
        Self { name: None, dark: "dark".to_owned(), light: "light".to_owned() }
    }
}

impl Wish {
    /// The name of the wanted theme on a dark or light background.
    pub fn name(&self, dark: bool) -> &str {
        self.name.as_deref().unwrap_or(if dark { &self.dark } else { &self.light })
    }
}

/// All themes that can be used, and what is wrong with the others.
#[derive(Clone, Debug)]
pub struct Shelf {
    themes: Vec<Theme>,
    /// A sentence for each theme of a person's own that cannot be used.
    pub problems: Vec<String>,
    texts: BTreeMap<String, String>,
    depth: ColorDepth,
}

impl Shelf {
    /// The shipped themes and those in `folder/*.toml`, of which a name that is shipped stands in that one's place.
    pub fn open(folder: Option<&Path>, depth: ColorDepth) -> Self {
        let mut texts = shipped();
        let mut problems = Vec::new();
        let mut names: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        for (name, text) in folder.map(own).unwrap_or_default() {
            match text {
                Ok(text) => {
                    if !names.contains(&name) {
                        names.push(name.clone());
                    }
                    texts.insert(name, text);
                }
                Err(source) => problems.push(ThemeError::Read { name, source }.to_string()),
            }
        }
        let mut themes = Vec::new();
        for name in names {
            match file::build(&name, &texts, depth) {
                Ok(theme) => themes.push(theme),
                Err(why) => problems.push(why.to_string()),
            }
        }
        Self { themes, problems, texts, depth }
    }

    /// The themes that can be used.
    pub fn themes(&self) -> &[Theme] {
        &self.themes
    }

    /// The theme of this name.
    ///
    /// # Errors
    /// There is none, or what is wrong with it.
    pub fn find(&self, name: &str) -> Result<Theme, ThemeError> {
        match self.themes.iter().find(|t| t.name == name) {
            Some(theme) => Ok(theme.clone()),
            None => file::build(name, &self.texts, self.depth),
        }
    }
}

/// A person's own themes: names and texts, in the order of their names.
fn own(folder: &Path) -> Vec<(String, std::io::Result<String>)> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = files.filter_map(|f| f.ok().map(|f| f.path())).filter(|p| p.extension().is_some_and(|e| e == "toml"));
    let named = paths.filter_map(|p| Some((p.file_stem()?.to_str()?.to_owned(), p)));
    let mut own: Vec<_> = named.take(MOST_FILES).map(|(name, path)| (name, read(&path))).collect();
    own.sort_by(|a, b| a.0.cmp(&b.0));
    own
}

fn read(path: &Path) -> std::io::Result<String> {
    if !path.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let text = crate::config::read_bounded(path, MOST_BYTES)?;
    text.ok_or_else(|| std::io::Error::other("larger than any theme is"))
}
