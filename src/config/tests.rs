use super::*;

#[test]
fn a_configuration_is_read_whole() {
    let config = Config::parse(
        "theme = 'auto'\ntheme_dark = 'noir'\nimages = 'blocks'\nmouse = false\npace = 12.5\nsessions = 'logs'\n\
         model = 'm'\nprofile = 'rarl'\nbench = 'synth:3'\nbreakpoints = ['zoom', 'p < 0.2']\n\
         [keys.explorer]\nstep_token = ['t', 'x']\ntoggle_target = []\n",
    )
    .unwrap();
    assert_eq!(config.theme_dark.as_deref(), Some("noir"));
    assert_eq!((config.mouse, config.pace), (Some(false), Some(Pace::Tokens(12.5))));
    assert_eq!(config.breakpoints, ["zoom", "p < 0.2"]);
    assert_eq!(config.keys["explorer"]["step_token"], ["t", "x"]);
    let again = Config::parse(&toml::to_string(&config).unwrap()).unwrap();
    assert_eq!(again, config, "what is written is read again");
    assert_eq!(Config::parse("").unwrap(), Config::default());
    assert_eq!(Config::parse("pace = 'full'").unwrap().pace, Some(Pace::Full));
    assert_eq!(Config::parse("pace = 3").unwrap().pace, Some(Pace::Tokens(3.0)));
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_the_nearest_right_key() {
    for (text, wanted) in [
        ("mouse = true\nthemes = 'x'", "2:1: unknown field `themes`"),
        ("themes = 'x'", "did you mean `theme`?"),
        ("breakpoint = []", "did you mean `breakpoints`?"),
        ("mouse = 'on'", "1:9: invalid type: string \"on\", expected a boolean"),
        ("pace = 0", "the pace 0 is not tokens per second from 0.1 to 1000, or \"full\""),
        ("pace = 'fast'", "the pace \"fast\" is not"),
        ("pace = nan", "is not tokens per second"),
        ("\n\ntheme = ", "3:9: "),
        ("[keys.explorer]\nstep_token = 't'", "2:14: "),
    ] {
        let fault = Config::parse(text).unwrap_err().to_string();
        assert!(fault.contains(wanted), "{text}: {fault}");
    }
    for (text, wanted) in [
        ("[analysis]\nlooked_wrong = 1.5", "1.5 is not a share from 0 to 1"),
        ("[analysis]\ntightness = nan", "is not a share"),
        ("[analysis]\nloops = 1", "1 repetitions are none"),
        ("[analysis]\nlooked_wrng = 0.5", "did you mean `looked_wrong`?"),
    ] {
        let fault = Config::parse(text).unwrap_err().to_string();
        assert!(fault.contains(wanted), "{text}: {fault}");
    }
    assert!(!Config::parse("zzzzzzzz = 1").unwrap_err().to_string().contains("did you mean"));
}

#[test]
fn a_relative_sessions_folder_is_meant_from_the_files_folder_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    std::fs::write(&file, "sessions = 'logs'").unwrap();
    assert_eq!(Config::load(Some(&file)).unwrap().sessions, Some(dir.path().join("logs")));
    let missing = Config::load(Some(&dir.path().join("none.toml"))).unwrap_err().to_string();
    assert!(missing.contains("none.toml") && missing.starts_with("cannot read the configuration"), "{missing}");
}

#[test]
fn the_schema_is_checked_in_and_says_what_the_reader_says() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/config-v1.schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&place, &text).unwrap();
    }
    let have = std::fs::read_to_string(&place).unwrap_or_default();
    assert!(have == text, "{} is not up to date: run the tests with UPDATE_SCHEMA=1", place.display());
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (text, good) in [
        ("theme = 'noir'\npace = 3\n[keys.library]\nup = ['k']", true),
        ("pace = 'full'", true),
        ("themes = 'noir'", false),
        ("pace = 'fast'", false),
        ("pace = 0", false),
        ("mouse = 1", false),
        ("[analysis]\nlooked_wrong = 0.2\nloops = 6", true),
        ("[analysis]\nlooked_wrong = 2", false),
        ("[analysis]\nloops = 1", false),
        ("[keys.library]\nup = 'k'", false),
    ] {
        let value = serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
        assert_eq!(validator.is_valid(&value), good, "{text}");
        assert_eq!(Config::parse(text).is_ok(), good, "{text}");
    }
}
