//! Looking for an office by words of its title or its place, without a script.

use futures::future::join_all;
use liuyan_proto::liuyan::routing::v1::Office;

pub(crate) use crate::directory::Found;
use crate::visit::Visit;

/// How many are shown.
const SHOWN: usize = 20;
/// How many are shown of those near by.
const NEAR: usize = 40;

impl Found {
    /// An office that was chosen before.
    pub(crate) async fn of(v: &Visit, office_id: &str) -> Option<Self> {
        let office = v.app().directory.office(office_id).await.ok()??;
        Some(found(v, office).await)
    }
}

async fn found(v: &Visit, office: Office) -> Found {
    let line = v.app().directory.line(&office.division_code).await.unwrap_or_default();
    let place: Vec<String> = line.into_iter().map(|division| division.name).collect();
    let place = place.join(" ");
    Found { office_id: office.office_id, title: office.title, place, open: office.open }
}

/// Offices whose title and place have all the words, and whether there are more than are given. A
/// directory that is away has none.
pub(crate) async fn find(v: &Visit, words: &str) -> (Vec<Found>, bool) {
    match v.app().directory.whole().await {
        Ok(whole) => whole.find(words, SHOWN),
        Err(error) => {
            tracing::debug!(%error, "no office is found while the directory is away");
            (Vec::new(), false)
        }
    }
}

/// The offices that are likely to be meant: those of the same division, those above, and those
/// directly below.
pub(crate) async fn near(v: &Visit, office_id: &str) -> Vec<Found> {
    let directory = &v.app().directory;
    let office = directory.office(office_id).await.ok().flatten();
    let Some(office) = office.filter(|office| !office.division_code.is_empty()) else {
        return Vec::new();
    };
    let line = directory.line(&office.division_code).await.unwrap_or_default();
    let below = directory.children(&office.division_code).await.unwrap_or_default();
    let mut near = Vec::new();
    for division in line.iter().rev().chain(below.iter()) {
        let offices = directory.offices_of(&division.code).await.unwrap_or_default();
        near.extend(offices.iter().cloned());
        if near.len() >= NEAR {
            break;
        }
    }
    near.truncate(NEAR);
    join_all(near.into_iter().map(|office| found(v, office))).await
}
