//! Whose case it is. What everybody may read of another office's case stands on its public page; the
//! desk is for one's own, and for those that one's office helps with.

use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::PublicCase,
    routing::v1::{Case, GetCaseRequest, get_case_request::Name},
};

use super::ROLES;
use crate::{directory::Office, error::Error, session::Session, visit::Visit};

/// The most offices from one to the top.
const STEPS: usize = 8;

/// A case of somebody's desk.
#[derive(Debug)]
pub(super) struct Own {
    /// The case without its view.
    pub(super) case: Case,
    pub(super) view: PublicCase,
    /// Whether the person's office only helps another one with it.
    pub(super) helps: bool,
}

/// A case of the signed-in person's desk.
///
/// # Errors
/// [`Error::NotFound`] for one that is not theirs.
pub(super) async fn own_case(v: &Visit, id: &str) -> Result<Own, Error> {
    let session = v.with_role(&ROLES)?;
    let asked = GetCaseRequest { name: Some(Name::CaseId(id.to_owned())) };
    let answer = v.app().backend.cases().get_case(v.call(asked)).await;
    let mut case = match answer.map_err(Error::from) {
        Ok(answer) => answer.into_inner().case.ok_or(Error::NotFound)?,
        Err(error) if matches!(error.class(), Class::NotFound | Class::Invalid | Class::Denied) => {
            return Err(Error::NotFound);
        }
        Err(error) => return Err(error),
    };
    let view = case.view.take().ok_or(Error::NotFound)?;
    if acts_for(v, session, &view.office_id).await? {
        return Ok(Own { case, view, helps: false });
    }
    for helper in &view.helper_office_ids {
        if acts_for(v, session, helper).await? {
            return Ok(Own { case, view, helps: true });
        }
    }
    Err(Error::NotFound)
}

/// The offices for which the person acts by name, and those that lie in their divisions; each once.
///
/// # Errors
/// If the directory is away.
pub(super) async fn own_offices(v: &Visit) -> Result<Vec<Office>, Error> {
    let (session, directory) = (v.signed_in()?, &v.app().directory);
    let mut offices: Vec<Office> = Vec::new();
    for id in &session.office_ids {
        offices.extend(directory.office(id).await?);
    }
    for code in &session.division_codes {
        for office in directory.offices_of(code).await?.iter() {
            if offices.iter().all(|known| known.office_id != office.office_id) {
                offices.push(office.clone());
            }
        }
    }
    Ok(offices)
}

/// Whether the person acts for an office: for it, for one above it, or for a division in which it
/// lies.
async fn acts_for(v: &Visit, session: &Session, office_id: &str) -> Result<bool, Error> {
    let directory = &v.app().directory;
    let mut next = office_id.to_owned();
    let mut division = None;
    for _ in 0..STEPS {
        if session.office_ids.contains(&next) {
            return Ok(true);
        }
        let Some(office) = directory.office(&next).await? else { break };
        division.get_or_insert(office.division_code);
        if office.parent_office_id.is_empty() {
            break;
        }
        next = office.parent_office_id;
    }
    if session.division_codes.is_empty() {
        return Ok(false);
    }
    let line = directory.line(&division.unwrap_or_default()).await?;
    Ok(line.iter().any(|division| session.division_codes.contains(&division.code)))
}
