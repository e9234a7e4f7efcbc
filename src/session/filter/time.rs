//! What may stand for a time in a filter: the beginning of one as logs have it, `2026-01-02T03:04:05Z`.

use jiff::civil::Date;

/// How a time is written to the second; `d` is a digit.
const FORM: &str = "dddd-dd-ddtdd:dd:dd";
/// Where its parts begin, of two digits each, how they are called, and the least and the most they can be.
const PARTS: [(usize, &str, u8, u8); 5] =
    [(5, "month", 1, 12), (8, "day", 1, 31), (11, "hour", 0, 23), (14, "minute", 0, 59), (17, "second", 0, 59)];

/// Why no time begins like this, in words; none where one does. The text is folded.
pub(super) fn fault(text: &str) -> Option<String> {
    if text.contains("..") {
        return Some("a span of time is written as two: started:>=2026-01-02 started:<=2026-02".to_owned());
    }
    let fits = text.chars().zip(FORM.chars()).all(|(c, form)| if form == 'd' { c.is_ascii_digit() } else { c == form });
    if !fits || !is_end(text.get(FORM.len()..).unwrap_or_default()) {
        return Some("started is a time such as 2026-01-02 or 2026-01-02T03:04, in UTC".to_owned());
    }
    for (at, name, least, most) in PARTS {
        let Some(part) = text.get(at..).map(|rest| rest.get(..2).unwrap_or(rest)).filter(|part| !part.is_empty())
        else {
            break;
        };
        if !(least..=most).any(|n| format!("{n:02}").starts_with(part)) {
            return Some(format!("there is no {name} {part}"));
        }
    }
    // Fewer days than 31.
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<i16>().ok());
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    date.is_err().then(|| format!("there is no day {day} in {year:04}-{month:02}"))
}

/// What may follow the seconds: parts of one, and the mark of UTC.
fn is_end(text: &str) -> bool {
    let text = text.strip_suffix('z').unwrap_or(text);
    text.is_empty() || text.strip_prefix('.').is_some_and(|digits| digits.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn beginnings_of_times_are_times() {
        let whole = "2026-02-28t23:59:59.123z";
        for n in 1..=whole.len() {
            assert_eq!(fault(&whole[..n]), None, "{}", &whole[..n]);
        }
        assert_eq!((fault("2024-02-29"), fault("2026-1"), fault("2026-12-3")), (None, None, None));
        for (text, part) in [
            ("2026-13", "no month 13"),
            ("2026-13-45", "no month 13"),
            ("2026-2", "no month 2"),
            ("2026-00", "no month 00"),
            ("2026-01-45", "no day 45"),
            ("2026-02-29", "no day 29 in 2026-02"),
            ("2026-01-02t24", "no hour 24"),
            ("2026-01-02t10:61", "no minute 61"),
            ("2026-01-02 10", "such as 2026-01-02"),
            ("2026/01", "such as 2026-01-02"),
            ("20265", "such as 2026-01-02"),
            ("2026é", "such as 2026-01-02"),
            ("2026-01-02t10:00:00+02:00", "in UTC"),
            ("2026-01..2026-02", "written as two"),
        ] {
            let found = fault(text).unwrap_or_default();
            assert!(found.contains(part), "{text}: {found}");
        }
    }
}
