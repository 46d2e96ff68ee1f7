//! What many addresses have in common.

use super::problem::{Fault, Wrong};

/// Reads numbers, and what is true or false; everything that is wrong is told at once.
#[derive(Debug, Default)]
pub(super) struct Values(Vec<Wrong>);

impl Values {
    /// A number that may be left out; 0 then.
    pub(super) fn number<T: std::str::FromStr + Default>(
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

    /// What is true or false and may be left out; false then. Whoever writes it otherwise is told so: to
    /// take it for false would give them more than they have asked for.
    pub(super) fn truth(&mut self, name: &str, text: Option<&String>) -> bool {
        match text.map(String::as_str) {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(_) => {
                self.0.push(Wrong::new(name, "VALUE_UNKNOWN"));
                false
            }
        }
    }

    /// # Errors
    /// Everything that was wrong.
    pub(super) fn end(self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(Fault::Invalid(self.0)) }
    }
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
