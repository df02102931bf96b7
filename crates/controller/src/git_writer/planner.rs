//! The planner that decides while git is being looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use portolan_api::native::git_writer::{GitWriterStatus, WriterTree};
use portolan_api::native::{GitWriter, Verification};
use portolan_api::record::{Record, RecordedFile};
use portolan_cluster::Key;
use portolan_git::{Planner, Step};
use portolan_plan::writer::{
    CommitStyle, Decision, Desired, Edit, Facts, History, Place, Signature, Start, View, compose,
    decide, replaced,
};

use crate::context::Context;
use crate::failpoint;
use crate::metrics::since;
use crate::native::Native;

/// Author of commits where the spec names none.
const AUTHOR: (&str, &str) = ("Portolan", "portolan@localhost");

/// What a request is told from: the place as it was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    /// The branch's tip.
    pub(super) branch: Option<String>,
    /// The goal's tip.
    pub(super) goal: Option<String>,
    /// The record on the branch.
    pub(super) written: Option<Record>,
    /// What the commit at the branch's tip says that it replaces.
    pub(super) replaces: Option<String>,
    /// Whether the branch would change nothing in the goal.
    pub(super) adds_nothing: bool,
    /// The record in the goal.
    pub(super) before: Option<Record>,
    /// The files in the goal.
    pub(super) files: BTreeMap<String, RecordedFile>,
}

impl Scene {
    fn of(view: &View, writer: &str) -> Self {
        let goal = view.goal.as_ref();
        Self {
            replaces: view.branch.as_ref().and_then(|tip| replaced(&tip.message, writer)),
            branch: view.branch.as_ref().map(|tip| tip.commit.clone()),
            goal: goal.map(|tip| tip.commit.clone()),
            written: view.branch.as_ref().and_then(|tip| tip.record.clone()),
            adds_nothing: view.branch_adds_nothing,
            before: goal.and_then(|tip| tip.record.clone()),
            files: goal.map(|tip| tip.files.clone()).unwrap_or_default(),
        }
    }
}

/// What a planner came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Conclusion {
    /// The last decision.
    pub(super) decision: Option<Decision>,
    /// Passage of the record that stands in git for this content.
    pub(super) passage: Option<String>,
    /// The place as it was seen.
    pub(super) scene: Scene,
}

/// Where a planner leaves its conclusion.
#[derive(Clone, Debug, Default)]
pub(super) struct Concluded(Arc<Mutex<Conclusion>>);

impl Concluded {
    pub(super) fn take(&self) -> Conclusion {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, conclusion: Conclusion) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = conclusion;
    }
}

/// Decides by the table; writes only where it is asked to act.
pub(super) struct WritePlanner {
    cx: Context,
    place: Place,
    desired: Desired,
    facts: Facts,
    style: CommitStyle,
    verification: Option<Key>,
    tree: Option<WriterTree>,
    act: bool,
    concluded: Concluded,
}

impl WritePlanner {
    pub(super) fn new(
        cx: &Context,
        writer: &Native<GitWriter>,
        status: &GitWriterStatus,
        place: Place,
        desired: Desired,
        act: bool,
    ) -> (Self, Concluded) {
        let spec = &writer.typed.spec;
        let concluded = Concluded::default();
        let planner = Self {
            cx: cx.clone(),
            place,
            desired,
            facts: Facts {
                exclusive: spec.exclusive,
                take_over: spec.take_over.clone(),
                create_base: spec.create_base,
                requested: writer.is_requested(status),
            },
            style: CommitStyle {
                message: spec.commit.message.clone(),
                author: signature(writer),
                exclusive: spec.exclusive,
                take_over: spec.take_over.clone(),
            },
            verification: spec
                .verified
                .as_ref()
                .map(|v| Key::new(&writer.key.namespace, &v.verification_ref.name)),
            tree: spec.content.tree.clone(),
            act,
            concluded: concluded.clone(),
        };
        (planner, concluded)
    }

    fn is_verified(&self) -> bool {
        let key = self.verification.as_ref();
        key.is_none_or(|key| vouches(&self.cx, key, self.tree.as_ref()))
    }

    /// Passage of the record of this content that stands at one of the tips.
    fn passage(&self, view: &View) -> Option<String> {
        let tips = view.goal.iter().chain(&view.branch);
        let mut records = tips.filter_map(|tip| tip.record.as_ref());
        let ours = records.find(|record| {
            record.writer == self.place.writer && record.digest == self.desired.digest
        });
        ours.map(|record| record.passage.clone())
    }
}

impl Planner for WritePlanner {
    fn plan(&mut self, view: &View, history: Option<&History>) -> Step {
        let decision = decide(&self.place, &self.desired, &self.facts, view, history);
        let step = match &decision {
            Decision::NeedHistory => Step::NeedHistory,
            Decision::Write { sequence, replaces } if self.act && self.is_verified() => {
                let replaces = replaces.as_deref();
                let edit =
                    compose(&self.place, &self.desired, &self.style, view, *sequence, replaces);
                Step::Write { edit, again: false }
            }
            Decision::CreateBase if self.act && self.is_verified() => {
                Step::Write { edit: self.new_base(), again: true }
            }
            _ => Step::Stop,
        };
        // A write carries the new passage; what stands in git is the old one's.
        let passage = match decision {
            Decision::Write { .. } => None,
            _ => self.passage(view),
        };
        let scene = Scene::of(view, &self.place.writer);
        self.concluded.set(Conclusion { decision: Some(decision), passage, scene });
        step
    }

    fn confirm(&mut self) -> bool {
        failpoint::hit_blocking("git-push-confirm", &self.place.branch);
        self.is_verified()
    }
}

impl WritePlanner {
    /// The base of an empty repository: a root commit without files.
    fn new_base(&self) -> Edit {
        let base = self.place.goal().to_owned();
        Edit {
            message: format!("Begin {base}\n"),
            branch: base,
            path: ".".into(),
            start: Start::Root,
            put: BTreeMap::new(),
            remove: Vec::new(),
            merge_message: String::new(),
            author: self.style.author.clone(),
        }
    }
}

/// Who signs the commits of a writer.
pub(super) fn signature(writer: &Native<GitWriter>) -> Signature {
    let author = writer.typed.spec.commit.author.as_ref();
    Signature {
        name: author.map_or(AUTHOR.0, |author| &author.name).into(),
        email: author.map_or(AUTHOR.1, |author| &author.email).into(),
        seconds: Timestamp::now().as_second(),
    }
}

fn verification(cx: &Context, key: &Key) -> Option<Verification> {
    let stored = cx.own("Verification", key)?;
    serde_json::from_value(stored.value()).ok()
}

/// How long ago the last verdict of a Verification fell.
pub(super) fn verified_for(cx: &Context, key: &Key) -> Option<Duration> {
    let run = verification(cx, key)?.status?.run?;
    since(&run.completed_at?)
}

/// Whether a Verification vouches for a tree now.
pub(super) fn vouches(cx: &Context, key: &Key, tree: Option<&WriterTree>) -> bool {
    let Some(tree) = tree else { return false };
    verification(cx, key)
        .and_then(|verification| verification.status?.verified)
        .is_some_and(|verified| verified.url == tree.url && verified.revision == tree.revision)
}
