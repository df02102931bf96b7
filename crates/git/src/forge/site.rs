//! Where a forge keeps a repository, read from the repository's url.

use url::Url;

use crate::error::Error;

/// Where the API is, and what the repository is called there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    api: Url,
    owner: String,
    name: String,
}

impl Site {
    /// The site of a repository: the last two parts of the path are owner and name, the forge is at what
    /// stands before.
    pub(super) fn of(repository: &Url) -> Result<Self, Error> {
        let path = repository.path();
        let problem = "it does not end in <owner>/<repository>, as on a forge";
        let odd = || Error::UrlNotAllowed { problem: problem.into() };
        let (rest, name) = path.rsplit_once('/').ok_or_else(odd)?;
        let (below, owner) = rest.rsplit_once('/').ok_or_else(odd)?;
        let name = name.strip_suffix(".git").unwrap_or(name);
        if owner.is_empty() || name.is_empty() {
            return Err(odd());
        }
        let mut api = repository.clone();
        api.set_path(&format!("{below}/api/v1"));
        Ok(Self { api, owner: owner.to_owned(), name: name.to_owned() })
    }

    /// A url of the API.
    pub(super) fn api(&self, path: &[&str]) -> Url {
        below(self.api.clone(), path)
    }

    /// A url below the repository.
    pub(super) fn repository(&self, path: &[&str]) -> Url {
        let mut url = self.api.clone();
        // Owner and name are encoded already.
        url.set_path(&format!("{}/repos/{}/{}", url.path(), self.owner, self.name));
        below(url, path)
    }

    /// A url of the repository's branch.
    pub(super) fn branch(&self, branch: &str) -> Url {
        let path: Vec<&str> = ["branches"].into_iter().chain(branch.split('/')).collect();
        self.repository(&path)
    }

    /// Who the repository belongs to.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }
}

/// The url with these parts appended, each encoded.
fn below(mut url: Url, path: &[&str]) -> Url {
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.extend(path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://git.example/team/app.git", "https://git.example/api/v1/repos/team/app")]
    #[case("https://git.example/team/app", "https://git.example/api/v1/repos/team/app")]
    #[case("http://h:3000/sub/path/team/app.git", "http://h:3000/sub/path/api/v1/repos/team/app")]
    #[case("https://h/git.git/a.b/c.git.git", "https://h/git.git/api/v1/repos/a.b/c.git")]
    #[case("https://h/te%20am/%C3%A4%2Fpp", "https://h/api/v1/repos/te%20am/%C3%A4%2Fpp")]
    fn urls(#[case] repository: &str, #[case] api: &str) {
        let site = Site::of(&Url::parse(repository).unwrap()).unwrap();
        assert_eq!(site.repository(&[]).as_str(), api);
        assert_eq!(site.repository(&["pulls", "5"]).as_str(), format!("{api}/pulls/5"));
        assert!(api.starts_with(site.api(&[]).as_str()), "{}", site.api(&[]));
    }

    #[rstest]
    #[case("https://git.example/app.git")]
    #[case("https://git.example//app.git")]
    #[case("https://git.example/team/.git")]
    #[case("https://git.example/")]
    fn no_owner_or_no_name(#[case] repository: &str) {
        let error = Site::of(&Url::parse(repository).unwrap()).unwrap_err();
        assert!(matches!(error, Error::UrlNotAllowed { .. }), "{error}");
    }

    #[rstest]
    #[case("main", "main")]
    #[case("portolan/a#b", "portolan/a%23b")]
    #[case("100%/ä?", "100%25/%C3%A4%3F")]
    #[case("../../x", "x")]
    fn branches(#[case] branch: &str, #[case] path: &str) {
        let site = Site::of(&Url::parse("https://h/o/r.git").unwrap()).unwrap();
        let url = format!("https://h/api/v1/repos/o/r/branches/{path}");
        assert_eq!(site.branch(branch).as_str(), url);
    }
}
