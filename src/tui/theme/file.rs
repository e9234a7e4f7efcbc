//! A theme's TOML, and how it is laid over what it inherits.

use std::collections::BTreeMap;

use ratatui::style::{Modifier, Style};
use serde::Deserialize;

use super::{ColorDepth, Role, Theme, ThemeError};
use crate::config::Fault;

/// Most themes one may inherit through.
const MOST_STEPS: usize = 8;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    about: Option<String>,
    inherits: Option<String>,
    dark: Option<bool>,
    fill: Option<bool>,
    palette: BTreeMap<String, String>,
    roles: BTreeMap<Role, Spec>,
    boxes: Boxes,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Spec {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reversed: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Boxes {
    zooms: Option<Vec<String>>,
    target: Option<String>,
    halo: Option<String>,
}

impl File {
    fn read(name: &str, text: &str) -> Result<Self, ThemeError> {
        toml::from_str(text)
            .map_err(|error| ThemeError::Syntax { name: name.to_owned(), fault: Fault::of(text, &error) })
    }

    /// What this file leaves open is as in `base`.
    fn over(mut self, base: Self) -> Self {
        let (mut palette, mut roles) = (base.palette, base.roles);
        palette.append(&mut self.palette);
        roles.append(&mut self.roles);
        Self {
            about: self.about.or(base.about),
            inherits: None,
            dark: self.dark.or(base.dark),
            fill: self.fill.or(base.fill),
            palette,
            roles,
            boxes: Boxes {
                zooms: self.boxes.zooms.or(base.boxes.zooms),
                target: self.boxes.target.or(base.boxes.target),
                halo: self.boxes.halo.or(base.boxes.halo),
            },
        }
    }
}

/// The file of a theme with all it inherits.
fn whole(name: &str, texts: &BTreeMap<String, String>) -> Result<File, ThemeError> {
    let text = |wanted: &str| {
        texts.get(wanted).ok_or_else(|| ThemeError::Unknown { name: wanted.to_owned(), instead: known(wanted, texts) })
    };
    let mut file = File::read(name, text(name)?)?;
    let mut at = name.to_owned();
    for _ in 0..MOST_STEPS {
        let Some(base) = file.inherits.take() else { return Ok(file) };
        // One's own `dark` that inherits `dark` means the shipped one below it.
        let shipped = (base == at).then(|| super::shelf::shipped_text(&base)).flatten();
        let mut under = File::read(&base, shipped.map_or_else(|| text(&base).map(String::as_str), Ok)?)?;
        let next = under.inherits.take();
        file = file.over(under);
        file.inherits = next;
        at = base;
    }
    match file.inherits {
        None => Ok(file),
        Some(_) => Err(ThemeError::Circle { name: name.to_owned() }),
    }
}

/// What there is in the place of a theme that is not there.
pub(super) fn known(wanted: &str, texts: &BTreeMap<String, String>) -> String {
    let names: Vec<&str> = texts.keys().map(String::as_str).collect();
    let list = format!("there are {}", names.join(", "));
    crate::text::nearest(wanted, &names).map_or_else(|| list.clone(), |near| format!("did you mean {near}? ({list})"))
}

/// The theme of this name among these texts.
pub(super) fn build(name: &str, texts: &BTreeMap<String, String>, depth: ColorDepth) -> Result<Theme, ThemeError> {
    let file = whole(name, texts)?;
    let lacks = |what: &str| ThemeError::Missing { name: name.to_owned(), what: what.to_owned() };
    let rgb = |color: &str| {
        let text = file.palette.get(color).map_or(color, String::as_str);
        parse_rgb(text).ok_or_else(|| ThemeError::Color { name: name.to_owned(), color: color.to_owned() })
    };
    // Every colour of the palette must be one, used or not.
    for color in file.palette.keys() {
        rgb(color)?;
    }
    let ground = |name: &str| {
        if file.palette.contains_key(name) { rgb(name) } else { Err(lacks(&format!("`{name}` in [palette]"))) }
    };
    let mut styles = Vec::with_capacity(Role::ALL.len());
    for role in Role::ALL {
        let spec = file.roles.get(&role).ok_or_else(|| lacks(&format!("{role:?} in [roles]")))?;
        styles.push(spec.style(depth, &rgb)?);
    }
    let boxes = &file.boxes;
    let zooms = boxes.zooms.iter().flatten().map(|c| rgb(c)).collect::<Result<Vec<_>, _>>()?;
    if zooms.is_empty() {
        return Err(lacks("`zooms` in [boxes]"));
    }
    Ok(Theme {
        name: name.to_owned(),
        about: file.about.clone().unwrap_or_default(),
        dark: file.dark.ok_or_else(|| lacks("`dark`"))?,
        fill: file.fill.unwrap_or(false),
        ink: ground("ink")?,
        paper: ground("paper")?,
        zooms,
        target: rgb(boxes.target.as_deref().ok_or_else(|| lacks("`target` in [boxes]"))?)?,
        halo: rgb(boxes.halo.as_deref().ok_or_else(|| lacks("`halo` in [boxes]"))?)?,
        depth,
        styles,
    })
}

impl Spec {
    fn style(
        &self,
        depth: ColorDepth,
        rgb: &impl Fn(&str) -> Result<[u8; 3], ThemeError>,
    ) -> Result<Style, ThemeError> {
        let mut style = Style::new();
        if let Some(fg) = &self.fg {
            style = style.fg(depth.color(rgb(fg)?));
        }
        if let Some(bg) = &self.bg {
            style = style.bg(depth.color(rgb(bg)?));
            if depth == ColorDepth::None {
                style = style.add_modifier(Modifier::REVERSED);
            }
        }
        let modifiers = [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.italic, Modifier::ITALIC),
            (self.underline, Modifier::UNDERLINED),
            (self.reversed, Modifier::REVERSED),
        ];
        Ok(modifiers.into_iter().filter(|(on, _)| *on).fold(style, |s, (_, m)| s.add_modifier(m)))
    }
}

fn parse_rgb(text: &str) -> Option<[u8; 3]> {
    let hex = text.strip_prefix('#').filter(|h| h.len() == 6 && h.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let number = u32::from_str_radix(hex, 16).ok()?;
    let [_, r, g, b] = number.to_be_bytes();
    Some([r, g, b])
}
