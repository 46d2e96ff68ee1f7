//! A consultation and its result, as they were typed.

use liuyan_proto::liuyan::routing::v1::{Consultation, Statement, Uptake};
use url::form_urlencoded;

/// The most statements of a result.
const MOST: usize = 50;
/// How whether something was taken up is called in forms, with the name of its text.
pub(super) const UPTAKES: [(&str, Uptake, &str); 3] = [
    ("taken", Uptake::Taken, "uptake-taken"),
    ("partly", Uptake::Partly, "uptake-partly"),
    ("not", Uptake::Not, "uptake-not"),
];

/// What is asked, and when.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    /// Which button was pressed.
    pub(super) action: String,
    pub(super) id: String,
    /// The consultation as the person saw it.
    pub(super) etag: String,
    pub(super) office_id: String,
    pub(super) division_code: String,
    pub(super) domain: String,
    pub(super) question: String,
    pub(super) description: String,
    pub(super) from_on: String,
    pub(super) until_on: String,
}

impl Plan {
    pub(super) fn read(form: &[u8]) -> Self {
        let mut plan = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            let value = value.replace("\r\n", "\n");
            match name.as_ref() {
                "action" => plan.action = value,
                "id" => plan.id = value,
                "etag" => plan.etag = value,
                "office_id" => plan.office_id = value,
                "division_code" => plan.division_code = value,
                "domain" => plan.domain = value,
                "question" => plan.question = value,
                "description" => plan.description = value,
                "from_on" => plan.from_on = value,
                "until_on" => plan.until_on = value,
                _ => {}
            }
        }
        plan
    }

    /// What is there.
    pub(super) fn of(known: &Consultation) -> Self {
        Self {
            action: String::new(),
            id: known.consultation_id.clone(),
            etag: known.etag.clone(),
            office_id: known.office_id.clone(),
            division_code: known.division_code.clone(),
            domain: known.domain.clone(),
            question: known.question.clone(),
            description: known.description.clone(),
            from_on: known.from_on.clone(),
            until_on: known.until_on.clone(),
        }
    }

    /// The same with what the form of an open consultation does not ask for.
    pub(super) fn standing(&self, known: &Consultation) -> Self {
        use liuyan_proto::liuyan::routing::v1::ConsultationState;
        if known.state() == ConsultationState::Draft {
            return self.clone();
        }
        let (description, until_on) = (self.description.clone(), self.until_on.clone());
        let (action, etag) = (self.action.clone(), self.etag.clone());
        Self { action, etag, description, until_on, ..Self::of(known) }
    }
}

/// A statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) uptake: String,
    pub(super) what: String,
    pub(super) taken_up_by: String,
    /// Public numbers, with blanks or line ends between them.
    pub(super) numbers: String,
}

impl Row {
    fn is_empty(&self) -> bool {
        [&self.what, &self.taken_up_by, &self.numbers].iter().all(|text| text.trim().is_empty())
    }

    /// What may be chosen: code, name of its text, whether it is.
    pub(super) fn uptakes(&self) -> Vec<(&'static str, &'static str, bool)> {
        UPTAKES.iter().map(|(code, _, word)| (*code, *word, *code == self.uptake)).collect()
    }
}

/// A result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Result {
    pub(super) summary: String,
    pub(super) rows: Vec<Row>,
}

impl Result {
    pub(super) fn read(form: &[u8]) -> Self {
        let mut result = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            let value = value.replace("\r\n", "\n");
            // Each row sends first whether it was taken up.
            let room = result.rows.len() < MOST;
            match (name.as_ref(), result.rows.last_mut()) {
                ("summary", _) => result.summary = value,
                ("uptake", _) if room => {
                    result.rows.push(Row { uptake: value, ..Row::default() });
                }
                ("what", Some(row)) => row.what = value,
                ("taken_up_by", Some(row)) => row.taken_up_by = value,
                ("numbers", Some(row)) => row.numbers = value,
                _ => {}
            }
        }
        result.rows.retain(|row| !row.is_empty());
        result
    }

    /// What was published.
    pub(super) fn of(known: &Consultation) -> Self {
        let row = |it: &Statement| Row {
            uptake: UPTAKES
                .iter()
                .find(|(_, uptake, _)| *uptake == it.uptake())
                .map_or_else(String::new, |(code, ..)| (*code).to_owned()),
            what: it.what.clone(),
            taken_up_by: it.taken_up_by.clone(),
            numbers: it.numbers.join("\n"),
        };
        Self { summary: known.summary.clone(), rows: known.statements.iter().map(row).collect() }
    }

    /// The same with an empty row at the end, as long as there may be one.
    pub(super) fn with_room(mut self) -> Self {
        if self.rows.len() < MOST {
            self.rows.push(Row { uptake: "taken".to_owned(), ..Row::default() });
        }
        self
    }

    /// As routing takes it.
    pub(super) fn told(&self) -> (String, Vec<Statement>) {
        let statement = |row: &Row| Statement {
            uptake: UPTAKES
                .iter()
                .find(|(code, ..)| *code == row.uptake)
                .map_or(Uptake::Unspecified, |(_, uptake, _)| *uptake)
                .into(),
            what: row.what.clone(),
            taken_up_by: row.taken_up_by.clone(),
            numbers: row
                .numbers
                .split(|it: char| {
                    it.is_whitespace() || matches!(it, ',' | ';' | '\u{ff0c}' | '\u{3001}')
                })
                .filter(|number| !number.is_empty())
                .map(str::to_uppercase)
                .collect(),
        };
        (self.summary.clone(), self.rows.iter().map(statement).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_row_by_row_and_empty_rows_are_left_out() {
        let form = "summary=All+of+it&uptake=partly&what=Trees&numbers=aa-1%0D%0Abb-2%EF%BC%8Ccc-3\
                    &uptake=taken&what=&taken_up_by=&numbers=";
        let read = Result::read(form.as_bytes());
        assert_eq!(read.rows.len(), 1);
        let (summary, statements) = read.told();
        assert_eq!((summary.as_str(), statements.len()), ("All of it", 1));
        assert_eq!(statements[0].uptake(), Uptake::Partly);
        assert_eq!(statements[0].numbers, ["AA-1", "BB-2", "CC-3"]);
        assert_eq!(read.with_room().rows.len(), 2);
    }
}
