//! What many addresses have in common.

use super::problem::{Fault, Wrong};

/// Reads numbers; everything that is wrong is told at once.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<Wrong>);

impl Numbers {
    /// A number that may be left out; 0 then.
    pub(super) fn read<T: std::str::FromStr + Default>(
        &mut self,
        name: &str,
        text: Option<&String>,
    ) -> T {
        let Some(text) = text else { return T::default() };
        text.parse().unwrap_or_else(|_| {
            self.0.push(Wrong::new(name, "NUMBER_MALFORMED"));
            T::default()
        })
    }

    /// # Errors
    /// Everything that was wrong.
    pub(super) fn end(self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(Fault::Invalid(self.0)) }
    }
}

/// A parameter that says yes.
pub(super) fn is_yes(text: Option<&String>) -> bool {
    text.is_some_and(|text| text == "true" || text == "1")
}

/// Values with commas between.
pub(super) fn list(text: Option<&String>) -> Vec<String> {
    let values = text.map(|text| text.split(',').map(str::trim).filter(|it| !it.is_empty()));
    values.into_iter().flatten().map(str::to_owned).collect()
}

/// A text that may be left out.
pub(super) fn text(text: Option<String>) -> String {
    text.unwrap_or_default()
}
