//! What becomes of each event of a case that waits to be appended.

/// What the feed has to know of a waiting event in order to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Whether everybody may see the case after it.
    pub public: bool,
    /// The revision of the case's view after it.
    pub view_revision: i64,
    /// Whether it changed the public text.
    pub changes_text: bool,
    /// Whether the case is kept from the public for its own sake, so that its office alone may know of it.
    pub restricted: bool,
}

/// What the log has shown of a case so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// How many events.
    pub revision: i64,
    /// Whether the case has been taken back since.
    pub hidden: bool,
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is appended with the case's view.
    Append,
    /// The case's stored payloads get the new text, and it is appended.
    Mend,
    /// The case's stored payloads are reduced to ids, and `case-hidden` is appended in its place.
    Hide,
    /// It is appended for the office that handles the case alone, with ids and codes.
    Restrict,
    /// It is not appended.
    Withhold(Reason),
    /// Routing's view is older than the event; it waits, and so do the later events of its case.
    Wait,
}

/// Why an event is not appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The case is not public after it, and nothing of the case is on show.
    NotPublic,
    /// It was public when it happened; the case is not any more.
    NoLongerPublic,
}

impl Reason {
    /// As it is stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotPublic => "not_public",
            Self::NoLongerPublic => "no_longer_public",
        }
    }
}

/// Decides about the waiting events of one case, in the order of their versions. `view` is the
/// revision of the case's public view as routing gave it, `None` if it gave none.
pub fn decide(waiting: &[Waiting], mut shown: Shown, view: Option<i64>) -> Vec<Fate> {
    let last_hiding = waiting.iter().rposition(|event| !event.public);
    let mut fates = Vec::with_capacity(waiting.len());
    for (index, event) in waiting.iter().enumerate() {
        let fate = if fates.last() == Some(&Fate::Wait) {
            Fate::Wait
        } else if event.public {
            let hidden_later = last_hiding.is_some_and(|last| index < last);
            match view.filter(|_| !hidden_later) {
                None => Fate::Withhold(Reason::NoLongerPublic),
                Some(revision) if revision < event.view_revision => Fate::Wait,
                Some(_) if event.changes_text && shown.revision > 0 => Fate::Mend,
                Some(_) => Fate::Append,
            }
        } else if shown.revision > 0 && !shown.hidden {
            Fate::Hide
        } else if event.restricted {
            Fate::Restrict
        } else {
            Fate::Withhold(Reason::NotPublic)
        };
        match fate {
            Fate::Append | Fate::Mend => {
                shown = Shown { revision: shown.revision + 1, hidden: false };
            }
            Fate::Hide => shown = Shown { revision: shown.revision + 1, hidden: true },
            Fate::Restrict | Fate::Withhold(_) | Fate::Wait => {}
        }
        fates.push(fate);
    }
    fates
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOTHING: Shown = Shown { revision: 0, hidden: false };
    const ON_SHOW: Shown = Shown { revision: 2, hidden: false };
    const HIDDEN: Shown = Shown { revision: 3, hidden: true };
    const NOT_PUBLIC: Fate = Fate::Withhold(Reason::NotPublic);
    const GONE: Fate = Fate::Withhold(Reason::NoLongerPublic);

    fn public(view_revision: i64) -> Waiting {
        Waiting { public: true, view_revision, changes_text: false, restricted: false }
    }

    fn text(view_revision: i64) -> Waiting {
        Waiting { changes_text: true, ..public(view_revision) }
    }

    fn closed(view_revision: i64) -> Waiting {
        Waiting { public: false, ..public(view_revision) }
    }

    fn private(view_revision: i64) -> Waiting {
        Waiting { restricted: true, ..closed(view_revision) }
    }

    #[test]
    fn each_event_has_its_fate() {
        type Row<'a> = (&'a [Waiting], Shown, Option<i64>, &'a [Fate]);
        let table: [Row<'_>; 16] = [
            (&[public(1), public(2)], NOTHING, Some(2), &[Fate::Append, Fate::Append]),
            (&[public(1), public(3)], NOTHING, Some(2), &[Fate::Append, Fate::Wait]),
            (&[public(3), closed(1)], NOTHING, Some(2), &[GONE, NOT_PUBLIC]),
            (&[public(3), public(1)], NOTHING, Some(2), &[Fate::Wait, Fate::Wait]),
            (&[public(1)], NOTHING, None, &[GONE]),
            (&[closed(1)], NOTHING, None, &[NOT_PUBLIC]),
            (&[closed(3)], ON_SHOW, None, &[Fate::Hide]),
            (&[closed(3), closed(4)], ON_SHOW, None, &[Fate::Hide, NOT_PUBLIC]),
            (&[closed(4)], HIDDEN, None, &[NOT_PUBLIC]),
            (&[private(1), private(2)], NOTHING, None, &[Fate::Restrict, Fate::Restrict]),
            (&[private(3), private(4)], ON_SHOW, None, &[Fate::Hide, Fate::Restrict]),
            (&[private(5)], HIDDEN, None, &[Fate::Restrict]),
            (&[public(1), private(2)], NOTHING, None, &[GONE, Fate::Restrict]),
            (&[public(5)], HIDDEN, Some(5), &[Fate::Append]),
            (&[text(1)], ON_SHOW, Some(1), &[Fate::Mend]),
            (&[text(1), text(2)], NOTHING, Some(2), &[Fate::Append, Fate::Mend]),
        ];
        for (waiting, shown, view, fates) in table {
            assert_eq!(decide(waiting, shown, view), fates, "{waiting:?} {shown:?} {view:?}");
        }
    }

    #[test]
    fn nothing_is_shown_that_a_waiting_event_takes_back() {
        let waiting = [public(1), closed(2), public(3)];
        assert_eq!(decide(&waiting, ON_SHOW, Some(3)), [GONE, Fate::Hide, Fate::Append]);
    }

    proptest! {
        #[test]
        fn a_case_is_taken_back_only_when_it_is_on_show(
            events in prop::collection::vec(
                (any::<bool>(), 0..5_i64, any::<bool>(), any::<bool>()), 0..12,
            ),
            view in prop::option::of(0..5_i64),
        ) {
            let waiting: Vec<_> = events.into_iter()
                .map(|(public, view_revision, changes_text, restricted)| {
                    Waiting { public, view_revision, changes_text, restricted }
                })
                .collect();
            let mut on_show = false;
            let mut waits = false;
            for (event, fate) in waiting.iter().zip(decide(&waiting, NOTHING, view)) {
                prop_assert!(!waits || fate == Fate::Wait, "nothing overtakes");
                match fate {
                    Fate::Append | Fate::Mend => { prop_assert!(event.public); on_show = true; }
                    Fate::Hide => { prop_assert!(!event.public && on_show); on_show = false; }
                    Fate::Restrict => prop_assert!(event.restricted && !event.public),
                    Fate::Withhold(_) => {}
                    Fate::Wait => waits = true,
                }
            }
            prop_assert!(waits || waiting.last().is_none_or(|last| last.public) || !on_show);
        }
    }
}
