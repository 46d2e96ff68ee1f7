//! The gate that a reply passes: it stops a copy of another reply that does not speak of its question,
//! and what shares nothing with the question at all or has no words. Who has a reason passes all the same, and is
//! counted in public. What is only suspicious passes; whoever asks before is told.

use super::likeness::{Measured, Sketch, Yardstick};

/// From which share of common pieces on two replies are nearly the same (Jaccard).
const COPY: f64 = 0.9;
/// The share of other questions to which a reply may be as near as to its own.
const AS_NEAR: f64 = 0.04;
/// Lengths are in Han characters. A shorter reply is a mere receipt, which is like others by nature: it is never stopped.
const RECEIPT: usize = 15;
/// From which length on a reply that shares nothing with its question is stopped.
const TELLING: usize = 40;
/// A shorter question, or one that is not kept here, tells nothing.
const ASKED: usize = 12;

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Pass,
    /// It is nearly the same as another reply.
    Alike,
    /// It does not speak of the question.
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

/// What the gate says of a reply, and what it was told by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// What it says.
    pub verdict: Verdict,
    /// Whether the reply is stopped; else whoever answers may only want to look again.
    pub stops: bool,
    /// What was measured.
    pub measured: Measured,
}

/// Judges a reply. `question` is that of the public text that it answers, empty if none is kept here;
/// `others` are questions and replies of other cases.
pub fn judge(question: &Sketch, reply: &Sketch, others: &Yardstick) -> Judgement {
    judge_measured(question, reply, others.measure(question, reply))
}

/// The same, of what was measured before.
pub fn judge_measured(question: &Sketch, reply: &Sketch, measured: Measured) -> Judgement {
    let asked = question.length() >= ASKED;
    let beside = !measured.shares || measured.as_near.is_some_and(|share| share > AS_NEAR);
    let copied = measured.likeness >= COPY;
    let nothing = asked && !measured.shares;
    let (verdict, stops) = if reply.length() == 0 {
        // Not a word: it speaks of nothing.
        (Verdict::Unrelated, true)
    } else if copied && (beside || !asked) && reply.length() >= RECEIPT {
        (Verdict::Alike, true)
    } else if nothing && reply.length() >= TELLING {
        (Verdict::Unrelated, true)
    } else if copied {
        (Verdict::Alike, false)
    } else if asked && beside {
        (Verdict::Unrelated, false)
    } else {
        (Verdict::Pass, false)
    };
    Judgement { verdict, stops, measured }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that differ from each other.
    fn text(from: usize, until: usize) -> Sketch {
        let words: String = (from..until).map(|n| format!("word{n} ")).collect();
        Sketch::of(&[&words])
    }

    fn judged(question: &Sketch, reply: &Sketch, replies: Vec<Sketch>) -> (Verdict, bool) {
        let judged = judge(question, reply, &Yardstick::new(Vec::new(), replies));
        (judged.verdict, judged.stops)
    }

    #[test]
    fn a_copy_is_stopped_unless_it_speaks_of_its_question_or_is_a_receipt() {
        let (none, others) = (Sketch::default(), vec![text(0, 60)]);
        assert_eq!(judged(&none, &text(0, 60), others.clone()), (Verdict::Alike, true));
        assert_eq!(judged(&none, &text(0, 58), others.clone()), (Verdict::Alike, true));
        assert_eq!(judged(&none, &text(0, 50), others.clone()), (Verdict::Pass, false));
        assert_eq!(judged(&text(0, 20), &text(0, 60), others.clone()), (Verdict::Alike, false));
        assert_eq!(judged(&text(80, 99), &text(0, 60), others), (Verdict::Alike, true));
        let short = judged(&none, &text(0, 7), vec![text(0, 7)]);
        assert_eq!(short, (Verdict::Alike, false));
    }

    #[test]
    fn what_shares_nothing_with_a_question_that_tells_something_is_stopped() {
        let nobody = Vec::new;
        assert_eq!(judged(&text(0, 20), &text(50, 80), nobody()), (Verdict::Unrelated, true));
        assert_eq!(judged(&text(0, 20), &text(19, 80), nobody()), (Verdict::Pass, false));
        assert_eq!(judged(&text(0, 5), &text(50, 80), nobody()), (Verdict::Pass, false));
        assert_eq!(judged(&text(0, 20), &text(50, 52), nobody()), (Verdict::Unrelated, false));
        assert_eq!(judged(&Sketch::default(), &text(50, 80), nobody()), (Verdict::Pass, false));
    }

    #[test]
    fn what_has_no_words_is_no_reply() {
        let long = "a".repeat(300);
        for body in ["。".repeat(200), "😀".repeat(200), long] {
            let judged = judged(&text(0, 20), &Sketch::of(&[&body]), Vec::new());
            assert_eq!(judged, (Verdict::Unrelated, true), "{body:.10}");
        }
        let unasked = judged(&Sketch::default(), &Sketch::of(&["……"]), Vec::new());
        assert_eq!(unasked, (Verdict::Unrelated, true));
    }

    #[test]
    fn what_is_as_near_to_the_questions_of_others_is_flagged() {
        let others = (0..20).map(|n| text(10 + n, 40 + n)).collect();
        let stick = Yardstick::new(others, Vec::new());
        let judged = judge(&text(0, 20), &text(18, 60), &stick);
        assert_eq!((judged.verdict, judged.stops), (Verdict::Unrelated, false));
    }
}
