//! Where cases stand, in words.

use liuyan_proto::liuyan::{common::v1 as common, routing::v1 as routing};

use super::words;

words! {
    /// Where the office's work stands.
    CaseState of common::CaseState {
        /// An office has it and has not yet said that it will act.
        Assigned,
        /// The office has said that it will act.
        Accepted,
        /// The office has answered.
        Replied,
        /// Ended, with an outcome.
        Closed,
    }
}

words! {
    /// Where it stands, in the public's three words.
    PublicState of common::PublicState {
        /// No office has accepted it yet.
        AwaitingReply,
        /// An office works on it.
        InProgress,
        /// It has been answered.
        Replied,
    }
}

words! {
    /// How a case ended.
    Outcome of common::Outcome {
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
        /// Its author withdrew it; not for offices to say.
        Withdrawn,
    }
}

words! {
    /// Who may read a message.
    Visibility of common::Visibility {
        /// Everybody, once it is approved.
        Public,
        /// Its author and the office alone.
        Private,
    }
}

words! {
    /// An order of cases.
    CaseOrder of routing::CaseOrder {
        /// The newest first.
        Newest,
        /// What is due first, first.
        Deadline,
        /// What was answered last, first.
        Replied,
    }
}

words! {
    /// Of what a day is.
    DayOf of routing::DayOf {
        /// Of the submission.
        Submission,
        /// Of the last reply; what was not answered is left out.
        Reply,
    }
}

words! {
    /// Where a promise stands.
    PromiseState of common::PromiseState {
        /// Its day has not passed.
        Open,
        /// The office has said that it is done.
        Kept,
        /// Its day passed without that.
        Broken,
    }
}
