//! The grounds for not publishing: data with a version, brought along in `data/grounds.csv`.

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The version of the list that this release brings.
pub const VERSION: u32 = 1;
/// The list that this release brings.
pub const DATA: &str = include_str!("../../data/grounds.csv");

/// Why a message is not published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The code.
    pub code: String,
    /// In Chinese.
    pub name_zh: String,
    /// In English.
    pub name_en: String,
    /// Whether only a senior moderator may decide on it.
    pub senior_only: bool,
    /// Whether the author can mend it.
    pub author_can_mend: bool,
}

#[derive(Deserialize)]
struct Row {
    ground: String,
    zh: String,
    en: String,
    who_decides: String,
    author_can_mend: String,
}

/// Reads a list of grounds.
///
/// # Errors
/// If it is not CSV with the columns ground, zh, en, `who_decides`, `author_can_mend`.
pub fn parse(data: &str) -> Result<Vec<Ground>, csv::Error> {
    csv::Reader::from_reader(data.as_bytes())
        .deserialize::<Row>()
        .map(|row| {
            row.map(|row| Ground {
                code: row.ground,
                name_zh: row.zh,
                name_en: row.en,
                senior_only: row.who_decides == "senior_moderator",
                author_can_mend: row.author_can_mend == "yes",
            })
        })
        .collect()
}

/// The fingerprint of a data file.
pub fn fingerprint(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_this_release_can_be_read() {
        let grounds = parse(DATA).unwrap();
        assert_eq!(grounds.len(), 17);
        let named = |code: &str| grounds.iter().find(|ground| ground.code == code).unwrap();
        assert!(named("abuse").author_can_mend);
        assert!(!named("spam").author_can_mend);
        assert!(named("unlawful").senior_only);
        assert!(!named("abuse").senior_only);
    }
}
