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

#[cfg(test)]
mod tests {
    use super::*;

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
