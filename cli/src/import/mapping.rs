//! How the columns of a file become the fields of a message.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

use crate::error::Error;

/// The mappings that come with the command.
const KNOWN: &[&str] = &[
    include_str!("../../../deploy/import/board_list.toml"),
    include_str!("../../../deploy/import/board_list_short.toml"),
    include_str!("../../../deploy/import/hotline.toml"),
    include_str!("../../../deploy/import/hotspot.toml"),
    include_str!("../../../deploy/import/labelled.toml"),
    include_str!("../../../deploy/import/replies.toml"),
    include_str!("../../../deploy/import/unlabelled.toml"),
];

/// See `deploy/import/README.md`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    pub(super) name: String,
    header: Vec<String>,
    pub(super) row: String,
    pub(super) offset: i8,
    pub(super) message: MessageFields,
    pub(super) reply: Option<ReplyFields>,
    #[serde(default)]
    translate: BTreeMap<String, BTreeMap<String, String>>,
}

/// Templates of a message's fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageFields {
    pub(super) office_id: String,
    pub(super) kind: String,
    #[serde(default)]
    pub(super) domain: String,
    #[serde(default)]
    pub(super) channel: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: String,
    #[serde(default)]
    pub(super) demand: String,
    #[serde(default)]
    pub(super) details: String,
    #[serde(default)]
    pub(super) occurred_at: String,
}

/// Templates of a reply's fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplyFields {
    pub(super) body: String,
    #[serde(default)]
    pub(super) replied_at: String,
    #[serde(default)]
    pub(super) after_days: String,
}

impl Mapping {
    /// Reads a mapping from a file.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|error| {
            Error::Usage(format!("the mapping {} cannot be read: {error}", path.display()))
        })?;
        toml::from_str(&text).map_err(|error| {
            Error::Usage(format!("the mapping {} is wrong: {error}", path.display()))
        })
    }

    /// Finds the mapping whose header this is.
    pub(super) fn find(header: &[String]) -> Result<Self, Error> {
        for text in KNOWN {
            let mapping: Self =
                toml::from_str(text).map_err(Error::other("a mapping of the command is wrong"))?;
            if mapping.header == header {
                return Ok(mapping);
            }
        }
        Err(Error::Usage(format!(
            "no mapping knows the header {}; name one with --mapping",
            header.join(",")
        )))
    }

    /// Fills a template: `{column}` stands for the translated value of that column.
    pub(super) fn fill(
        &self,
        template: &str,
        row: &BTreeMap<String, String>,
    ) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (column, after) =
                after.split_once('}').ok_or_else(|| format!("`{template}` lacks a brace"))?;
            let value =
                row.get(column).ok_or_else(|| format!("the file has no column `{column}`"))?.trim();
            let translated = self.translate.get(column).and_then(|values| values.get(value));
            filled.push_str(before);
            filled.push_str(translated.map_or(value, String::as_str));
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_mapping_of_the_command_is_found_by_its_own_header() {
        for text in KNOWN {
            let mapping: Mapping = toml::from_str(text).unwrap();
            assert_eq!(Mapping::find(&mapping.header).unwrap().name, mapping.name);
        }
    }

    #[test]
    fn a_template_is_filled_with_translated_values() {
        let mapping: Mapping = toml::from_str(KNOWN[0]).unwrap();
        let row = row(&[("division_code", "330100"), ("office_role", " general ")]);
        assert_eq!(mapping.fill("{division_code}-{office_role}", &row).unwrap(), "330100-g");
        assert!(mapping.fill("{nothing}", &row).unwrap_err().contains("nothing"));
    }

    #[test]
    fn an_unknown_header_is_refused_with_what_to_do() {
        let error = Mapping::find(&["a".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("--mapping"));
    }
}
