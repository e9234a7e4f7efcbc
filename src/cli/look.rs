//! How the explorer looks: flags first, then the configuration, then what is usual.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::images_flag::ImagesFlag;
use super::sessions::store;
use super::{CliError, Global};
use crate::config::{self, Config};
use crate::demo;
use crate::model::sampler::Sampling;
use crate::protocol::Profile;
use crate::session;
use crate::text::one_line;
use crate::tui::Options;
use crate::tui::playhead::Pace;
use crate::tui::theme::{ColorDepth, Shelf, Theme, Wish};

/// How the explorer looks.
#[derive(Args, Debug, Clone)]
pub(super) struct Look {
    /// How pixels reach the terminal [default: auto]
    #[arg(long, value_enum, value_name = "HOW")]
    images: Option<ImagesFlag>,
    /// Theme by name, or auto: as the terminal's background is [default: auto]
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,
    /// Leave the mouse to the terminal
    #[arg(long)]
    no_mouse: bool,
}

impl Look {
    /// Options for the demo with this look.
    ///
    /// # Errors
    /// The configuration names something that is not there, or the sessions folder or the built-in profile cannot be used.
    pub(super) fn options(&self, global: &Global) -> Result<Options, CliError> {
        let settings = &global.settings;
        Ok(Options {
            images: self.images(settings)?.mode(),
            theme: self.wish(settings)?,
            themes: themes_folder(),
            keys: settings.keys.clone(),
            mouse: !self.no_mouse && settings.mouse.unwrap_or(true),
            pace: settings.pace.map(|pace| match pace {
                config::Pace::Tokens(rate) => Pace::Tokens(rate),
                config::Pace::Full => Pace::Unlimited,
            }),
            breakpoints: settings
                .breakpoints
                .iter()
                .map(|b| b.parse())
                .collect::<Result<_, _>>()
                .map_err(CliError::usage)?,
            bench: "demo".to_owned(),
            model: demo::model_source().into(),
            profile: Arc::new(Profile::builtin("rarl").map_err(CliError::failed)?),
            sampling: Sampling::default(),
            seed: 0,
            store: Some(store(global)?),
            lines: settings.analysis,
            person: session::person(settings.name.as_deref()),
            record: true,
            looking: settings.record.into(),
            speed: 1.0,
            scripted: None,
            run: None,
        })
    }

    /// Which theme is wanted; every theme that may come of it can be used.
    fn wish(&self, settings: &Config) -> Result<Wish, CliError> {
        check_themes(settings)?;
        let usual = Wish::default();
        let name = self.theme.as_ref().or(settings.theme.as_ref()).filter(|name| *name != "auto");
        if let Some(name) = &self.theme
            && name != "auto"
        {
            shelf().find(name).map_err(|why| CliError::usage(one_line(&why.to_string())))?;
        }
        Ok(Wish {
            name: name.cloned(),
            dark: settings.theme_dark.clone().unwrap_or(usual.dark),
            light: settings.theme_light.clone().unwrap_or(usual.light),
        })
    }

    /// The theme for a picture, in all colours: the dark one where none is named.
    ///
    /// # Errors
    /// There is none of that name.
    pub(super) fn theme(&self, settings: &Config) -> Result<Theme, CliError> {
        shelf().find(self.wish(settings)?.name(true)).map_err(CliError::usage)
    }

    /// How pixels reach the terminal.
    ///
    /// # Errors
    /// The configuration names no way.
    pub(super) fn images(&self, settings: &Config) -> Result<ImagesFlag, CliError> {
        images(self.images, settings)
    }
}

/// The folder of a person's own themes.
pub(super) fn themes_folder() -> Option<PathBuf> {
    config::dir().map(|dir| dir.join("themes"))
}

fn shelf() -> Shelf {
    Shelf::open(themes_folder().as_deref(), ColorDepth::True)
}

/// Checks what only commands can: the configuration's images and themes.
///
/// # Errors
/// Says which value is none, and what there is.
pub(super) fn check(settings: &Config) -> Result<(), CliError> {
    images_of(settings)?;
    check_themes(settings)
}

/// How pixels reach the terminal: by flag, else by configuration.
///
/// # Errors
/// The configuration names no way.
pub(super) fn images(flag: Option<ImagesFlag>, settings: &Config) -> Result<ImagesFlag, CliError> {
    Ok(flag.or(images_of(settings)?).unwrap_or_default())
}

fn images_of(settings: &Config) -> Result<Option<ImagesFlag>, CliError> {
    let Some(how) = &settings.images else { return Ok(None) };
    let flag = ImagesFlag::from_str(how, false).map_err(|_| {
        let known = ImagesFlag::value_variants().iter().filter_map(ImagesFlag::to_possible_value);
        let known: Vec<String> = known.map(|v| v.get_name().to_owned()).collect();
        CliError::usage(one_line(&format!("configuration: images = \"{how}\" is none of {}", known.join(", "))))
    })?;
    Ok(Some(flag))
}

fn check_themes(settings: &Config) -> Result<(), CliError> {
    let named = [
        ("theme", settings.theme.as_deref().filter(|name| *name != "auto")),
        ("theme_dark", settings.theme_dark.as_deref()),
        ("theme_light", settings.theme_light.as_deref()),
    ];
    let named: Vec<(&str, &str)> = named.into_iter().filter_map(|(key, name)| Some((key, name?))).collect();
    if named.is_empty() {
        return Ok(());
    }
    let shelf = shelf();
    for (key, name) in named {
        let wrong = |why| CliError::usage(one_line(&format!("configuration: {key}: {why}")));
        shelf.find(name).map(drop).map_err(wrong)?;
    }
    Ok(())
}
