//! What is known of a message: what each source said, apart from the others. Events of one source
//! come in order; there is none between the sources, and nothing here depends on one.

use jiff::Timestamp;
use uuid::Uuid;

/// What intake said of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The office that it was written to.
    pub office_id: String,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain.
    pub domain: String,
    /// Whether only its author and the office may read it.
    pub private: bool,
    /// When it was submitted; for a message from another system, when it was written there.
    pub submitted_at: Timestamp,
}

/// Something that moderation decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may go to an office.
    Approved {
        /// Whether it accuses an office.
        accused: bool,
    },
    /// It went back to its author.
    Returned,
    /// It will not be published.
    Declined {
        /// Why.
        ground: String,
    },
    /// Its author withdrew it before it was approved.
    Withdrawn,
    /// Its author appealed against a decision not to publish.
    Appealed,
    /// Another moderator decided again.
    AppealDecided {
        /// Whether the decision stood.
        upheld: bool,
    },
}

/// What moderation said of a message so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Whether it was approved.
    pub approved: bool,
    /// Whether it accuses an office.
    pub accused: bool,
    /// Whether it ever went back to its author.
    pub returned: bool,
    /// Why it was declined, if that is the last word.
    pub declined_ground: Option<String>,
    /// Whether it was withdrawn before it was approved.
    pub withdrawn: bool,
    /// How often its author appealed.
    pub appealed: i32,
    /// How often the decision stood then.
    pub upheld: i32,
    /// How often another took its place.
    pub overturned: i32,
    /// When a person first decided on it.
    pub reviewed_at: Option<Timestamp>,
}

impl Decision {
    /// Takes the next verdict into account.
    pub fn hear(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Approved { accused } => {
                self.approved = true;
                self.accused = *accused;
                self.declined_ground = None;
            }
            Verdict::Returned => {
                self.returned = true;
                self.declined_ground = None;
            }
            Verdict::Declined { ground } => self.declined_ground = Some(ground.clone()),
            Verdict::Withdrawn => self.withdrawn = true,
            Verdict::Appealed => self.appealed += 1,
            Verdict::AppealDecided { upheld: true } => self.upheld += 1,
            Verdict::AppealDecided { upheld: false } => self.overturned += 1,
        }
    }

    /// A person decided; the first time counts.
    pub fn reviewed(&mut self, at: Timestamp) {
        self.reviewed_at = Some(self.reviewed_at.map_or(at, |first| first.min(at)));
    }
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// What was asked has been done.
    Solved,
    /// A part of it has been done.
    PartlySolved,
    /// Explained; nothing was to be done.
    Explained,
    /// Refused, with the provision cited.
    Refused,
    /// It cannot be done.
    Impossible,
    /// The same matter is handled in another case.
    Duplicate,
    /// The author withdrew it.
    Withdrawn,
}

impl Outcome {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Solved,
        Self::PartlySolved,
        Self::Explained,
        Self::Refused,
        Self::Impossible,
        Self::Duplicate,
        Self::Withdrawn,
    ];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::PartlySolved => "partly_solved",
            Self::Explained => "explained",
            Self::Refused => "refused",
            Self::Impossible => "impossible",
            Self::Duplicate => "duplicate",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The outcome with this code.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.code() == code)
    }
}

/// What every event of a case tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The office that handles it.
    pub office_id: String,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain.
    pub domain: String,
    /// Whether only its author and the office may read it.
    pub private: bool,
    /// Whether it accuses an office.
    pub accused: bool,
    /// Whether it has not ended.
    pub open: bool,
    /// The revision of all this.
    pub revision: i64,
}

/// What happened to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Work began.
    Opened {
        /// The case's id.
        case_id: Uuid,
        /// By when there is to be a reply.
        deadline_at: Timestamp,
    },
    /// An office was given it, or said that it will act.
    Handled,
    /// Another office was given it.
    Transferred,
    /// The office replied.
    Replied,
    /// A rating became final; the sum of its three marks.
    Rated(i16),
    /// It ended.
    Closed(Outcome),
}

/// What routing said of a message so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub case_id: Uuid,
    /// What the newest event tells.
    pub view: View,
    /// By when there is to be a reply.
    pub deadline_at: Timestamp,
    /// When the first reply came.
    pub first_reply_at: Option<Timestamp>,
    /// When and how it ended.
    pub ended: Option<(Timestamp, Outcome)>,
    /// How often another office was given it.
    pub transfers: i32,
    /// The marks of the last final rating.
    pub marks: Option<i16>,
}

impl Case {
    /// A new case.
    pub fn open(case_id: Uuid, view: View, deadline_at: Timestamp) -> Self {
        Self {
            case_id,
            view,
            deadline_at,
            first_reply_at: None,
            ended: None,
            transfers: 0,
            marks: None,
        }
    }

    /// Whether both add the same to the figures: no figure tells a revision.
    pub fn counts_like(&self, other: &Self) -> bool {
        let mut same = self.clone();
        same.view.revision = other.view.revision;
        same == *other
    }

    /// Takes the next step into account, which was done at `at`.
    pub fn hear(&mut self, view: &View, at: Timestamp, step: &Step) {
        if view.open {
            self.ended = None;
        }
        match step {
            Step::Opened { deadline_at, .. } => self.deadline_at = *deadline_at,
            Step::Handled => {}
            Step::Transferred => self.transfers += 1,
            Step::Replied => {
                self.first_reply_at = Some(self.first_reply_at.map_or(at, |first| first.min(at)));
            }
            Step::Rated(marks) => self.marks = Some(*marks),
            Step::Closed(outcome) => self.ended = Some((at, *outcome)),
        }
        if view.revision >= self.view.revision {
            self.view = view.clone();
        }
    }
}

/// What all sources said of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Intake's word. Without it there is nothing to count yet.
    pub submission: Submission,
    /// Moderation's word.
    pub decision: Decision,
    /// Routing's word.
    pub case: Option<Case>,
}
