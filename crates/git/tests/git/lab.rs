//! A git server, a service, and a writer as the controller will have it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portolan_api::native::git_source::GitSourceRef;
use portolan_api::native::git_writer::WriterProvenance;
use portolan_git::{
    Error, Follow, Look, Looked, Options, Planner, RemoteRepository, Service, Step, Written,
};
use portolan_plan::writer::{
    CommitStyle, Decision, Desired, Edit, Facts, History, Place, Signature, Start, View, compose,
    decide, from_files,
};
use portolan_testbed::GitServer;
use tempfile::TempDir;

pub(crate) const REPO: &str = "team/app";
pub(crate) const ANN: &str = "Ann <ann@example.test>";
pub(crate) const WRITER: &str = "build/dev/app";

/// A git server with one repository, and a service.
pub(crate) struct Lab {
    pub(crate) server: GitServer,
    pub(crate) service: Service,
    cache: TempDir,
    /// A new service with an empty cache for every decision.
    restarts: bool,
}

pub(crate) fn worker() -> Vec<OsString> {
    vec![env!("CARGO_BIN_EXE_portolan-git-worker").into()]
}

pub(crate) fn options(cache: &Path) -> Options {
    let mut options = Options::with_worker(worker(), cache);
    options.pause = Duration::from_millis(20);
    options
}

impl Lab {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let server = GitServer::start().await.unwrap();
        server.create_repo(REPO).await.unwrap();
        let cache = tempfile::tempdir().unwrap();
        let mut options = options(cache.path());
        change(&mut options);
        Self { server, service: Service::new(options).unwrap(), cache, restarts: false }
    }

    /// With the same service all along, or with a new one for every decision.
    pub(crate) async fn restarting(restarts: bool) -> Self {
        Self { restarts, ..Self::new().await }
    }

    /// As after a restart, on another machine: a new service with an empty cache.
    pub(crate) fn restart(&mut self) {
        self.cache = tempfile::tempdir().unwrap();
        self.service = Service::new(options(self.cache.path())).unwrap();
    }

    pub(crate) fn cache(&self) -> &Path {
        self.cache.path()
    }

    pub(crate) fn repo(&self) -> RemoteRepository {
        RemoteRepository::public(self.server.url(REPO))
    }

    /// Commits files by hand; `None` removes one.
    pub(crate) async fn commit(
        &self,
        branch: &str,
        files: &[(&str, Option<&str>)],
        message: &str,
    ) -> String {
        let files: Vec<(&str, Option<&[u8]>)> =
            files.iter().map(|(path, text)| (*path, text.map(str::as_bytes))).collect();
        self.server.commit(REPO, branch, &files, message, ANN).await.unwrap()
    }

    pub(crate) async fn git(&self, args: &[&str]) -> String {
        self.server.git(REPO, args).await.unwrap().trim_end().to_owned()
    }

    pub(crate) async fn tip(&self, branch: &str) -> Option<String> {
        self.server.tip(REPO, branch).await.unwrap()
    }

    /// Looks at a directory of a branch.
    pub(crate) async fn look(
        &self,
        branch: &str,
        path: &str,
        change: impl FnOnce(&mut Look),
    ) -> Result<Looked, Error> {
        let refs = self.service.refs(&self.repo()).await?;
        let spec = GitSourceRef { branch: Some(branch.into()), ..GitSourceRef::default() };
        let found = refs.resolve(&Follow::new(&spec)?).unwrap();
        let mut look = Look {
            reference: found.reference,
            commit: found.commit,
            path: path.into(),
            ignore: Vec::new(),
            last: None,
        };
        change(&mut look);
        self.service.look(&self.repo(), look).await
    }

    pub(crate) async fn write(&self, writer: &Writer) -> Result<Written, Error> {
        self.service.write(&self.repo(), writer.place.clone(), Box::new(writer.clone())).await
    }

    /// Writes, and tells what was decided last.
    pub(crate) async fn decide(&mut self, writer: &Writer) -> Decision {
        if self.restarts {
            self.restart();
        }
        self.write(writer).await.unwrap();
        writer.decided()
    }

    /// Decides with this service and with a new one: the same, and no second commit.
    pub(crate) async fn settled(&mut self, writer: &Writer) -> Decision {
        let before = self.git(&["for-each-ref"]).await;
        let decision = self.decide(writer).await;
        self.restart();
        assert_eq!(self.decide(writer).await, decision, "after a restart");
        assert_eq!(self.git(&["for-each-ref"]).await, before, "nothing was written");
        decision
    }

    pub(crate) fn pushes(&self) -> usize {
        let pushed = |seen: &portolan_testbed::git_server::Seen| {
            seen.method == "POST" && seen.path.contains("git-receive-pack")
        };
        self.server.seen().iter().filter(|seen| pushed(seen)).count()
    }
}

