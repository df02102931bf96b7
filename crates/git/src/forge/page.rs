//! Lists, which come page by page.

use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;

use super::Forge;
use super::server::{Answer, Call};
use crate::error::Error;

/// Items of a page; a server may give fewer.
const SIZE: &str = "50";

/// A page as a list of items. Null is an empty one.
pub(super) fn list<T>(page: Option<Vec<Option<T>>>) -> Vec<T> {
    page.unwrap_or_default().into_iter().flatten().collect()
}

/// A list, or the answer by which it is refused.
pub(super) enum Listed<T> {
    /// The items.
    All(Vec<T>),
    /// The refusal.
    Refused(Answer),
}

impl Forge {
    /// Reads pages until one is empty or there are `limit` items.
    pub(super) async fn list<P: DeserializeOwned, T>(
        &self,
        url: &Url,
        limit: usize,
        items: fn(P) -> Vec<T>,
    ) -> Result<Listed<T>, Error> {
        let mut all = Vec::new();
        for page in 1.. {
            let mut url = url.clone();
            url.query_pairs_mut().append_pair("limit", SIZE).append_pair("page", &page.to_string());
            let answer = self.server().ask(Call::new(Method::GET, url)).await?;
            if !answer.is_success() {
                return Ok(Listed::Refused(answer));
            }
            let some = items(answer.read(self.server())?);
            let is_last = some.is_empty();
            all.extend(some);
            if is_last || all.len() >= limit || answer.total.is_some_and(|total| all.len() >= total)
            {
                break;
            }
        }
        all.truncate(limit);
        Ok(Listed::All(all))
    }

    /// The same, where a refusal is an error.
    pub(super) async fn all<P: DeserializeOwned, T>(
        &self,
        url: &Url,
        limit: usize,
        items: fn(P) -> Vec<T>,
        action: &str,
    ) -> Result<Vec<T>, Error> {
        match self.list(url, limit, items).await? {
            Listed::All(items) => Ok(items),
            Listed::Refused(answer) => Err(self.refusal(&answer, action).await),
        }
    }
}
