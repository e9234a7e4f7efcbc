use ratatui::style::Modifier;

use super::*;

const DARK: &str = include_str!("../../../themes/dark.toml");

fn shelf(depth: ColorDepth) -> Shelf {
    Shelf::open(None, depth)
}

fn luminance(rgb: [u8; 3]) -> f64 {
    let [r, g, b] = rgb.map(|v| {
        let v = f64::from(v) / 255.0;
        if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// WCAG's ratio of two colours.
fn ratio(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn rgb(color: Color, default: [u8; 3]) -> [u8; 3] {
    match color {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Indexed(n @ 232..) => [8 + 10 * (n - 232); 3],
        Color::Indexed(n) => {
            let n = n - 16;
            [n / 36, n / 6 % 6, n % 6].map(|i| [0, 95, 135, 175, 215, 255][usize::from(i)])
        }
        _ => default,
    }
}

fn contrast(theme: &Theme, role: Role) -> f64 {
    let style = theme.style(role);
    let paper = rgb(theme.depth.color(theme.paper), theme.paper);
    ratio(rgb(style.fg.unwrap(), theme.ink), rgb(style.bg.unwrap_or(Color::Reset), paper))
}

#[test]
fn every_theme_is_whole_and_there_are_eight() {
    for depth in [ColorDepth::True, ColorDepth::Indexed, ColorDepth::None] {
        let shelf = shelf(depth);
        assert_eq!(shelf.problems, Vec::<String>::new());
        assert!(shelf.themes().len() >= 8);
        for theme in shelf.themes() {
            assert!(theme.zooms.len() >= 3 && !theme.about.is_empty(), "{}", theme.name);
            let colors: std::collections::BTreeSet<_> = theme.zooms.iter().collect();
            assert_eq!(colors.len(), theme.zooms.len(), "{}: boxes differ", theme.name);
        }
    }
    for (i, role) in Role::ALL.into_iter().enumerate() {
        assert_eq!(role as usize, i);
    }
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/themes")).unwrap().count();
    assert_eq!(files, shelf(ColorDepth::True).themes().len(), "every file is listed");
}

#[test]
fn text_can_be_read_on_its_ground() {
    for theme in shelf(ColorDepth::True).themes() {
        let high = theme.name.starts_with("high-contrast");
        for role in Role::ALL {
            let least = match role {
                // Frames carry no meaning.
                Role::Border => 1.4,
                Role::Soft | Role::Faint | Role::Ghost | Role::Tag | Role::BarOther => 3.0,
                _ => 4.5,
            };
            let least = if high && role != Role::Border { f64::max(7.0, least) } else { least };
            let ratio = contrast(theme, role);
            assert!(ratio >= least, "{} {role:?}: {ratio:.2}", theme.name);
        }
        assert!(theme.dark == (luminance(theme.paper) < 0.2), "{}", theme.name);
    }
}

#[test]
fn text_can_be_read_with_256_colours_too() {
    for theme in shelf(ColorDepth::Indexed).themes() {
        for role in Role::ALL.into_iter().filter(|r| *r != Role::Border) {
            let least =
                if contrast(&Theme { depth: ColorDepth::True, ..theme.clone() }, role) < 4.5 { 2.2 } else { 3.0 };
            let ratio = contrast(theme, role);
            assert!(ratio >= least, "{} {role:?}: {ratio:.2}", theme.name);
        }
    }
}

#[test]
fn no_color_keeps_meaning_without_colours() {
    for theme in shelf(ColorDepth::None).themes() {
        for role in Role::ALL {
            let style = theme.style(role);
            assert!(style.fg.is_none_or(|c| c == Color::Reset) && style.bg.is_none_or(|c| c == Color::Reset));
        }
        assert!(theme.style(Role::Cursor).add_modifier.contains(Modifier::REVERSED));
        assert_ne!(theme.style(Role::Unsure), theme.style(Role::Sure), "{}", theme.name);
        assert_ne!(theme.style(Role::Doubtful), theme.style(Role::Unsure), "{}", theme.name);
        let mut buf = Buffer::empty(ratatui::layout::Rect::new(0, 0, 3, 1));
        let before = buf.clone();
        theme.paint(&mut buf);
        assert_eq!(buf, before, "nothing is painted");
    }
    assert_eq!(ColorDepth::None.pixel([1, 2, 3]), Color::Rgb(1, 2, 3));
}

#[test]
fn a_theme_that_fills_paints_only_what_has_no_ground() {
    let theme = Theme::named("newsprint", ColorDepth::True).unwrap();
    let mut buf = Buffer::empty(ratatui::layout::Rect::new(0, 0, 2, 1));
    buf[(1, 0)].bg = Color::Rgb(1, 2, 3);
    buf[(1, 0)].fg = Color::Rgb(4, 5, 6);
    theme.paint(&mut buf);
    let color = |[r, g, b]: [u8; 3]| Color::Rgb(r, g, b);
    assert_eq!((buf[(0, 0)].fg, buf[(0, 0)].bg), (color(theme.ink), color(theme.paper)));
    assert_eq!((buf[(1, 0)].fg, buf[(1, 0)].bg), (color([4, 5, 6]), color([1, 2, 3])));
    let mut dark = Buffer::empty(ratatui::layout::Rect::new(0, 0, 2, 1));
    Theme::builtin(true, ColorDepth::True).unwrap().paint(&mut dark);
    assert_eq!(dark[(0, 0)].bg, Color::Reset, "the terminal's own");
}

#[test]
fn faults_are_named() {
    let fault = |text: &str| Theme::parse("x", text, ColorDepth::True).unwrap_err().to_string();
    assert!(fault(&DARK.replace("fg = \"violet\"", "fg = \"violett\"")).contains("violett"));
    assert!(fault(&DARK.replace("ghost = { fg = \"faint\" }\n", "")).contains("Ghost"));
    assert!(fault(&DARK.replace("ink = \"#d8dbe2\"", "ink = \"#+12345\"")).contains("\"ink\" is neither"));
    assert_eq!(fault("inherit = 'dark'").split("; ").last().unwrap(), "did you mean `inherits`?");
    assert!(fault("inherits = 'x'").contains("inherits itself"));
    assert!(fault("inherits = 'noirr'").contains("did you mean noir?"));
    assert!(fault("[palette]\nink = '#000000'").contains("lacks"));
}

#[test]
fn a_palette_alone_makes_a_theme_and_a_persons_own_stand_on_the_shelf() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("mine.toml", "inherits = 'light'\n[palette]\nred = '#990000'\n");
    write("deeper.toml", "inherits = 'mine'\n[roles]\nwrong = { fg = 'red', italic = true }\n");
    write("light.toml", "inherits = 'light'\n[palette]\nred = '#880000'\n");
    write("broken.toml", "inherits = 'light'\ncolour = 3\n");
    write("noir.toml", "inherits = 'dark'\nabout = 'my own noir'\n");
    write("readme.md", "not a theme");
    let shelf = Shelf::open(Some(dir.path()), ColorDepth::True);
    let mine = shelf.find("mine").unwrap();
    assert_eq!(mine.style(Role::Wrong).fg, Some(Color::Rgb(0x99, 0, 0)));
    assert!(!mine.dark);
    let light = shelf.find("light").unwrap();
    assert_eq!(light.style(Role::Wrong).fg, Some(Color::Rgb(0x88, 0, 0)), "the shipped one with another red");
    let deeper = shelf.find("deeper").unwrap();
    assert_eq!(deeper.style(Role::Wrong).fg, Some(Color::Rgb(0x99, 0, 0)));
    assert!(deeper.style(Role::Wrong).add_modifier.contains(Modifier::ITALIC));
    assert_eq!(shelf.find("noir").unwrap().about, "my own noir");
    assert_eq!(shelf.problems.len(), 1);
    assert!(shelf.problems[0].contains("broken: 2:1: unknown field `colour`"), "{:?}", shelf.problems);
    assert!(shelf.find("broken").unwrap_err().to_string().contains("colour"), "asked for, it is said again");
    assert!(shelf.find("noirr").unwrap_err().to_string().contains("did you mean noir?"));
    assert_eq!(Shelf::open(Some(&dir.path().join("none")), ColorDepth::True).problems, Vec::<String>::new());
}

#[test]
fn the_background_chooses_where_no_name_does() {
    let wish = Wish { dark: "noir".to_owned(), ..Wish::default() };
    assert_eq!((wish.name(true), wish.name(false)), ("noir", "light"));
    assert_eq!(Wish { name: Some("blueprint".to_owned()), ..wish }.name(false), "blueprint");
}
