//! What is told of texts and models, as the contracts write it.

use liuyan_kit::clock::to_proto;
use liuyan_proto::liuyan::routing::v1 as routing;

use super::{By, Figures, Hot, Model, ModelState, Route, Subject};

/// Where a text belongs.
pub(super) fn route(route: Route) -> routing::SuggestRouteResponse {
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let words = route.words.into_iter().map(|reason| routing::RouteWord {
        word: reason.word,
        share: reason.share,
        spans: reason
            .spans
            .iter()
            .map(|span| routing::RouteSpan {
                in_title: span.in_title,
                start: number(span.start),
                end: number(span.end),
            })
            .collect(),
    });
    let candidates = route.candidates.into_iter();
    let candidates =
        candidates.map(|(domain, probability)| routing::RouteCandidate { domain, probability });
    let ((domain, domain_probability, domain_by), (office_id, office_probability, office_by)) =
        (route.domain, route.office);
    routing::SuggestRouteResponse {
        domain,
        domain_probability,
        domain_by: by(domain_by).into(),
        office_id,
        office_probability,
        office_by: by(office_by).into(),
        assigned_by: route.rule.code().to_owned(),
        words: words.collect(),
        candidates: candidates.collect(),
        model_version: route.version.unwrap_or_default().unsigned_abs(),
    }
}

fn by(by: By) -> routing::RoutedBy {
    match by {
        By::Rules => routing::RoutedBy::Rules,
        By::Model => routing::RoutedBy::Model,
        By::Triage => routing::RoutedBy::Triage,
    }
}

/// What many write of.
pub(super) fn problem(hot: Hot) -> routing::HotProblem {
    let number = |count: usize| count.try_into().unwrap_or(u32::MAX);
    routing::HotProblem {
        title: hot.typical.text.map(|text| text.title).unwrap_or_default(),
        number: hot.typical.number,
        cases: number(hot.cases),
        lately: number(hot.lately),
        first_at: Some(to_proto(hot.first_at)),
        last_at: Some(to_proto(hot.last_at)),
        place: hot.place.unwrap_or_default(),
        case_ids: hot.case_ids.iter().map(ToString::to_string).collect(),
    }
}

/// A model.
pub(super) fn model(model: Model) -> routing::Model {
    let (state, fault) = match model.state {
        ModelState::Waiting => (routing::ModelState::Waiting, String::new()),
        ModelState::Trained => (routing::ModelState::Trained, String::new()),
        ModelState::Failed(fault) => (routing::ModelState::Failed, fault),
    };
    let subject = match model.subject {
        Subject::Domain => routing::ModelSubject::Domain,
        Subject::Office => routing::ModelSubject::Office,
    };
    routing::Model {
        subject: subject.into(),
        version: model.version.unsigned_abs(),
        state: state.into(),
        fault,
        in_force: model.in_force,
        requested_at: Some(to_proto(model.requested_at)),
        requested_by: model.requested_by,
        trained_at: model.trained_at.map(to_proto),
        examples: model.examples.try_into().unwrap_or(u32::MAX),
        figures: model.figures.as_ref().map(figures),
        sha256: model.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Figures.
pub(super) fn figures(figures: &Figures) -> routing::ModelFigures {
    routing::ModelFigures {
        cases: figures.examples.try_into().unwrap_or(u32::MAX),
        macro_f1: figures.macro_f1,
        accuracy: figures.accuracy,
        ece: figures.ece,
        sure_from: figures.sure_from,
        sure: figures.sure,
    }
}
