//! Where the repository is, and what its server is shown.

use std::path::PathBuf;

use portolan_git::{Credentials, RemoteRepository};
use url::Url;

use super::Arguments;

/// The variable of the environment that holds the password.
const PASSWORD: &str = "PORTOLAN_GIT_PASSWORD";

/// Where the repository is.
pub(super) enum Place {
    /// On this machine's disk.
    Folder(PathBuf),
    /// On a server.
    Server(RemoteRepository),
}

impl Place {
    /// Reads the arguments; an error is for people.
    pub(super) fn new(arguments: &Arguments) -> Result<Self, String> {
        let text = arguments.repository.as_str();
        let folder = PathBuf::from(text);
        if !is_url(text) || folder.exists() {
            if arguments.username.is_some() {
                return Err("--username is for urls: a folder is read without".into());
            }
            return Ok(Self::Folder(folder));
        }
        let Ok(url) = Url::parse(text) else {
            let hint = "it is neither a folder nor an https url; of a repository that is only \
                        reached over ssh, make a clone and name that";
            return Err(format!("--repository: {hint}"));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!(
                "--repository: leave user and password out of the url; give --username, and the \
                 password in {PASSWORD}"
            ));
        }
        check_scheme(&url, &arguments.allow_http)?;
        Ok(Self::Server(RemoteRepository::new(text, credentials(arguments.username.as_deref())?)))
    }
}

fn is_url(text: &str) -> bool {
    let is_scp = text.split(['/', ':']).next().is_some_and(|host| host.contains('@'));
    text.contains("://") || (is_scp && text.contains(':'))
}

fn check_scheme(url: &Url, allowed: &[String]) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => Ok(()),
        "http" => {
            let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
            if allowed.iter().any(|allowed| *allowed == host || *allowed == with_port) {
                return Ok(());
            }
            Err(format!(
                "--repository: {host} may not be asked over http: use https, or give --allow-http \
                 {host}"
            ))
        }
        "file" => Err("--repository: write the path of the folder, without file://".into()),
        scheme => Err(format!(
            "--repository: {scheme} is not supported: use an https url, or make a clone and name \
             that"
        )),
    }
}

fn credentials(username: Option<&str>) -> Result<Credentials, String> {
    let Some(username) = username else { return Ok(Credentials::none()) };
    if username.contains(':') || username.contains(char::is_control) {
        return Err("--username: it has a character that no user name may have".into());
    }
    match std::env::var(PASSWORD) {
        Ok(password) if !password.is_empty() => Ok(Credentials::basic(username, password)),
        _ => Err(format!("--username needs a password or token: set {PASSWORD}")),
    }
}
