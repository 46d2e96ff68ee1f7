//! What the accused lose when it turns out later who they are: by a new name, or by coming to lie under
//! an accused office.

use jiff::Timestamp;

use super::{
    super::{
        assignment::{assign, is_kept_from, triage_on},
        calendar,
        directory::Directory,
        state::State,
    },
    Case, Fact, What,
};

/// What was taken from the accused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parted {
    /// The office that had the case and lost it.
    pub from: Option<String>,
    /// The offices that helped and help no more.
    pub helpers: Vec<String>,
    /// Whether a wait for the author ended with it.
    pub resumed: bool,
    /// What is to be said of it.
    pub facts: Vec<Fact>,
}

impl Case {
    /// Whether it names all who are accused, by whatever name, and none of them has it or helps with it.
    /// What has ended may have been theirs: they are kept from it all the same.
    pub fn is_apart(&self, directory: &Directory) -> bool {
        let kept = |office_id: &String| is_kept_from(&directory.offices, office_id, &self.accused);
        directory.offices.with_successors(&self.accused) == self.accused
            && !self.handling.helpers.iter().any(kept)
            && (matches!(self.state, State::Closed(_)) || !kept(&self.office_id))
    }

    /// Takes it from those who are accused by now: helpers help no more, and an office that has it loses
    /// it to the nearest one above that may have it, or to the first of `triage` that may. What was not
    /// answered is to be accepted anew; what was stays answered. Nobody who may have it: then it stays,
    /// and the office is kept from it.
    pub fn part(&mut self, directory: &Directory, triage: &[String], at: Timestamp) -> Parted {
        let offices = &directory.offices;
        self.accused = offices.with_successors(&self.accused);
        let mut parted = Parted::default();
        let (lost, kept) = std::mem::take(&mut self.handling.helpers)
            .into_iter()
            .partition(|helper| is_kept_from(offices, helper, &self.accused));
        (parted.helpers, self.handling.helpers) = (lost, kept);
        if !parted.helpers.is_empty() {
            self.moved(at);
        }
        let ended = matches!(self.state, State::Closed(_));
        if ended || !is_kept_from(offices, &self.office_id, &self.accused) {
            return parted;
        }
        let day = calendar::day_of(at);
        let triage = triage_on(directory, triage, day);
        let chosen = assign(offices, &self.office_id, &self.accused, &triage, day);
        let Some((rule, to)) = chosen.and_then(|it| Some((it.rule, offices.get(&it.office_id)?)))
        else {
            return parted;
        };
        if let Ok(facts) = self.resume(directory, at) {
            parted.resumed = true;
            parted.facts = facts;
        }
        if self.reply_count == 0 {
            self.state = State::Assigned;
        }
        let from = self.give_to(to, rule, directory, at);
        parted.facts.push(self.fact(What::Transferred(from.clone()), at));
        parted.from = Some(from);
        parted
    }
}
