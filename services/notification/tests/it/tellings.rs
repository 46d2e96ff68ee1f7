//! What the others say: a message and its case, from submission to the end.

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{
    clock::{Clock as _, to_proto},
    messaging::Envelope,
};
use liuyan_proto::liuyan::{
    common::v1::{self as common, PublicCase},
    identity::v1::AccountErased,
    intake::v1::{MessageErased, MessageSubmitted},
    moderation::v1 as moderation,
    routing::v1 as routing,
};
use uuid::Uuid;

use crate::bench::{Bench, fresh};

/// The office of tests.
pub(crate) const OFFICE: &str = "110000-secretary";

/// A message with its case; tests change what matters to them.
#[derive(Debug, Clone)]
pub(crate) struct Matter {
    pub(crate) message_id: Uuid,
    pub(crate) case_id: Uuid,
    pub(crate) account_id: Option<Uuid>,
    pub(crate) number: String,
    pub(crate) office_id: String,
    pub(crate) division_code: String,
    pub(crate) public: bool,
    pub(crate) accused: Vec<String>,
    pub(crate) reply_id: Uuid,
    /// When things happened, if it was not when they were said.
    pub(crate) occurred_at: Option<Timestamp>,
}

/// A public message of an account.
pub(crate) fn a_matter() -> Matter {
    let message_id = fresh();
    Matter {
        message_id,
        case_id: fresh(),
        account_id: Some(fresh()),
        number: format!("N{}", &message_id.simple().to_string()[22..]),
        office_id: OFFICE.to_owned(),
        division_code: "110101".to_owned(),
        public: true,
        accused: Vec::new(),
        reply_id: fresh(),
        occurred_at: None,
    }
}

impl Matter {
    /// The author's account.
    pub(crate) fn account(&self) -> Uuid {
        self.account_id.unwrap()
    }

    /// The public view.
    pub(crate) fn view(&self) -> PublicCase {
        PublicCase {
            case_id: self.case_id.to_string(),
            message_id: self.message_id.to_string(),
            number: self.number.clone(),
            office_id: self.office_id.clone(),
            division_code: self.division_code.clone(),
            title: "The street lamp".to_owned(),
            state: common::CaseState::Replied.into(),
            replies: vec![common::Reply {
                reply_id: self.reply_id.to_string(),
                office_id: self.office_id.clone(),
                body: format!("The lamp is <repaired>. {}", "Thank you. ".repeat(80)),
                ..common::Reply::default()
            }],
            revision: 3,
            ..PublicCase::default()
        }
    }

    fn case(&self, now: Timestamp) -> Option<routing::CaseRef> {
        Some(routing::CaseRef {
            case_id: self.case_id.to_string(),
            message_id: self.message_id.to_string(),
            office_id: self.office_id.clone(),
            division_code: self.division_code.clone(),
            public: self.public,
            accused_office_ids: self.accused.clone(),
            occurred_at: Some(to_proto(self.occurred_at.unwrap_or(now))),
            ..routing::CaseRef::default()
        })
    }

    /// Intake's event.
    pub(crate) fn submission(&self) -> MessageSubmitted {
        MessageSubmitted {
            message_id: self.message_id.to_string(),
            number: self.number.clone(),
            office_id: self.office_id.clone(),
            kind: "help".to_owned(),
            visibility: common::Visibility::Public.into(),
            account_id: self.account_id.map(|id| id.to_string()).unwrap_or_default(),
            occurred_at: self.occurred_at.map(to_proto),
            revision: 1,
            ..MessageSubmitted::default()
        }
    }

    /// Moderation's event: it is approved.
    pub(crate) fn approval(&self, now: Timestamp) -> moderation::MessageApproved {
        moderation::MessageApproved {
            message_id: self.message_id.to_string(),
            approved_at: Some(to_proto(now)),
            ..Default::default()
        }
    }

    /// Moderation's event: it is sent back.
    pub(crate) fn sending_back(&self, now: Timestamp) -> moderation::MessageReturned {
        moderation::MessageReturned {
            message_id: self.message_id.to_string(),
            returned_at: Some(to_proto(now)),
            ..Default::default()
        }
    }

    /// Routing's event: the case is opened.
    pub(crate) fn opening(&self, now: Timestamp) -> routing::CaseOpened {
        routing::CaseOpened {
            case: self.case(now),
            submitted_at: Some(to_proto(now)),
            deadline_at: Some(to_proto(now + SignedDuration::from_hours(24 * 20))),
            ..routing::CaseOpened::default()
        }
    }

    /// Routing's event: an office has the case.
    pub(crate) fn assignment(&self, now: Timestamp) -> routing::CaseAssigned {
        routing::CaseAssigned { case: self.case(now), rule: "addressed".to_owned() }
    }

    /// Routing's event: the office accepts the case.
    pub(crate) fn acceptance(&self, now: Timestamp) -> routing::CaseAccepted {
        routing::CaseAccepted { case: self.case(now) }
    }

    /// Routing's event: another office has the case, which is the matter's from now on.
    pub(crate) fn transfer(&mut self, now: Timestamp, to: &str) -> routing::CaseTransferred {
        let from_office_id = std::mem::replace(&mut self.office_id, to.to_owned());
        routing::CaseTransferred { case: self.case(now), from_office_id }
    }
}

