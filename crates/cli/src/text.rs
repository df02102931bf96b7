//! Times, spans, images and long lines, as people read them on a terminal.

use jiff::Timestamp;

/// Width of a short id.
pub(crate) const ID: usize = 12;

/// A time in UTC.
pub(crate) fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A span, in its two largest units.
pub(crate) fn lasting(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min {} s", seconds % 60),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// A span since another time, with its sign.
pub(crate) fn span(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "+" };
    format!("{sign}{}", lasting(seconds.unsigned_abs()))
}

/// An image with the beginning of its digest.
pub(crate) fn image(image: &str) -> String {
    let (name, digest) = image.split_once('@').unwrap_or((image, ""));
    let at = if digest.is_empty() { "" } else { "@" };
    let digest: String = digest.chars().take("sha256:".len() + ID).collect();
    format!("{name}{at}{digest}")
}

/// A text cut with a mark after `most` characters.
pub(crate) fn fits(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A text in lines of at most `width` characters, broken between words; a longer word has a line of its
/// own.
pub(crate) fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let word_length = word.chars().count();
        match lines.last_mut() {
            Some(line) if length + 1 + word_length <= width => {
                line.push(' ');
                line.push_str(word);
                length += 1 + word_length;
            }
            _ => {
                lines.push(word.to_owned());
                length = word_length;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (seconds, text) in [
            (0, "+0 s"),
            (59, "+59 s"),
            (61, "+1 min 1 s"),
            (3_700, "+1 h 1 min"),
            (90_000, "+1 d 1 h"),
            (-61, "-1 min 1 s"),
            (i64::MIN, "-106751991167300 d 15 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn moments_are_in_utc() {
        let time = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(moment(time), "2023-11-14 22:13:20");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(lines("a bb  ccc dddddd e", 4), ["a bb", "ccc", "dddddd", "e"]);
        assert_eq!(lines(" ", 4), Vec::<String>::new());
    }

    #[test]
    fn digests_are_shortened() {
        let digest = format!("r.example/a@sha256:{}", "d".repeat(64));
        assert_eq!(image(&digest), "r.example/a@sha256:dddddddddddd");
        assert_eq!(image("r.example/a:1"), "r.example/a:1");
    }
}
