//! Which fields of an event a reader wants.

/// The fields of `liuyan.feed.v1.Event`, by their names there.
pub const EVENT_FIELDS: [&str; 14] = [
    "id",
    "type",
    "source",
    "subject",
    "time",
    "recorded_time",
    "position",
    "subject_revision",
    "traceparent",
    "changed_fields",
    "redaction",
    "case",
    "restricted",
    "causation_id",
];

/// The fields of `liuyan.common.v1.PublicCase`, by their names there.
pub const CASE_FIELDS: [&str; 28] = [
    "case_id",
    "message_id",
    "number",
    "office_id",
    "division_code",
    "kind",
    "domain",
    "topic",
    "title",
    "body",
    "demand",
    "details",
    "place",
    "submitted_at",
    "deadline_at",
    "state",
    "public_state",
    "outcome",
    "replies",
    "custody",
    "revision",
    "accepted_at",
    "closed_at",
    "pauses",
    "extended_at",
    "helper_office_ids",
    "common_problem_id",
    "consultation_id",
];

/// A choice of fields. The empty choice, and `*`, mean all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mask {
    event: u32,
    case: u32,
}

/// There is no field of that name; fields of lists can't be chosen apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such field")]
pub struct UnknownField;

impl Default for Mask {
    fn default() -> Self {
        Self::ALL
    }
}

impl Mask {
    /// Everything.
    pub const ALL: Self = Self { event: u32::MAX, case: u32::MAX };
    const NONE: Self = Self { event: 0, case: 0 };

    /// Reads the paths of a `FieldMask`: `id`, `case`, `case.title`.
    ///
    /// # Errors
    /// The index of each path that names no field.
    pub fn parse(paths: &[String]) -> Result<Self, Vec<usize>> {
        if paths.is_empty() || paths.iter().any(|path| path == "*") {
            return Ok(Self::ALL);
        }
        let mut mask = Self::NONE;
        let mut unknown = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            if mask.add(path).is_err() {
                unknown.push(index);
            }
        }
        if unknown.is_empty() { Ok(mask) } else { Err(unknown) }
    }

    fn add(&mut self, path: &str) -> Result<(), UnknownField> {
        if let Some(field) = path.strip_prefix("case.") {
            self.case |= bit(&CASE_FIELDS, field)?;
            self.event |= bit(&EVENT_FIELDS, "case")?;
        } else {
            self.event |= bit(&EVENT_FIELDS, path)?;
            if path == "case" {
                self.case = u32::MAX;
            }
        }
        Ok(())
    }

    /// True if nothing is left out.
    pub fn keeps_all(self) -> bool {
        self == Self::ALL
    }

    /// Whether this field of the event is wanted, wholly or in part.
    pub fn keeps(self, field: &str) -> bool {
        bit(&EVENT_FIELDS, field).is_ok_and(|bit| self.event & bit != 0)
    }

    /// Whether this field of the case is wanted.
    pub fn keeps_of_case(self, field: &str) -> bool {
        bit(&CASE_FIELDS, field).is_ok_and(|bit| self.case & bit != 0)
    }
}

fn bit(fields: &[&str], name: &str) -> Result<u32, UnknownField> {
    let index = fields.iter().position(|field| *field == name).ok_or(UnknownField)?;
    Ok(1 << index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(paths: &[&str]) -> Result<Mask, Vec<usize>> {
        Mask::parse(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn no_path_and_a_star_keep_all() {
        assert!(mask(&[]).unwrap().keeps_all());
        assert!(mask(&["id", "*"]).unwrap().keeps_all());
    }

    #[test]
    fn only_what_is_named_is_kept() {
        let mask = mask(&["id", "case.title", "case.state"]).unwrap();
        assert!(mask.keeps("id") && mask.keeps("case") && !mask.keeps("type"));
        assert!(mask.keeps_of_case("title") && !mask.keeps_of_case("body"));
    }

    #[test]
    fn a_part_does_not_take_from_the_whole() {
        for paths in [["case", "case.title"], ["case.title", "case"]] {
            assert!(mask(&paths).unwrap().keeps_of_case("body"));
        }
    }

    #[test]
    fn every_path_that_names_nothing_is_told() {
        assert_eq!(mask(&["id", "titel", "case.replies.body", "case."]), Err(vec![1, 2, 3]));
    }
}
