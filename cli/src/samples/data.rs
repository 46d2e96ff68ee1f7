//! The files of `deploy/samples/`, as they are built in.

use serde::{Deserialize, de::DeserializeOwned};

use crate::error::Error;

const PROVINCE: &str = include_str!("../../../deploy/samples/province.json");
const MESSAGES: &str = include_str!("../../../deploy/samples/messages.json");
const CASEWORK: &str = include_str!("../../../deploy/samples/casework.json");
const ACCOUNTS: &str = include_str!("../../../deploy/samples/accounts.json");

/// A made-up province.
#[derive(Debug, Deserialize)]
pub(super) struct Province {
    /// Its divisions, those above first.
    pub(super) divisions: Vec<Division>,
    /// Their offices.
    pub(super) offices: Vec<Office>,
}

/// A division.
#[derive(Debug, Deserialize)]
pub(super) struct Division {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) level: String,
    pub(super) parent_code: Option<String>,
}

/// An office.
#[derive(Debug, Deserialize)]
pub(super) struct Office {
    pub(super) office_id: String,
    pub(super) division_code: String,
    pub(super) level: String,
    pub(super) role: String,
    pub(super) title: String,
    pub(super) parent_office_id: Option<String>,
}

/// People and an agency.
#[derive(Debug, Deserialize)]
pub(super) struct Cast {
    /// The people.
    pub(super) accounts: Vec<Person>,
    /// The agency.
    pub(super) agency: Partner,
    /// The column on its site.
    pub(super) column: Entrance,
}

/// Somebody to sign in as.
#[derive(Debug, Deserialize)]
pub(super) struct Person {
    pub(super) role: String,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pub(super) office_ids: Vec<String>,
    #[serde(default)]
    pub(super) division_codes: Vec<String>,
    /// The keys of the messages that they wrote.
    #[serde(default)]
    pub(super) message_keys: Vec<String>,
}

/// An agency.
#[derive(Debug, Deserialize)]
pub(super) struct Partner {
    pub(super) client_id: String,
    pub(super) title: String,
    pub(super) scopes: Vec<String>,
    #[serde(default)]
    pub(super) division_codes: Vec<String>,
}

/// A column.
#[derive(Debug, Deserialize)]
pub(super) struct Entrance {
    pub(super) column_id: String,
    pub(super) name: String,
    pub(super) default_office_id: String,
    pub(super) origins: Vec<String>,
    pub(super) daily_quota: u32,
    pub(super) minute_quota: u32,
}

/// A message and what became of it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Sample {
    pub(super) key: String,
    pub(super) office_id: String,
    pub(super) kind: String,
    #[serde(default)]
    pub(super) domain: String,
    #[serde(default)]
    pub(super) topic: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: String,
    #[serde(default)]
    pub(super) demand: String,
    #[serde(default)]
    pub(super) details: String,
    pub(super) place: Option<Place>,
    #[serde(default)]
    pub(super) remark: String,
    #[serde(default)]
    pub(super) visibility: String,
    pub(super) submitted_days_ago: f64,
    #[serde(default)]
    pub(super) steps: Vec<Step>,
}

/// Where the matter is.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Place {
    pub(super) text: String,
    #[serde(default)]
    pub(super) public: bool,
}

/// Something that was done with a case, some hours after the step before.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub(super) enum Step {
    /// The office accepted it.
    Accept { after_hours: f64 },
    /// It went to another office.
    Transfer { after_hours: f64, to: String, reason: String },
    /// The office answered.
    Reply { after_hours: f64, text: String },
    /// It ended.
    Close { after_hours: f64, outcome: String },
    /// Its author rated the last answer.
    Rate { after_hours: f64, resolution: u32, attitude: u32, speed: u32 },
}

impl Step {
    /// How long after the step before.
    pub(super) fn after_hours(&self) -> f64 {
        match self {
            Self::Accept { after_hours }
            | Self::Transfer { after_hours, .. }
            | Self::Reply { after_hours, .. }
            | Self::Close { after_hours, .. }
            | Self::Rate { after_hours, .. } => *after_hours,
        }
    }
}

/// What offices do beside single cases.
#[derive(Debug, Deserialize)]
pub(super) struct Casework {
    /// What offices ask the public.
    pub(super) consultations: Vec<Consultation>,
    /// What many wrote about, answered once.
    pub(super) problems: Vec<Problem>,
    /// Cases that are shown as handled well.
    pub(super) models: Vec<Model>,
}