impl Bench {
    /// Intake tells of the message.
    pub(crate) async fn submitted(&self, matter: &Matter) -> Envelope {
        self.say(matter.message_id, &matter.submission()).await
    }

    /// Moderation approves it.
    pub(crate) async fn approved(&self, matter: &Matter) -> Envelope {
        self.say(matter.message_id, &matter.approval(self.clock.now())).await
    }

    /// Moderation sends it back.
    pub(crate) async fn returned(&self, matter: &Matter) -> Envelope {
        self.say(matter.message_id, &matter.sending_back(self.clock.now())).await
    }

    /// Moderation declines it.
    pub(crate) async fn declined(&self, matter: &Matter) -> Envelope {
        let event = moderation::MessageDeclined {
            message_id: matter.message_id.to_string(),
            declined_at: Some(to_proto(self.clock.now())),
            ..Default::default()
        };
        self.say(matter.message_id, &event).await
    }

    /// Routing opens the case and gives it to the office.
    pub(crate) async fn opened(&self, matter: &Matter) -> Envelope {
        self.say(matter.case_id, &matter.opening(self.clock.now())).await
    }

    /// Routing gives the case to the office.
    pub(crate) async fn assigned(&self, matter: &Matter) -> Envelope {
        self.say(matter.case_id, &matter.assignment(self.clock.now())).await
    }

    /// The office accepts the case.
    pub(crate) async fn accepted(&self, matter: &Matter) -> Envelope {
        self.say(matter.case_id, &matter.acceptance(self.clock.now())).await
    }

    /// The case goes to another office, which is the matter's from now on.
    pub(crate) async fn transferred(&self, matter: &mut Matter, to: &str) -> Envelope {
        let event = matter.transfer(self.clock.now(), to);
        self.say(matter.case_id, &event).await
    }

    /// The office answers.
    pub(crate) async fn replied(&self, matter: &Matter) -> Envelope {
        let event = routing::CaseReplied {
            case: matter.case(self.clock.now()),
            reply_id: matter.reply_id.to_string(),
            ..Default::default()
        };
        self.peers.view(matter.case_id, matter.public.then(|| matter.view()));
        self.say(matter.case_id, &event).await
    }

    /// The case ends.
    pub(crate) async fn closed(&self, matter: &Matter, outcome: common::Outcome) -> Envelope {
        let event =
            routing::CaseClosed { case: matter.case(self.clock.now()), outcome: outcome.into() };
        self.say(matter.case_id, &event).await
    }

    /// A rating of the reply is final.
    pub(crate) async fn rated(&self, matter: &Matter) -> Envelope {
        let event = routing::CaseRated {
            case: matter.case(self.clock.now()),
            reply_id: matter.reply_id.to_string(),
            ..Default::default()
        };
        self.say(matter.case_id, &event).await
    }

    /// Another office is asked to help.
    pub(crate) async fn invited(&self, matter: &Matter, helper: &str) -> Envelope {
        let (case, helper_office_id) = (matter.case(self.clock.now()), helper.to_owned());
        self.say(matter.case_id, &routing::HelperInvited { case, helper_office_id }).await
    }

    /// The office above is to see to it.
    pub(crate) async fn escalated(&self, matter: &Matter, superior: &str) -> Envelope {
        let (case, superior_office_id) = (matter.case(self.clock.now()), superior.to_owned());
        self.say(matter.case_id, &routing::CaseEscalated { case, superior_office_id }).await
    }

    /// A wish to withdraw is refused.
    pub(crate) async fn refused(&self, matter: &Matter) -> Envelope {
        let event = routing::WithdrawalRefused { case: matter.case(self.clock.now()) };
        self.say(matter.case_id, &event).await
    }

    /// The result of the consultation of an office is public, and this is what it makes of the message.
    pub(crate) async fn weighed(&self, matter: &Matter, asked_by: &str, uptake: &str) -> Envelope {
        let event = routing::ResultTold {
            case: matter.case(self.clock.now()),
            consultation_id: fresh().to_string(),
            office_id: asked_by.to_owned(),
            uptake: uptake.to_owned(),
        };
        self.say(matter.case_id, &event).await
    }

    /// An office is put under another one.
    pub(crate) async fn office(&self, office_id: &str, parent: &str) {
        let event = routing::OfficePut {
            office_id: office_id.to_owned(),
            parent_office_id: parent.to_owned(),
            ..Default::default()
        };
        self.say(liuyan_kit::id::of_name("office", office_id), &event).await;
    }

    /// Identity erases an account.
    pub(crate) async fn erased(&self, account_id: Uuid) {
        let event = AccountErased {
            account_id: account_id.to_string(),
            erased_at: Some(to_proto(self.clock.now())),
        };
        self.say(account_id, &event).await;
    }

    /// Intake says that a message was erased.
    pub(crate) async fn message_erased(&self, matter: &Matter) {
        let event = MessageErased {
            message_id: matter.message_id.to_string(),
            erased_at: Some(to_proto(self.clock.now())),
        };
        self.say(matter.message_id, &event).await;
    }
}
