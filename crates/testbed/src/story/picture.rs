//! The path of a change as a picture for a terminal.

use std::fmt::Write as _;

use super::hop::{Hop, Place};
use super::journey::Journey;
use super::short;

/// Draws the path: what each place holds, the requests that carried it, and the one passage id that
/// runs through it.
pub fn picture(title: &str, journey: &Journey) -> String {
    let mut text = title.to_owned();
    if let Some(passage) = &journey.passage {
        let _ = write!(text, "   passage {}", short(passage));
    }
    text.push('\n');
    for place in journey.way.iter().copied() {
        let Some((at, label)) = shown(place) else { continue };
        let Some(hop) = journey.hops.iter().find(|hop| hop.place == place) else {
            let why = journey.stopped.as_deref().unwrap_or("not reached");
            let _ = writeln!(text, "{at:>10} ✗ {label}: {why}");
            break;
        };
        let line = line(journey, hop);
        let after = format!("{:5.1} s", hop.after.as_secs_f32());
        let _ = writeln!(text, "{at:>10} ● {label:13} {line:64} {after}");
    }
    text
}

/// Where a hop is shown and as what; some are not worth a line.
fn shown(place: Place) -> Option<(&'static str, &'static str)> {
    Some(match place {
        Place::Pushed => ("forge", "source commit"),
        Place::Image => ("build", "image"),
        Place::Config => ("forge", "configuration"),
        Place::Offered | Place::ProductionOffered => ("forge", "request"),
        Place::Merged | Place::ProductionMerged => ("forge", "merged"),
        Place::Deployed => ("staging", "deployed"),
        Place::Verified => ("staging", "verified"),
        Place::Promoted => ("forge", "promoted"),
        Place::ProductionDeployed => ("production", "deployed"),
        Place::ProductionVerified => ("production", "verified"),
        Place::Reverted => ("staging", "stays so"),
        Place::Source | Place::Fetched => return None,
    })
}

fn line(journey: &Journey, hop: &Hop) -> String {
    let environment = match hop.place {
        Place::Config | Place::Offered | Place::Merged => "staging",
        _ => "production",
    };
    let merged = journey.request_into(environment);
    match hop.place {
        Place::Image => image(&hop.what),
        Place::Config | Place::Promoted => {
            let branch = merged.map_or(environment, |merged| merged.request.branch.as_str());
            format!("{} on branch {branch}", short(&hop.what))
        }
        Place::Offered | Place::ProductionOffered => {
            let author = merged.map(|merged| merged.request.author.as_str()).unwrap_or_default();
            format!("{} into {environment}, opened by {author}", hop.what)
        }
        Place::Merged | Place::ProductionMerged => {
            let who = merged.and_then(|merged| merged.request.merged_by.as_deref());
            let how = merged.map_or("", |merged| merged.style);
            let branch = match merged {
                Some(merged) if merged.branch_deleted => "branch deleted",
                _ => "branch kept",
            };
            format!("{} by {}, {how}, {branch}", short(&hop.what), who.unwrap_or_default())
        }
        Place::Reverted => "the writer says Reverted and offers nothing".to_owned(),
        _ => short(&hop.what).to_owned(),
    }
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

    use super::super::journey::Merged;
    use super::*;
    use crate::forge::{Request, RequestState};

    fn journey(way: &'static [Place]) -> Journey {
        let hop =
            |place, what: &str| Hop { place, what: what.into(), after: Duration::from_secs(1) };
        let mut journey = Journey::new("shop", &"a".repeat(40), way);
        journey.hops = vec![
            hop(Place::Pushed, &"a".repeat(40)),
            hop(Place::Image, "127.0.0.1:5000/demo/shop@sha256:0123456789abcdef"),
            hop(Place::Config, &"c".repeat(40)),
        ];
        journey.passage = Some("p".repeat(64));
        journey
    }

    #[test]
    fn a_stopped_change_shows_where_and_why() {
        let mut journey = journey(&Place::DIRECT);
        journey.stopped = Some("Unhealthy: no cpu".into());
        let text = picture("third", &journey);
        assert!(text.starts_with("third   passage pppppppppppp\n"), "{text}");
        assert!(text.contains("demo/shop@sha256:0123456789ab"), "{text}");
        assert!(text.contains("cccccccccccc on branch staging "), "{text}");
        assert!(text.ends_with("✗ deployed: Unhealthy: no cpu\n"), "{text}");
    }

    #[test]
    fn requests_are_shown_with_who_and_how() {
        let mut journey = journey(&Place::REVIEWED);
        let after = Duration::from_secs(2);
        let request = Request {
            number: 4,
            title: "shop to staging".into(),
            body: String::new(),
            author: "build-cluster".into(),
            branch: "staging-shop".into(),
            head: "c".repeat(40),
            base: "staging".into(),
            state: RequestState::Merged,
            merged_by: Some("staging-maintainer".into()),
            merged_as: Some("d".repeat(40)),
            opened: "2026-01-01T00:00:00Z".parse().unwrap(),
            closed: None,
        };
        journey.requests.push(Merged { request, style: "squash", branch_deleted: true });
        journey.hops.push(Hop { place: Place::Offered, what: "#4".into(), after });
        journey.hops.push(Hop { place: Place::Merged, what: "d".repeat(40), after });
        let text = picture("first", &journey);
        assert!(text.contains("cccccccccccc on branch staging-shop "), "{text}");
        assert!(text.contains("request       #4 into staging, opened by build-cluster "), "{text}");
        let merged = "merged        dddddddddddd by staging-maintainer, squash, branch deleted ";
        assert!(text.contains(merged), "{text}");
    }
}