/// A consultation that is open from today on, or one that is over, if it has a result.
#[derive(Debug, Deserialize)]
pub(super) struct Consultation {
    pub(super) key: String,
    pub(super) office_id: String,
    #[serde(default)]
    pub(super) domain: String,
    pub(super) question: String,
    pub(super) description: String,
    /// For how many days it is planned, after today.
    pub(super) days: i64,
    pub(super) suggestions: Vec<Suggestion>,
    pub(super) result: Option<Outcome>,
}

/// What somebody suggested.
#[derive(Debug, Deserialize)]
pub(super) struct Suggestion {
    pub(super) key: String,
    /// Whether the citizen wrote it who can be signed in.
    #[serde(default)]
    pub(super) citizen: bool,
    pub(super) title: String,
    pub(super) body: String,
}

/// What was taken up.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) summary: String,
    pub(super) statements: Vec<Statement>,
}

/// What became of some suggestions.
#[derive(Debug, Deserialize)]
pub(super) struct Statement {
    pub(super) uptake: String,
    pub(super) what: String,
    pub(super) taken_up_by: String,
    /// Their keys.
    pub(super) of: Vec<String>,
}

/// A common problem, with the messages about it.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) key: String,
    pub(super) title: String,
    pub(super) lead_office_id: String,
    pub(super) reason: String,
    pub(super) answer: String,
    pub(super) messages: Vec<Sample>,
}

/// A model case, by the key of its message.
#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub(super) key: String,
    pub(super) place: u32,
    pub(super) why: String,
}

fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::other(format!("the sample file {name}")))
}

/// The made-up province.
pub(super) fn province() -> Result<Province, Error> {
    read("province.json", PROVINCE)
}

/// The people.
pub(super) fn cast() -> Result<Cast, Error> {
    read("accounts.json", ACCOUNTS)
}

/// Consultations, common problems and model cases.
pub(super) fn casework() -> Result<Casework, Error> {
    read("casework.json", CASEWORK)
}

/// The messages.
pub(super) fn samples() -> Result<Vec<Sample>, Error> {
    read("messages.json", MESSAGES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_samples_can_be_read_and_fit_together() {
        let (province, cast, samples) = (province().unwrap(), cast().unwrap(), samples().unwrap());
        assert!(samples.len() >= 150, "{} samples", samples.len());
        let keys: BTreeSet<&str> = samples.iter().map(|sample| sample.key.as_str()).collect();
        assert_eq!(keys.len(), samples.len(), "each has a key of its own");
        let offices: BTreeSet<&str> =
            province.offices.iter().map(|office| office.office_id.as_str()).collect();
        for sample in &samples {
            assert!(offices.contains(sample.office_id.as_str()), "{}: its office", sample.key);
            let hours: f64 = sample.steps.iter().map(Step::after_hours).sum();
            assert!(hours <= sample.submitted_days_ago * 24.0, "{} is in the past", sample.key);
            for step in &sample.steps {
                if let Step::Transfer { to, .. } = step {
                    assert!(offices.contains(to.as_str()), "{}: {to}", sample.key);
                }
            }
        }
        let casework = casework().unwrap();
        for asked in &casework.consultations {
            assert!(offices.contains(asked.office_id.as_str()), "{}: its office", asked.key);
            let own: BTreeSet<&str> = asked.suggestions.iter().map(|it| it.key.as_str()).collect();
            let spoken_of = asked.result.iter().flat_map(|it| &it.statements).flat_map(|it| &it.of);
            for key in spoken_of {
                assert!(own.contains(key.as_str()), "{}: {key}", asked.key);
            }
        }
        assert!(casework.consultations.iter().any(|it| it.result.is_some()), "one is over");
        assert!(casework.consultations.iter().any(|it| it.result.is_none()), "one is open");
        for problem in &casework.problems {
            assert!(
                problem.messages.len() > 1 && offices.contains(problem.lead_office_id.as_str())
            );
            for message in &problem.messages {
                assert!(!keys.contains(message.key.as_str()), "{}: a key of its own", message.key);
            }
        }
        for model in &casework.models {
            assert!(keys.contains(model.key.as_str()), "{}", model.key);
        }
        for key in cast.accounts.iter().flat_map(|person| &person.message_keys) {
            assert!(keys.contains(key.as_str()), "{key}");
        }
    }
}
