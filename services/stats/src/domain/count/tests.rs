use super::*;
use crate::domain::fact::{Case, Decision, Step, Submission, Verdict, View};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn a_fact() -> Fact {
    let submission = Submission {
        office_id: "350102-s".to_owned(),
        kind: "help".to_owned(),
        domain: "7".to_owned(),
        private: false,
        submitted_at: at("2026-07-01T01:00:00Z"),
    };
    Fact { submission, decision: Decision::default(), case: None }
}

fn a_view() -> View {
    View {
        office_id: "350100-g".to_owned(),
        kind: "complaint".to_owned(),
        domain: "6".to_owned(),
        private: false,
        accused: false,
        open: true,
        revision: 1,
    }
}

fn with_case(steps: &[(&str, Step)]) -> Fact {
    let deadline = at("2026-07-10T15:59:59Z");
    let mut case = Case::open(uuid::Uuid::nil(), a_view(), deadline);
    for (moment, step) in steps {
        let view = View { open: !matches!(step, Step::Closed(_)), ..a_view() };
        case.hear(&view, at(moment), step);
    }
    Fact { case: Some(case), ..a_fact() }
}

fn count(fact: &Fact, as_of: &str) -> Contribution {
    contribution(fact, at(as_of), |_| vec!["350000".to_owned(), "350100".to_owned()])
}

fn numbers(fact: &Fact, as_of: &str, measures: &[Measure]) -> Vec<i64> {
    let contribution = count(fact, as_of);
    measures.iter().map(|measure| contribution.counts.get(*measure)).collect()
}

const LATE: &str = "2026-08-01T00:00:00Z";

#[test]
fn a_case_says_better_than_its_message_where_it_belongs() {
    let counted = count(&with_case(&[]), LATE);
    assert_eq!(
        (counted.office_id.as_str(), counted.domain.as_str(), counted.kind.as_str()),
        ("350100-g", "6", "complaint")
    );
    assert_eq!((counted.scope, counted.month.to_string()), (Scope::Office, "2026-07".to_owned()));
}

#[test]
fn who_is_not_public_counts_for_the_province_and_who_accuses_for_the_nation() {
    let undecided = a_fact();
    let mut declined = a_fact();
    declined.decision.hear(&Verdict::Declined { ground: "abuse".to_owned() });
    let mut accusing = a_fact();
    accusing.decision.hear(&Verdict::Declined { ground: ACCUSATION.to_owned() });
    let mut private = with_case(&[]);
    private.case.as_mut().unwrap().view.private = true;
    let mut accused = private.clone();
    accused.case.as_mut().unwrap().view.accused = true;
    for (fact, scope, office, domain, published) in [
        (&undecided, Scope::Province, "350102-s", "", 0),
        (&declined, Scope::Office, "350102-s", "7", 0),
        (&accusing, Scope::Nation, "", "", 0),
        (&private, Scope::Province, "350100-g", "", 0),
        (&accused, Scope::Nation, "", "", 0),
        (&with_case(&[]), Scope::Office, "350100-g", "6", 1),
    ] {
        let counted = count(fact, LATE);
        assert_eq!(counted.scope, scope);
        assert_eq!((counted.office_id.as_str(), counted.domain.as_str()), (office, domain));
        assert_eq!(counted.counts.get(Measure::Published), published);
    }
}

#[test]
fn the_first_reply_counts_and_it_is_on_time_up_to_the_deadline() {
    use Measure::{OnTime, Opened, Overdue, Replied};
    let measures = [Opened, Replied, OnTime, Overdue];
    let none = with_case(&[]);
    assert_eq!(numbers(&none, "2026-07-10T15:59:59Z", &measures), [1, 0, 0, 0]);
    assert_eq!(numbers(&none, "2026-07-10T16:00:00Z", &measures), [1, 0, 0, 1]);
    let on_time =
        [("2026-07-10T15:59:59Z", Step::Replied), ("2026-07-20T00:00:00Z", Step::Replied)];
    assert_eq!(numbers(&with_case(&on_time), LATE, &measures), [1, 1, 1, 0]);
    assert_eq!(count(&with_case(&on_time), LATE).days, Some(9));
    let late = [("2026-07-10T16:00:00Z", Step::Replied)];
    assert_eq!(numbers(&with_case(&late), LATE, &measures), [1, 1, 0, 0]);
}

#[test]
fn a_case_that_ended_before_its_deadline_is_not_overdue() {
    use Measure::{Closed, Overdue, Retracted, Withdrawn};
    let measures = [Closed, Retracted, Withdrawn, Overdue];
    let early = [("2026-07-05T00:00:00Z", Step::Closed(Outcome::Withdrawn))];
    assert_eq!(numbers(&with_case(&early), LATE, &measures), [1, 1, 1, 0]);
    let late = [("2026-07-15T00:00:00Z", Step::Closed(Outcome::Impossible))];
    assert_eq!(numbers(&with_case(&late), LATE, &measures), [1, 0, 0, 1]);
    let reopened = [early[0].clone(), ("2026-07-06T00:00:00Z", Step::Handled)];
    assert_eq!(numbers(&with_case(&reopened), LATE, &measures), [0, 0, 0, 1]);
}

#[test]
fn the_last_final_rating_counts_once() {
    use Measure::{Marks, Rated, Transfers};
    let measures = [Rated, Marks, Transfers];
    let rated = [
        ("2026-07-02T00:00:00Z", Step::Transferred),
        ("2026-07-03T00:00:00Z", Step::Replied),
        ("2026-07-20T00:00:00Z", Step::Rated(6)),
        ("2026-07-30T00:00:00Z", Step::Rated(15)),
    ];
    assert_eq!(numbers(&with_case(&rated), LATE, &measures), [1, 15, 1]);
}

#[test]
fn an_approval_outweighs_an_earlier_refusal() {
    let mut fact = a_fact();
    fact.decision.hear(&Verdict::Returned);
    fact.decision.hear(&Verdict::Declined { ground: "abuse".to_owned() });
    fact.decision.hear(&Verdict::Approved { accused: false });
    let measures = [Measure::Declined, Measure::Returned, Measure::Published];
    assert_eq!(numbers(&fact, LATE, &measures), [0, 1, 1]);
}
