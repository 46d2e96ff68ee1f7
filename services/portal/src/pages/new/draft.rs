//! A message as its author types it.

use liuyan_proto::liuyan::{
    common::v1::{Channel, Visibility},
    intake::v1::{Author, NewMessage, Place, SubmitMessageRequest},
    routing::v1::Consultation,
};
use serde::Deserialize;
use uuid::Uuid;

use super::files::{self, Files};
use crate::{error::Error, visit::Visit};

/// A message as its author types it: every field of the form, as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    /// Which button was pressed.
    pub(crate) action: String,
    /// What makes the same words another message; empty unless their author asks for that.
    pub(crate) another: String,
    /// The chosen divisions, from the top.
    pub(crate) d1: String,
    pub(crate) d2: String,
    pub(crate) d3: String,
    pub(crate) office_id: String,
    pub(crate) kind: String,
    /// The domain, or domain and topic with a bar between.
    pub(crate) matter: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) demand: String,
    pub(crate) details: String,
    pub(crate) place: String,
    pub(crate) place_public: String,
    pub(crate) remark: String,
    pub(crate) visibility: String,
    pub(crate) name: String,
    pub(crate) phone: String,
    /// The consultation that it answers.
    pub(crate) consultation: String,
    /// Its files, which are at intake by now.
    #[serde(skip)]
    pub(crate) files: Files,
}

impl Draft {
    /// The draft that these fields of a form make.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if a field comes twice that is none of files.
    pub(crate) fn of(pairs: &[(String, String)]) -> Result<Self, Error> {
        let mut fields = serde_json::Map::new();
        for (name, value) in pairs.iter().filter(|(name, _)| !files::is_of_files(name)) {
            if fields.insert(name.clone(), value.clone().into()).is_some() {
                return Err(Error::Unreadable);
            }
        }
        serde_json::from_value(fields.into()).map_err(|_| Error::Unreadable)
    }

    /// Empties what is no id, and makes line ends those of Unix: browsers send others.
    pub(crate) fn mend(&mut self) {
        if self.another.parse::<Uuid>().is_err() {
            self.another.clear();
        }
        self.files.remove(&self.action);
        for text in [&mut self.body, &mut self.demand, &mut self.details, &mut self.remark] {
            *text = text.replace("\r\n", "\n");
        }
    }

    /// Makes it another message than the one that was sent with the same words. Gives whether it has
    /// lost files by that: those went with the other one.
    pub(crate) fn renew(&mut self, v: &Visit) -> bool {
        self.another = v.new_id();
        let had = !self.files.kept.is_empty();
        self.files = Files::default();
        had
    }

    /// Whether no place was chosen from the lists.
    pub(crate) fn is_placeless(&self) -> bool {
        [&self.d1, &self.d2, &self.d3].iter().all(|code| code.is_empty())
    }

    /// The code of the domain.
    pub(crate) fn domain(&self) -> &str {
        self.matter.split_once('|').map_or(self.matter.as_str(), |(domain, _)| domain)
    }

    /// The topic inside the domain.
    pub(crate) fn topic(&self) -> &str {
        self.matter.split_once('|').map_or("", |(_, topic)| topic)
    }

    /// Makes it a suggestion to the office that asks in a consultation.
    pub(crate) fn answers(&mut self, asked: &Consultation) {
        self.consultation.clone_from(&asked.consultation_id);
        self.office_id.clone_from(&asked.office_id);
        self.matter.clone_from(&asked.domain);
        "suggestion".clone_into(&mut self.kind);
    }

    /// Whether only author and office may read it.
    pub(crate) fn is_private(&self) -> bool {
        self.visibility == "private"
    }

    /// Lets only author and office read it, whatever was chosen.
    pub(crate) fn make_private(&mut self) {
        "private".clone_into(&mut self.visibility);
    }

    /// Everything that was typed, to be sent once more.
    pub(crate) fn pairs(&self) -> [(&'static str, &str); 18] {
        [
            ("another", &self.another),
            ("d1", &self.d1),
            ("d2", &self.d2),
            ("d3", &self.d3),
            ("office_id", &self.office_id),
            ("kind", &self.kind),
            ("matter", &self.matter),
            ("title", &self.title),
            ("body", &self.body),
            ("demand", &self.demand),
            ("details", &self.details),
            ("place", &self.place),
            ("place_public", &self.place_public),
            ("remark", &self.remark),
            ("visibility", &self.visibility),
            ("name", &self.name),
            ("phone", &self.phone),
            ("consultation", &self.consultation),
        ]
    }

    /// The id of the request: the same words from the same browser are one message, whether they come
    /// from the form, its preview, or a copy that the browser has restored.
    fn request_id(&self, v: &Visit, column_id: &str) -> String {
        // Where the office was looked for is no part of what is said.
        let said =
            self.pairs().into_iter().filter(|(name, _)| !matches!(*name, "d1" | "d2" | "d3"));
        let files = self.files.said();
        let files = files.iter().map(String::as_str);
        let column = (!column_id.is_empty()).then_some(column_id);
        let said = said.map(|(_, words)| words).chain(files).chain(column);
        v.id_of("new", &said.collect::<Vec<_>>())
    }

    /// The request to intake. Nothing that was typed is left out: what does not belong there is
    /// intake's to refuse, so that its author hears of it.
    pub(crate) fn request(&self, v: &Visit, column_id: &str) -> SubmitMessageRequest {
        let place = Place {
            text: self.place.clone(),
            location: None,
            public: !self.place_public.is_empty(),
        };
        let author = Author { name: self.name.clone(), phone: self.phone.clone() };
        let visibility = if self.is_private() { Visibility::Private } else { Visibility::Public };
        let channel = if column_id.is_empty() { Channel::Web } else { Channel::Column };
        let message = NewMessage {
            office_id: self.office_id.clone(),
            kind: self.kind.clone(),
            domain: self.domain().to_owned(),
            topic: self.topic().to_owned(),
            title: self.title.clone(),
            body: self.body.clone(),
            demand: self.demand.clone(),
            details: self.details.clone(),
            place: (!self.place.is_empty()).then_some(place),
            remark: self.remark.clone(),
            visibility: visibility.into(),
            author: (author != Author::default()).then_some(author),
            channel: channel.into(),
            column_id: column_id.to_owned(),
            locale: v.locale().to_owned(),
            attachments: self.files.attached(),
            upload_token: self.files.token.clone(),
            consultation_id: self.consultation.clone(),
            ..NewMessage::default()
        };
        SubmitMessageRequest {
            request_id: self.request_id(v, column_id),
            message: Some(message),
            historical: None,
        }
    }
}

/// The id of the element of a field, as intake calls the field.
pub(crate) fn id_of(field: &str) -> String {
    let field = field.strip_prefix("message.").unwrap_or(field);
    let id = match field {
        "office_id" => "office",
        "domain" | "topic" => "matter",
        "place.text" => "place",
        "author.name" => "name",
        "author.phone" => "phone",
        // It has no element of its own: the summary tells.
        "column_id" | "consultation_id" => "faults",
        "attachments" | "upload_token" => super::files::ELEMENT,
        other => other,
    };
    id.to_owned()
}
