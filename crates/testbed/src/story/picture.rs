//! The path of a change as a picture for a terminal.

use std::fmt::Write as _;

use super::hop::Place;
use super::journey::Journey;

/// Draws the path: what each place holds, and the one passage id that runs through it.
pub fn picture(title: &str, journey: &Journey) -> String {
    let passage = journey.passage.as_deref().unwrap_or("none yet");
    let mut text = format!("{title}   passage {}\n", short(passage));
    let steps = [
        ("forge", "source commit", Place::Pushed),
        ("build", "image", Place::Image),
        ("forge", "configuration", Place::Config),
        ("staging", "deployed", Place::Deployed),
        ("staging", "verified", Place::Verified),
        ("forge", "promoted", Place::Promoted),
    ];
    for (index, (place, label, hop)) in steps.into_iter().enumerate() {
        if index > 0 {
            text.push_str("           │\n");
        }
        let found = journey.hops.iter().find(|found| found.place == hop);
        let line = match (found, hop) {
            (Some(found), Place::Config) => {
                format!("{} on branch staging", short(&found.what))
            }
            (Some(found), Place::Promoted) => {
                format!("{} on branch production", short(&found.what))
            }
            (Some(found), Place::Image) => image(&found.what),
            (Some(found), _) => short(&found.what).to_owned(),
            (None, _) => {
                let why = journey.stopped.as_deref().unwrap_or("not reached");
                let _ = writeln!(text, " {place:>8} ✗ {label}: {why}");
                break;
            }
        };
        let after = found.map(|found| format!("{:5.1} s", found.after.as_secs_f32()));
        let _ = writeln!(text, " {place:>8} ● {label:14} {line:44} {}", after.unwrap_or_default());
    }
    text
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// The end of an image's name and the beginning of its digest.
fn image(reference: &str) -> String {
    let (name, digest) = reference.split_once('@').unwrap_or((reference, ""));
    let name = name.split_once('/').map_or(name, |(_, name)| name);
    format!("{name}@{}", digest.get(..19).unwrap_or(digest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::hop::Hop;
    use super::*;

    #[test]
    fn a_stopped_change_shows_where_and_why() {
        let hop =
            |place, what: &str| Hop { place, what: what.into(), after: Duration::from_secs(1) };
        let journey = Journey {
            source: "a".repeat(40),
            hops: vec![
                hop(Place::Pushed, &"a".repeat(40)),
                hop(Place::Image, "127.0.0.1:5000/demo/shop@sha256:0123456789abcdef"),
                hop(Place::Config, &"c".repeat(40)),
            ],
            passage: Some("p".repeat(64)),
            stopped: Some("Unhealthy: no cpu".into()),
        };
        let text = picture("third", &journey);
        assert!(text.starts_with("third   passage pppppppppppp\n"), "{text}");
        assert!(text.contains("demo/shop@sha256:0123456789ab"), "{text}");
        assert!(text.ends_with("✗ deployed: Unhealthy: no cpu\n"), "{text}");
    }
}
