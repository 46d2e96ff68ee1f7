//! Which reviews are asked for.

use liuyan_kit::{class::Violation, clock::from_proto};
use liuyan_proto::liuyan::moderation::v1 as proto;
use prost::Message as _;

use crate::{
    domain::{
        due::Due,
        filter::{Filter, Holder},
        page::Question,
        review::State,
    },
    error::{Error, Faults},
};

/// Entries on a page, if the caller does not say.
const PAGE: u32 = 50;
/// The most entries on a page.
const LARGEST_PAGE: u32 = 200;
/// The most offices in a question.
const MOST_OFFICES: usize = 200;
/// The longest code.
const LONGEST: usize = 64;

/// The size of a page.
pub(in crate::grpc) fn size(faults: &mut Faults, asked: i32) -> u32 {
    faults.check(asked >= 0, "page_size", "PAGE_SIZE_NEGATIVE");
    match u32::try_from(asked).unwrap_or_default() {
        0 => PAGE,
        size => size.min(LARGEST_PAGE),
    }
}

/// What is asked for, and the size of a page.
pub(in crate::grpc) fn page(
    request: &proto::ListReviewsRequest,
) -> Result<(Filter, Question, u32), Error> {
    let mut faults = Faults::default();
    let states = match request.state {
        0 => vec![State::Held, State::Appealed],
        number => State::ALL.into_iter().filter(|state| *state as i32 == number).collect(),
    };
    faults.check(!states.is_empty(), "state", "VALUE_UNKNOWN");
    let size = size(&mut faults, request.page_size);
    if request.office_ids.len() > MOST_OFFICES {
        faults.push(Violation::new("office_ids", "TOO_MANY_ENTRIES").with("max", MOST_OFFICES));
    }
    let mut code = |field, text: &str| {
        faults.check(text.len() <= LONGEST, field, "VALUE_UNKNOWN");
        (!text.is_empty()).then(|| text.to_owned())
    };
    let kind = code("kind", &request.kind);
    let domain = code("domain", &request.domain);
    let rule = code("rule", &request.rule);
    let ground = code("ground", &request.ground);
    let due = match proto::Due::try_from(request.due) {
        Ok(proto::Due::Unspecified) => None,
        Ok(proto::Due::InTime) => Some(Due::InTime),
        Ok(proto::Due::Near) => Some(Due::Near),
        Ok(proto::Due::Overdue) => Some(Due::Overdue),
        Err(_) => {
            faults.check(false, "due", "VALUE_UNKNOWN");
            None
        }
    };
    let holder = match proto::Holder::try_from(request.holder) {
        Ok(proto::Holder::Unspecified) => None,
        Ok(proto::Holder::Nobody) => Some(Holder::Nobody),
        Ok(proto::Holder::Caller) => Some(Holder::Caller),
        Ok(proto::Holder::Another) => Some(Holder::Another),
        Err(_) => {
            faults.check(false, "holder", "VALUE_UNKNOWN");
            None
        }
    };
    let submitted_before = request.submitted_before.as_ref().map(from_proto);
    faults.check(submitted_before != Some(None), "submitted_before", "VALUE_UNKNOWN");
    faults.end()?;
    let filter = Filter {
        states,
        office_ids: request.office_ids.clone(),
        kind,
        domain,
        rule,
        ground,
        due,
        holder,
        submitted_before: submitted_before.flatten(),
    };
    let question = proto::ListReviewsRequest { page_token: String::new(), ..request.clone() };
    Ok((filter, Question::of(&question.encode_to_vec()), size))
}
