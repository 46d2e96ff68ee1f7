//! Which office of a division is competent for what: a message that is written to any office of the
//! division goes there.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    assignment::{Assignment, Rule},
    case::Opening,
    directory::Directory,
};

/// What an office is competent for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matter {
    /// The division.
    pub division_code: String,
    /// The domain.
    pub domain: String,
    /// The topic; empty for all without a line of their own.
    pub topic: String,
    /// The kind; empty for all without a line of their own.
    pub kind: String,
}

/// Who is competent for what.
#[derive(Debug, Clone, Default)]
pub struct Competences(BTreeMap<Matter, String>);

impl Competences {
    /// Matters with the offices that are competent for them.
    pub fn new(lines: impl IntoIterator<Item = (Matter, String)>) -> Self {
        Self(lines.into_iter().collect())
    }

    /// All of them in the order of the matters.
    pub fn iter(&self) -> impl Iterator<Item = (&Matter, &str)> {
        self.0.iter().map(|(matter, office_id)| (matter, office_id.as_str()))
    }

    /// The office that is competent, by the most exact line there is: the topic comes before the kind.
    pub fn of(&self, division_code: &str, domain: &str, topic: &str, kind: &str) -> Option<&str> {
        let lines = [(topic, kind), (topic, ""), ("", kind), ("", "")];
        lines.into_iter().find_map(|(topic, kind)| {
            let matter = Matter {
                division_code: division_code.to_owned(),
                domain: domain.to_owned(),
                topic: topic.to_owned(),
                kind: kind.to_owned(),
            };
            self.0.get(&matter).map(String::as_str)
        })
    }
}

/// The competent office for a message, if it is another than that to which it is written, or that stands
/// for it, and may have it. Of what has no domain, the one that a model is sure of counts. Who accuses somebody is never sent where others' messages go.
pub fn by_competence(directory: &Directory, opening: &Opening, day: Date) -> Option<Assignment> {
    let suggested = opening.suggested.as_ref().and_then(|it| it.domain.as_ref());
    let domain = suggested.map_or(&opening.domain, |it| &it.code);
    if !opening.accused.is_empty() || domain.is_empty() {
        return None;
    }
    let (stands, _) = directory.in_place_of(&opening.office_id, day)?;
    let addressed = &stands.office_id;
    let division = stands.division_code.as_deref()?;
    let (topic, kind) = (&opening.topic, &opening.kind);
    let competent = directory.competences.of(division, domain, topic, kind)?;
    let office = directory.offices.get(competent).filter(|office| office.takes(day))?;
    (office.office_id != *addressed)
        .then(|| Assignment { office_id: office.office_id.clone(), rule: Rule::Competence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_line_is_in_force() {
        let line = |topic: &str, kind: &str, office: &str| {
            let matter = Matter {
                division_code: "130100".to_owned(),
                domain: "7".to_owned(),
                topic: topic.to_owned(),
                kind: kind.to_owned(),
            };
            (matter, office.to_owned())
        };
        let lines = [line("", "", "a"), line("", "help", "b"), line("供水", "", "c")];
        let competences = Competences::new(lines);
        for (topic, kind, office) in [
            ("", "enquiry", Some("a")),
            ("燃气", "help", Some("b")),
            ("供水", "help", Some("c")),
            ("供水", "enquiry", Some("c")),
        ] {
            assert_eq!(competences.of("130100", "7", topic, kind), office, "{topic} {kind}");
        }
        assert_eq!(competences.of("130100", "6", "", "help"), None);
        assert_eq!(competences.of("130200", "7", "", "help"), None);
    }
}
