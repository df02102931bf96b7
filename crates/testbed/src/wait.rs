//! Waiting for a condition with a deadline, instead of sleeping and hoping.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout_at};

/// Asks again and again until there is an answer; an error that names what was missing when the time is up.
pub async fn until<T, F>(what: &str, deadline: Duration, mut probe: F) -> Result<T>
where
    F: AsyncFnMut() -> Option<T>,
{
    let end = Instant::now() + deadline;
    let mut pause = Duration::from_millis(5);
    loop {
        match timeout_at(end, probe()).await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) if Instant::now() + pause < end => sleep(pause).await,
            Ok(None) | Err(_) => bail!("waited {} s in vain for {what}", deadline.as_secs()),
        }
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Like [`until`], for a probe that may fail for a while, as when a server is away; the last failure goes with the error
/// at the end.
pub async fn eventually<T, F>(what: &str, deadline: Duration, mut probe: F) -> Result<T>
where
    F: AsyncFnMut() -> Result<Option<T>>,
{
    let mut last = None;
    let found = until(what, deadline, async || match probe().await {
        Ok(answer) => {
            last = None;
            answer
        }
        Err(error) => {
            last = Some(error);
            None
        }
    });
    let found = found.await;
    found.map_err(|error| match last {
        Some(last) => last.context(error.to_string()),
        None => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_on_the_way_are_told_only_at_the_end() {
        let mut asked = 0;
        let answer = eventually("three", Duration::from_mins(1), async || {
            asked += 1;
            anyhow::ensure!(asked == 3, "not yet");
            Ok(Some(asked))
        });
        assert_eq!(answer.await.unwrap(), 3);
        let never = eventually::<(), _>("Godot", Duration::from_millis(20), async || bail!("mud"));
        let error = format!("{:#}", never.await.unwrap_err());
        assert!(error.contains("Godot") && error.contains("mud"), "{error}");
    }

    #[tokio::test]
    async fn it_returns_the_first_answer_or_names_what_was_missing() {
        let mut asked = 0;
        let answer = until("three", Duration::from_mins(1), async || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(answer.await.unwrap(), 3);
        let never = until::<(), _>("Godot", Duration::ZERO, async || None).await;
        assert!(never.unwrap_err().to_string().contains("Godot"));
    }
}
