//! By whose entrance a message is left.

use std::sync::Arc;

use crate::columns::Known;

/// By whose entrance a message is left: the board's own, or a partner's column.
#[derive(Debug, Clone, Default)]
pub(crate) struct By {
    column_id: String,
    /// `None` while intake can't tell.
    known: Option<Arc<Known>>,
}

impl By {
    /// By a column; `column_id` is one that columns may have.
    pub(crate) fn column(column_id: &str, known: Option<Arc<Known>>) -> Self {
        Self { column_id: column_id.to_owned(), known }
    }

    /// The column's id; empty for the board's own entrance.
    pub(crate) fn column_id(&self) -> &str {
        &self.column_id
    }

    /// Whether it is a column.
    pub(crate) fn is_column(&self) -> bool {
        !self.column_id.is_empty()
    }

    /// Where its form is.
    pub(crate) fn path(&self) -> String {
        if self.is_column() { format!("/c/{}", self.column_id) } else { "/new".to_owned() }
    }

    /// The column's name.
    pub(crate) fn name(&self) -> Option<&str> {
        self.known.as_ref().map(|known| known.column.name.as_str())
    }

    /// The office that is chosen as long as nobody chooses another.
    pub(crate) fn default_office(&self) -> &str {
        self.known.as_ref().map_or("", |known| &known.column.default_office_id)
    }

    /// Whether no message of it is published by itself.
    pub(crate) fn is_collated(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.column.collated)
    }

    /// Whether a domain has to be named.
    pub(crate) fn needs_domain(&self) -> bool {
        self.known.as_ref().is_some_and(|known| !known.column.domains.is_empty())
    }

    /// Whether it takes messages of a domain.
    pub(crate) fn takes(&self, domain: &str) -> bool {
        !self.needs_domain()
            || self.known.as_ref().is_some_and(|it| it.column.domains.iter().any(|d| d == domain))
    }
}
