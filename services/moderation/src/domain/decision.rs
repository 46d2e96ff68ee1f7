//! What a moderator may decide, and when the decision is whole.

use super::{ground::Ground, text::Span};

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Publish, without these spans.
    Publish {
        /// The spans to leave out.
        redactions: Vec<Span>,
    },
    /// Send back to the author.
    Return(Refusal),
    /// Do not publish.
    Decline(Refusal),
}

/// Why a message is not published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A code of the list of grounds.
    pub ground: String,
    /// For the author to read.
    pub explanation: String,
    /// Where.
    pub spans: Vec<Span>,
}

/// What is wrong with a decision; each names a field of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The ground is not in the list.
    GroundUnknown,
    /// An author cannot mend what this ground names, so that sending back helps nobody.
    GroundNotMendable,
    /// The author would not be told why.
    ExplanationEmpty,
    /// The explanation is too long.
    ExplanationTooLong,
    /// The author would not be told where.
    SpansEmpty,
}

impl Decision {
    /// The word by which it is stored.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Publish { .. } => "publish",
            Self::Return(_) => "return",
            Self::Decline(_) => "decline",
        }
    }

    /// The spans that it names.
    pub fn spans(&self) -> &[Span] {
        match self {
            Self::Publish { redactions } => redactions,
            Self::Return(refusal) | Self::Decline(refusal) => &refusal.spans,
        }
    }

    /// Why it does not publish, if it does not.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Publish { .. } => None,
            Self::Return(refusal) | Self::Decline(refusal) => Some(refusal),
        }
    }

    /// Everything that is wrong with it, against the list of grounds and the longest explanation
    /// in characters.
    pub fn faults(&self, grounds: &[Ground], longest: usize) -> Vec<Fault> {
        let Some(refusal) = self.refusal() else { return Vec::new() };
        let mut faults = Vec::new();
        match grounds.iter().find(|ground| ground.code == refusal.ground) {
            None => faults.push(Fault::GroundUnknown),
            Some(ground) if matches!(self, Self::Return(_)) && !ground.author_can_mend => {
                faults.push(Fault::GroundNotMendable);
            }
            Some(_) => {}
        }
        if refusal.explanation.trim().is_empty() {
            faults.push(Fault::ExplanationEmpty);
        }
        if refusal.explanation.chars().count() > longest {
            faults.push(Fault::ExplanationTooLong);
        }
        if refusal.spans.is_empty() {
            faults.push(Fault::SpansEmpty);
        }
        faults
    }

    /// Whether only a senior moderator may decide so.
    pub fn needs_senior(&self, grounds: &[Ground]) -> bool {
        self.refusal().is_some_and(|refusal| {
            grounds.iter().any(|ground| ground.code == refusal.ground && ground.senior_only)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ground, text::Field};
    use super::*;

    fn refusal(ground: &str, explanation: &str) -> Refusal {
        let spans = if ground == "none" {
            Vec::new()
        } else {
            vec![Span { field: Field::Body, start: 0, end: 1 }]
        };
        Refusal { ground: ground.into(), explanation: explanation.into(), spans }
    }

    #[test]
    fn a_refusal_needs_a_fitting_ground_and_an_explanation() {
        let grounds = ground::parse(ground::DATA).unwrap();
        let table: [(Decision, &[Fault]); 7] = [
            (Decision::Publish { redactions: Vec::new() }, &[]),
            (Decision::Return(refusal("abuse", "x")), &[]),
            (Decision::Return(refusal("spam", "x")), &[Fault::GroundNotMendable]),
            (Decision::Decline(refusal("spam", "x")), &[]),
            (Decision::Decline(refusal("spam", "long")), &[Fault::ExplanationTooLong]),
            (Decision::Decline(refusal("spam", " \n")), &[Fault::ExplanationEmpty]),
            (
                Decision::Decline(refusal("none", "")),
                &[Fault::GroundUnknown, Fault::ExplanationEmpty, Fault::SpansEmpty],
            ),
        ];
        for (decision, faults) in table {
            assert_eq!(decision.faults(&grounds, 3), faults, "{decision:?}");
        }
    }

    #[test]
    fn a_senior_ground_needs_a_senior() {
        let grounds = ground::parse(ground::DATA).unwrap();
        assert!(Decision::Decline(refusal("unlawful", "x")).needs_senior(&grounds));
        assert!(!Decision::Decline(refusal("spam", "x")).needs_senior(&grounds));
    }
}