/// A writer without requests, as the controller will have it.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) place: Place,
    pub(crate) desired: Desired,
    pub(crate) facts: Facts,
    pub(crate) style: CommitStyle,
    pub(crate) confirms: bool,
    log: Arc<Mutex<Vec<Decision>>>,
}

pub(crate) fn content(files: &[(&str, &str)]) -> Desired {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    from_files(&files, &WriterProvenance::default()).unwrap()
}

impl Writer {
    /// Writes `app.yaml` with this text to `apps/app`.
    pub(crate) fn new(branch: &str, base: Option<&str>, text: &str) -> Self {
        Self {
            place: Place {
                branch: branch.into(),
                base: base.map(Into::into),
                path: "apps/app".into(),
                writer: WRITER.into(),
                ..Place::default()
            },
            desired: content(&[("app.yaml", text)]),
            facts: Facts::default(),
            style: CommitStyle {
                message: None,
                author: Signature {
                    name: "Portolan".into(),
                    email: "portolan@example.test".into(),
                    seconds: 1_700_000_000,
                },
                exclusive: false,
                take_over: None,
            },
            confirms: true,
            log: Arc::default(),
        }
    }

    pub(crate) fn at(mut self, path: &str, writer: &str) -> Self {
        self.place.path = path.into();
        self.place.writer = writer.into();
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn decided(&self) -> Decision {
        self.log.lock().unwrap().last().cloned().unwrap()
    }

    pub(crate) fn decisions(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    fn root_of_base(&self) -> Edit {
        Edit {
            branch: self.place.goal().to_owned(),
            path: ".".into(),
            start: Start::Root,
            put: [].into(),
            remove: Vec::new(),
            message: "Begin\n".into(),
            merge_message: String::new(),
            author: self.style.author.clone(),
        }
    }
}

impl Planner for Writer {
    fn plan(&mut self, view: &View, history: Option<&History>) -> Step {
        let decision = decide(&self.place, &self.desired, &self.facts, view, history);
        let step = match &decision {
            Decision::NeedHistory => return Step::NeedHistory,
            Decision::Write { sequence, replaces } => Step::Write {
                edit: compose(
                    &self.place,
                    &self.desired,
                    &self.style,
                    view,
                    *sequence,
                    replaces.as_deref(),
                ),
                again: false,
            },
            Decision::CreateBase => Step::Write { edit: self.root_of_base(), again: true },
            _ => Step::Stop,
        };
        self.log.lock().unwrap().push(decision);
        step
    }

    fn confirm(&mut self) -> bool {
        self.confirms
    }
}

/// The commit that was pushed.
pub(crate) fn pushed(written: Written) -> String {
    match written {
        Written::Pushed { commit } => commit,
        Written::Stopped => panic!("nothing was pushed"),
    }
}

/// The ids of processes that work for a service with this cache.
pub(crate) fn workers(cache: &Path) -> Vec<u32> {
    let is_ours = |id: &u32| {
        let folder = std::fs::read_link(PathBuf::from(format!("/proc/{id}/cwd")));
        folder.is_ok_and(|folder| folder.starts_with(cache))
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
}
