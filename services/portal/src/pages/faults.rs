//! What is wrong with the fields of a form, as its page shows it.

use liuyan_kit::class::Classify as _;

use crate::error::{Error, FieldFault};

/// What is wrong with a form: each fault at its field, and the form as a whole.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// By the id of the field's element.
    pub(crate) fields: Vec<(String, String)>,
    /// What is wrong with the form as a whole.
    pub(crate) whole: Option<String>,
    /// Whether it may be sent again as it is, a little later.
    pub(crate) passes: bool,
    /// Whether a reply was stopped that is sent all the same for a reason.
    pub(crate) stopped: bool,
}

/// How fields are called, by the ids of their elements.
const LABELS: [(&str, &str); 34] = [
    ("office", "new-office"),
    ("kind", "new-kind"),
    ("matter", "new-matter"),
    ("title", "new-title-field"),
    ("body", "new-body"),
    ("demand", "message-demand"),
    ("details", "message-details"),
    ("place", "message-place"),
    ("visibility", "new-visibility"),
    ("remark", "new-remark"),
    ("name", "new-name"),
    ("phone", "new-phone"),
    ("number", "message-number"),
    ("address", "endpoint-address"),
    ("password", "password-present"),
    ("new_password", "password-new"),
    ("new_password_again", "password-again"),
    ("outcome", "message-outcome"),
    ("reason", "desk-reason"),
    ("question", "desk-pause-question"),
    ("days", "desk-extend-days"),
    ("promises", "desk-promises"),
    ("follow-up", "follow-up-why"),
    ("override_reason", "desk-override"),
    ("appeal", "appeal-reason"),
    ("words", "review-words"),
    ("decision", "review-decision"),
    ("ground", "review-ground"),
    ("explanation", "review-explanation"),
    ("accused", "review-accused"),
    ("description", "consultation-description"),
    ("from_on", "consultation-from"),
    ("until_on", "consultation-until"),
    ("summary", "consultation-summary"),
];

impl Faults {
    /// The faults that an error tells. `id_of` gives the id of the element of a field.
    pub(crate) fn of(error: &Error, locale: &str, id_of: impl Fn(&str) -> String) -> Self {
        let fault = |fault: &FieldFault| (id_of(&fault.field), fault.text.clone());
        Self {
            fields: error.fields().iter().map(fault).collect(),
            whole: Some(error.text(locale)),
            passes: error.class().passes(),
            stopped: error.is("REPLY_ALIKE") || error.is("REPLY_UNRELATED"),
        }
    }

    /// The form as a whole is wrong.
    pub(crate) fn whole(text: String) -> Self {
        Self { whole: Some(text), ..Self::default() }
    }

    /// The name of the text by which a field is called on its page, for the summary above the form.
    pub(crate) fn label(&self, id: &str) -> Option<&'static str> {
        LABELS.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
    }

    /// What is wrong with the field.
    pub(crate) fn at(&self, id: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == id).map(|(_, text)| text.as_str())
    }

    /// Everything that is wrong with the field, each fault once.
    pub(crate) fn all(&self, id: &str) -> Vec<&str> {
        let faults = self.fields.iter().filter(|(known, _)| known == id);
        let mut texts: Vec<&str> = faults.map(|(_, text)| text.as_str()).collect();
        texts.dedup();
        texts
    }

    /// The attributes by which whoever hears the page learns of the hint and of the fault. `id` is
    /// one of the template's own ids: nothing in it has to be escaped.
    pub(crate) fn aria(&self, id: &str) -> String {
        match self.at(id) {
            Some(_) => format!(r#" aria-invalid="true" aria-describedby="{id}-wrong {id}-hint""#),
            None => format!(r#" aria-describedby="{id}-hint""#),
        }
    }
}
