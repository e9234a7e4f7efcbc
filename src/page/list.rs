//! Which files are pages, and in which order.

use std::path::Path;

use super::PageError;

/// How the names of images that are read end, in lower case.
const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];
/// Most pages a folder lists.
const MAX_LISTED: usize = 1_000_000;

/// Whether a file of this name is taken for a page: by its ending; hidden files are not.
pub fn is_image_name(name: &str) -> bool {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let ending = base.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    !base.starts_with('.') && ending.is_some_and(|e| ENDINGS.contains(&e.as_str()))
}

/// Sorts as a person would: `page 2` before `page 10`.
pub fn natural_order(names: &mut [String]) {
    names.sort_by(|a, b| alphanumeric_sort::compare_str(a, b).then_with(|| a.cmp(b)));
}

/// Names of the images directly in a folder, in natural order. Names that are not Unicode are left out.
///
/// # Errors
/// [`PageError::Read`] where the folder cannot be read.
pub fn images_in(dir: &Path) -> Result<Vec<String>, PageError> {
    let failed = |source| PageError::Read { path: dir.to_owned(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if is_image_name(&name) && !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.push(name);
        }
        if names.len() >= MAX_LISTED {
            break;
        }
    }
    natural_order(&mut names);
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_is_natural_and_names_are_known() {
        let mut names = ["p10.png", "p9.png", "p1.png", "p02.png", "P3.png"].map(str::to_owned);
        natural_order(&mut names);
        assert_eq!(names, ["P3.png", "p1.png", "p02.png", "p9.png", "p10.png"]);
        for (name, is) in [("a.PNG", true), ("b/c.jpeg", true), (".x.png", false), ("a/.x.png", false), ("png", false)]
        {
            assert_eq!(is_image_name(name), is, "{name}");
        }
    }

    proptest! {
        // `sort_by` may panic where the order is not total.
        #[test]
        fn any_names_can_be_sorted(mut names in prop::collection::vec("[0-2a中é. -]{0,6}", 0..60)) {
            natural_order(&mut names);
            let digits: String = "9".repeat(5000);
            let mut huge = [format!("{digits}1.png"), format!("{digits}.png"), "1.png".to_owned()];
            natural_order(&mut huge);
            prop_assert_eq!(huge[0].as_str(), "1.png");
        }
    }
}
