//! What the office was told of a case.

use liuyan_proto::liuyan::notification::v1::ListNoticesRequest;

use crate::{format::When, visit::Visit};

/// How far back one looks; the most that notification gives.
const PAGE: i32 = 100;

/// Something that the office was told.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) title: String,
    pub(super) body: String,
    pub(super) when: Option<When>,
}

/// The notices of a case among the latest ones; none while nobody can tell.
pub(super) async fn of_case(v: &Visit, case_id: &str) -> Vec<Line> {
    let ask = ListNoticesRequest { page_size: PAGE, ..ListNoticesRequest::default() };
    let answer = v.app().backend.subscriptions().list_notices(v.call(ask)).await;
    let notices = answer.map(|answer| answer.into_inner().notices).unwrap_or_default();
    let own = notices.into_iter().filter(|notice| notice.case_id == case_id);
    own.map(|notice| Line {
        when: v.moment(notice.occurred_at.as_ref()),
        title: notice.title,
        body: notice.body,
    })
    .collect()
}
