//! Looking at deliveries.

use uuid::Uuid;

use super::{App, reading::cursor};
use crate::{
    domain::{
        delivery::State,
        holder::Holder,
        page::{self, Cursor},
    },
    error::Error,
    store::{
        deliveries::{self, Delivery},
        endpoints,
    },
};

/// Which deliveries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Question {
    /// Only those of this holder; of all if `None`.
    pub(crate) holder: Option<Holder>,
    /// Only those to this endpoint.
    pub(crate) endpoint_id: Option<Uuid>,
    /// Only those in this state.
    pub(crate) state: Option<State>,
    /// How many.
    pub(crate) size: u32,
}

impl App {
    /// A page of deliveries, the newest first, and the token of the next page.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token is none of this question.
    pub(crate) async fn deliveries(
        &self,
        question: &Question,
        token: &str,
    ) -> Result<(Vec<Delivery>, String), Error> {
        let asked = format!("deliveries {question:?}");
        let after = cursor(token, &asked)?;
        let mut connection = self.db.read().await?;
        let endpoints = match (&question.holder, question.endpoint_id) {
            (Some(holder), wanted) => {
                let mut own = endpoints::ids_of(&mut connection, holder).await?;
                own.retain(|id| wanted.is_none_or(|wanted| wanted == *id));
                Some(own)
            }
            (None, wanted) => wanted.map(|wanted| vec![wanted]),
        };
        let limit = i64::from(question.size) + 1;
        let mut found = match endpoints {
            Some(ids) => {
                deliveries::of_endpoints(&mut connection, &ids, question.state, after, limit)
                    .await?
            }
            None => deliveries::all(&mut connection, question.state, after, limit).await?,
        };
        let more = found.len() > question.size as usize;
        found.truncate(question.size as usize);
        let last = found.last().filter(|_| more);
        let next = last
            .map(|last| page::token(&asked, Cursor { at: last.created_at, id: last.delivery_id }));
        Ok((found, next.unwrap_or_default()))
    }
}
