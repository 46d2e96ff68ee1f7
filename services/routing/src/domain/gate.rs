//! The gate that a reply passes: it stops what is nearly the same as other replies, and what shares
//! nothing with the question. Who has a reason passes all the same, and is counted in public.

use std::collections::BTreeSet;

use super::search::words;

/// From how many words on two replies are compared: short ones are alike by nature.
const COMPARED: usize = 24;
/// From how many words on a question and a reply can be said to share nothing.
const TELLING: usize = 12;
/// From which share of common words on, in percent, two replies are nearly the same.
const ALIKE: usize = 90;

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Pass,
    /// It is nearly the same as another reply.
    Alike,
    /// It shares nothing with the question.
    Unrelated,
}

impl Verdict {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Alike => "alike",
            Self::Unrelated => "unrelated",
        }
    }
}

/// Judges a reply. `question` is the public text that it answers, empty if none is kept here; `others`
/// are replies to other messages.
///
/// Two replies are nearly the same if nine tenths of the words of both together stand in both; Han
/// characters count by pairs of neighbours.
pub fn judge(question: &str, reply: &str, others: &[String]) -> Verdict {
    let set = |text: &str| words(text).into_iter().collect::<BTreeSet<String>>();
    let reply = set(reply);
    if reply.len() >= COMPARED && others.iter().any(|other| are_alike(&reply, &set(other))) {
        return Verdict::Alike;
    }
    let question = set(question);
    let telling = question.len() >= TELLING && reply.len() >= TELLING;
    if telling && question.is_disjoint(&reply) { Verdict::Unrelated } else { Verdict::Pass }
}

fn are_alike(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    let common = one.intersection(other).count();
    common * 100 >= (one.len() + other.len() - common) * ALIKE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that differ from each other.
    fn text(from: usize, until: usize) -> String {
        (from..until).map(|n| format!("word{n} ")).collect()
    }

    #[test]
    fn what_was_answered_to_others_is_stopped_and_short_thanks_are_not() {
        let others = [text(0, 60)];
        assert_eq!(judge("", &text(0, 60), &others), Verdict::Alike);
        assert_eq!(judge("", &text(0, 58), &others), Verdict::Alike);
        assert_eq!(judge("", &text(0, 50), &others), Verdict::Pass);
        assert_eq!(judge("", &text(0, 10), &[text(0, 10)]), Verdict::Pass);
    }

    #[test]
    fn what_shares_no_word_with_a_question_that_tells_something_is_stopped() {
        assert_eq!(judge(&text(0, 20), &text(50, 70), &[]), Verdict::Unrelated);
        assert_eq!(judge(&text(0, 20), &text(19, 70), &[]), Verdict::Pass);
        assert_eq!(judge(&text(0, 5), &text(50, 70), &[]), Verdict::Pass);
        assert_eq!(judge(&text(0, 20), "done", &[]), Verdict::Pass);
        assert_eq!(judge("", &text(50, 70), &[]), Verdict::Pass);
    }
}
