use proptest::prelude::*;

use super::*;

fn acts() -> impl Strategy<Value = Act> {
    let plain = vec![
        Act::Accept,
        Act::Reply,
        Act::Transfer,
        Act::Return,
        Act::Withdraw,
        Act::Pause,
        Act::Resume,
        Act::Extend,
        Act::Invite,
        Act::Correct,
        Act::Reopen,
        Act::AskOn,
        Act::Supervise,
    ];
    prop_oneof![
        4 => prop::sample::select(plain),
        1 => prop::sample::select(Outcome::ALL.to_vec()).prop_map(Act::Close),
    ]
}

fn at(state: State) -> Standing {
    Standing { state, answered: state == State::Replied, paused: false }
}

#[test]
fn codes_name_one_state_each() {
    let states = [State::Assigned, State::Accepted, State::Replied]
        .into_iter()
        .chain(Outcome::ALL.map(State::Closed));
    for state in states {
        let outcome = state.outcome().map(Outcome::code);
        assert_eq!(State::of_codes(state.code(), outcome), Some(state));
    }
    assert_eq!(State::of_codes("closed", None), None);
    assert_eq!(State::of_codes("assigned", Some("solved")), None);
}

#[test]
fn nothing_is_closed_without_a_reply() {
    for state in [State::Assigned, State::Accepted] {
        for outcome in Outcome::ALL {
            let expected = match outcome {
                Outcome::Withdrawn => Some(Refusal::NotForOffices),
                _ => Some(Refusal::ReplyFirst),
            };
            let found = transition(at(state), Act::Close(outcome)).err();
            assert_eq!(found, expected, "{outcome:?}");
        }
    }
}

#[test]
fn an_office_never_has_the_last_word_by_closing() {
    for outcome in Outcome::ALL {
        let closed = Standing { answered: true, ..at(State::Closed(outcome)) };
        let expected = match outcome {
            Outcome::Withdrawn => Err(Refusal::Ended),
            _ => Ok([State::Accepted].as_slice()),
        };
        assert_eq!(transition(closed, Act::AskOn), expected, "{outcome:?}");
    }
}

#[test]
fn while_it_waits_an_office_neither_hands_on_nor_takes_more_time() {
    let waiting = Standing { state: State::Accepted, answered: false, paused: true };
    for act in [Act::Transfer, Act::Return, Act::Extend, Act::Pause] {
        assert_eq!(transition(waiting, act), Err(Refusal::Paused), "{act:?}");
    }
    for act in [Act::Resume, Act::Reply, Act::Withdraw] {
        assert!(transition(waiting, act).is_ok() && ends_wait(act), "{act:?}");
    }
    assert_eq!(transition(at(State::Accepted), Act::Resume), Err(Refusal::NotPaused));
    assert_eq!(transition(at(State::Assigned), Act::Pause), Err(Refusal::AcceptFirst));
}

#[test]
fn what_was_withdrawn_has_ended_for_good() {
    let gone = at(State::Closed(Outcome::Withdrawn));
    for act in [Act::Reopen, Act::Reply, Act::Correct, Act::AskOn, Act::Supervise] {
        assert_eq!(transition(gone, act), Err(Refusal::Ended), "{act:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn no_sequence_of_acts_reaches_what_must_not_be(acts in prop::collection::vec(acts(), 0..40)) {
        let (mut now, mut replies, mut last_close) = (at(State::Assigned), 0, 0);
        for act in acts {
            let Ok(path) = transition(now, act) else { continue };
            let before = now;
            for next in path {
                // A step leads to the next state, to the same by another reply, or back by an act
                // that is meant to lead back.
                let forward = match (now.state, *next) {
                    (State::Assigned, State::Accepted)
                    | (State::Accepted | State::Replied, State::Replied)
                    | (State::Assigned | State::Accepted | State::Replied, State::Closed(_)) => true,
                    (_, State::Assigned) => matches!(act, Act::Transfer | Act::Return),
                    (_, State::Accepted) => matches!(act, Act::Reopen | Act::AskOn),
                    _ => false,
                };
                prop_assert!(forward, "{act:?} led from {:?} to {next:?}", now.state);
                now.state = *next;
            }
            if act == Act::Reply {
                replies += 1;
                now.answered = true;
            }
            now.paused = (now.paused || act == Act::Pause) && !ends_wait(act);

            prop_assert_eq!(now.answered, replies > 0);
            // Only what is accepted waits for its author.
            prop_assert!(!now.paused || matches!(now.state, State::Accepted));
            // What was answered is neither handed on nor withdrawn.
            if matches!(act, Act::Transfer | Act::Return | Act::Withdraw) {
                prop_assert!(!before.answered && replies == 0);
            }
            if now.state == State::Replied {
                prop_assert!(replies > 0);
            }
            if let State::Closed(outcome) = now.state {
                // Each closing by an office needs a reply of its own.
                prop_assert!(outcome == Outcome::Withdrawn || replies > last_close || before.state == now.state);
                if before.state != now.state {
                    last_close = replies;
                }
                prop_assert!(outcome != Outcome::Withdrawn || replies == 0);
            }
        }
    }
}
