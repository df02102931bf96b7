//! Urls of other servers' artifacts: which an object may read.
//!
//! **Invariant:** what is compared is what is fetched. A url is taken apart once, and the parts that
//! were checked are put together again below the prefix that the operator named.

use url::Url;

/// A beginning of urls that objects may read.
#[derive(Clone, Debug)]
pub(super) struct Prefix {
    url: Url,
}

impl Prefix {
    /// Reads a prefix of the operator's; none where it is no http url.
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut url = Url::parse(text.trim_end_matches('/')).ok()?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(Self { url })
    }

    /// The prefix, for messages.
    pub(super) fn shown(&self) -> String {
        format!("{}/", self.url.as_str().trim_end_matches('/'))
    }

    /// What is fetched for a url, if it is an artifact of `namespace` below this prefix. Flux's form is
    /// `<kind>/<namespace>/<name>/<file>`.
    pub(super) fn allows(&self, text: &str, namespace: &str) -> Option<Url> {
        // A file server may decode and collapse once more than we do: what it could read in two ways is
        // refused as it stands.
        let plain = |c: char| c.is_ascii_graphic() && !r#"%\@?#"<>^`{|}"#.contains(c);
        if !text.chars().all(plain) {
            return None;
        }
        let asked = Url::parse(text).ok()?;
        let same_server = asked.scheme() == self.url.scheme()
            && host(&asked)? == host(&self.url)?
            && asked.port_or_known_default() == self.url.port_or_known_default();
        // Where normalising changed the path, it was written to be read in two ways.
        let written = text.split_once("://")?.1;
        if !same_server || written.get(written.find('/')?..) != Some(asked.path()) {
            return None;
        }
        let mut parts: Vec<&str> = asked.path_segments()?.collect();
        for expected in self.url.path_segments()?.filter(|part| !part.is_empty()) {
            if parts.is_empty() || parts.remove(0) != expected {
                return None;
            }
        }
        let whole = parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
        if !whole || parts.len() < 3 || parts.get(1) != Some(&namespace) {
            return None;
        }
        let mut fetched = self.url.clone();
        fetched.path_segments_mut().ok()?.pop_if_empty().extend(parts);
        Some(fetched)
    }
}

/// The host. Flux writes its own with the dot that ends a whole name.
fn host(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    Some(host.strip_suffix('.').unwrap_or(host))
}

/// A refused url for a message: short, without characters that do not print, nor a password.
pub(super) fn shown(text: &str) -> String {
    let end = text.char_indices().nth(200).map_or(text.len(), |(at, _)| at);
    let begin = text[..end].find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = text[..end].split_at(begin);
    let rest =
        rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, rest)| format!("…@{rest}"));
    let printed = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.into() };
    format!("{scheme}{}", rest.chars().map(printed).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(prefix: &str, url: &str) -> Option<String> {
        Some(Prefix::new(prefix)?.allows(url, "dev")?.to_string())
    }

    #[test]
    fn artifacts_of_the_own_namespace_are_read_where_the_operator_said() {
        for (prefix, url, fetched) in [
            ("http://flux", "http://flux/gitrepository/dev/app/x.tar.gz", ""),
            ("http://flux/", "http://flux:80/ocirepository/dev/app/x.tar.gz", ""),
            ("http://flux", "http://flux./gitrepository/dev/app/x.tar.gz", ""),
            ("http://FLUX", "http://Flux/gitrepository/dev/app/x.tar.gz", ""),
            ("https://host:8443/a/b/", "https://host:8443/a/b/bucket/dev/app/x.tar.gz", "same"),
        ] {
            let fetched = if fetched.is_empty() {
                url.replace(":80", "").replace("flux.", "flux").replace("Flux", "flux")
            } else {
                url.to_owned()
            };
            assert_eq!(allowed(prefix, url), Some(fetched), "{url}");
        }
    }

    #[test]
    fn hostile_urls_are_refused() {
        for url in [
            // Another namespace, plainly and in disguise.
            "http://flux/gitrepository/victim/app/x.tar.gz",
            "http://flux/gitrepository/dev/%2e%2e/victim/app/x.tar.gz",
            "http://flux/gitrepository/dev/%2E%2E/victim/app/x.tar.gz",
            "http://flux/gitrepository/dev/.%2e/victim/app/x.tar.gz",
            "http://flux/gitrepository/dev/%252e%252e/victim/app/x.tar.gz",
            "http://flux/gitrepository/dev/../victim/app/x.tar.gz",
            "http://flux/gitrepository/dev/.\t./victim/app/x.tar.gz",
            "http://flux/gitrepository/dev/.\n./victim/app/x.tar.gz",
            "http://flux/gitrepository/dev/..\\victim/app/x.tar.gz",
            "http://flux/gitrepository\\dev/app/x.tar.gz",
            "http://flux/gitrepository/dev%2f..%2fvictim/app/x.tar.gz",
            "http://flux/gitrepository/victim/../dev/app/x.tar.gz",
            "http://flux/./gitrepository/dev/app/x.tar.gz",
            "http://flux//gitrepository/dev/app/x.tar.gz",
            "http://flux/gitrepository//dev/app/x.tar.gz",
            "http://flux/gitrepository/dev/",
            "http://flux/gitrepository/dev",
            "http://flux/dev/dev",
            "http://flux/gitrepository/devil/app/x.tar.gz",
            "http://flux/gitrepository/DEV/app/x.tar.gz",
            "http://flux/gitrepository/dev/app/x.tar.gz?path=/victim",
            "http://flux/gitrepository/dev/app/x.tar.gz#/victim",
            "http://flux/gitrepository/dev/app/\u{2024}\u{2024}/x.tar.gz",
            "http://flux/gitrepository/dev/app/x y.tar.gz",
            "http://flux/gitrepository/dev/app/x.tar.gz\0",
            " http://flux/gitrepository/dev/app/x.tar.gz",
            // Another server.
            "http://flux.evil/gitrepository/dev/app/x.tar.gz",
            "http://flux@evil/gitrepository/dev/app/x.tar.gz",
            "http://user:word@flux/gitrepository/dev/app/x.tar.gz",
            "http://flux:8080/gitrepository/dev/app/x.tar.gz",
            "https://flux/gitrepository/dev/app/x.tar.gz",
            "http:\\\\flux\\gitrepository/dev/app/x.tar.gz",
            "http://flux\\@evil/gitrepository/dev/app/x.tar.gz",
            "//flux/gitrepository/dev/app/x.tar.gz",
            "file:///gitrepository/dev/app/x.tar.gz",
            "",
        ] {
            assert_eq!(allowed("http://flux", url), None, "{url:?}");
        }
        let below = "http://host/a";
        assert_eq!(allowed(below, "http://host/gitrepository/dev/app/x"), None);
        assert_eq!(allowed(below, "http://host/ab/gitrepository/dev/app/x"), None);
        assert_eq!(allowed(below, "http://host/a/../gitrepository/dev/app/x"), None);
    }

    #[test]
    fn what_is_no_http_url_is_no_prefix() {
        for text in ["", "flux", "file:///srv", "http://"] {
            assert!(Prefix::new(text).is_none(), "{text}");
        }
    }

    #[test]
    fn messages_hold_no_password_and_no_control_characters() {
        assert_eq!(shown("http://me:word@flux/\u{7}"), "http://…@flux/\\u{7}");
        assert!(shown(&"ä".repeat(500)).chars().count() == 200);
    }
}
