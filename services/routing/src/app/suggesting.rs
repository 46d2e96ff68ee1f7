//! Where a text belongs, as far as models are sure.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use liuyan_kit::class::Violation;

use super::{App, reading::Codes};
use crate::{
    domain::{
        MessageId,
        assignment::{Assignment, Rule, choose},
        calendar::day_of,
        case::{Opening, Text, Visibility},
        routed::{Subject, Suggested, SuggestedDomain, lacks_domain},
        suggestion::{Model, Reason, Text as Told},
    },
    error::Error,
    store::precedents,
};

/// How many words are told that decided.
const WORDS: usize = 5;
/// How many domains are told.
const CANDIDATES: usize = 3;

/// The models that are in force, by what they tell.
pub type Models = HashMap<Subject, Published>;

/// A model that is in force, or that none is.
#[derive(Debug, Clone)]
pub struct Published {
    /// The number of its publication.
    pub(super) position: i32,
    /// Its version.
    pub(super) version: i32,
    /// It.
    pub(super) model: Arc<Model>,
}

impl Published {
    /// Of a model.
    pub(super) fn of(version: i32, model: Model) -> Self {
        Self { position: 0, version, model: Arc::new(model) }
    }

    /// That none is in force.
    pub(super) fn none() -> Self {
        Self::of(0, Model::default())
    }
}

/// What is asked about.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The title.
    pub title: String,
    /// What it says.
    pub body: String,
    /// The kind, if it is chosen.
    pub kind: String,
    /// The domain, if it is chosen.
    pub domain: String,
    /// The topic, if it is chosen.
    pub topic: String,
    /// The office, if it is chosen.
    pub office_id: String,
}

/// By what something was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// By choice, directory and decisions.
    Rules,
    /// By a model that is sure.
    Model,
    /// By nobody.
    Triage,
}

/// Where a text belongs.
#[derive(Debug)]
pub struct Route {
    /// The domain, how probable it is, and by what it was told.
    pub domain: (String, f64, By),
    /// The office, how probable that is, and by what it was told.
    pub office: (String, f64, By),
    /// The rule that would choose it.
    pub rule: Rule,
    /// The words that spoke for the domain.
    pub words: Vec<Reason>,
    /// The most probable domains.
    pub candidates: Vec<(String, f64)>,
    /// The version of the model that told the domain.
    pub version: Option<i32>,
}

/// A title and what is said under it.
type Words = (String, String);

/// What a model says of a text.
#[derive(Debug, Default)]
struct Said {
    ranked: Vec<(String, f64)>,
    sure: bool,
    words: Vec<Reason>,
    version: i32,
}

impl App {
    /// The model that is in force, or that none is, if that was read.
    pub(super) fn published(&self, subject: Subject) -> Option<Published> {
        self.models.read().unwrap_or_else(PoisonError::into_inner).get(&subject).cloned()
    }

    /// The model that is in force.
    fn model(&self, subject: Subject) -> Option<Published> {
        self.published(subject).filter(|published| published.version > 0)
    }

    /// What is chosen and is in no list. A topic is one of the chosen domain; of any, if none is chosen.
    pub fn unknown_in(&self, asked: &Asked) -> Vec<Violation> {
        let some = |code: &String| Some(code.clone()).filter(|code| !code.is_empty());
        let (domain, kind) = (some(&asked.domain), some(&asked.kind));
        let mut wrong = self.unknown_codes(&Codes { domain, kind, ..Codes::default() });
        let directory = self.directory();
        let mut domains = directory
            .domains
            .iter()
            .filter(|it| asked.domain.is_empty() || it.domain == asked.domain);
        if !asked.topic.is_empty() && domains.all(|it| !it.topics.contains(&asked.topic)) {
            wrong.push(Violation::new("topic", "VALUE_UNKNOWN"));
        }
        if !asked.office_id.is_empty() && directory.offices.get(&asked.office_id).is_none() {
            wrong.push(Violation::new("office_id", "OFFICE_NOT_FOUND"));
        }
        wrong
    }

    /// Tells where a text belongs. Nothing is kept of it.
    ///
    /// # Errors
    /// The database's.
    pub async fn suggest_route(&self, asked: Asked) -> Result<Route, Error> {
        let texts = vec![(asked.title.clone(), asked.body.clone())];
        let domain = self.model(Subject::Domain);
        let lacks_domain = lacks_domain(&asked.domain);
        let of_domain = match domain.filter(|_| lacks_domain) {
            Some(model) => said(model, texts.clone()).await?.pop(),
            None => None,
        };
        let known = self.directory().offices.get(&asked.office_id).is_some();
        let of_office = match self.model(Subject::Office).filter(|_| !known) {
            Some(model) => said(model, texts).await?.pop(),
            None => None,
        };
        let mut openings = vec![an_opening(&asked, self.now())];
        self.fill(&mut openings, vec![(0, of_domain.as_ref(), of_office.as_ref())]).await?;
        let asked_about = (asked.office_id.clone(), asked.kind.clone(), asked.domain.clone());
        let opening = &mut openings[0];
        if !lacks_domain {
            let mut connection = self.db.read().await?;
            opening.precedent = precedents::of(&mut connection, &asked_about, &asked.topic).await?;
        }
        let directory = self.directory();
        let chosen = choose(&directory, opening, &self.config.default_offices, day_of(self.now()));
        let chosen =
            chosen.unwrap_or(Assignment { office_id: String::new(), rule: Rule::TriageNoOffice });
        Ok(route(&asked, chosen, of_domain, of_office.as_ref()))
    }

    /// Adds to approved messages what models are sure of: a domain where there is none, and an office
    /// where the one that was written to is not there. Only public texts are read.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn suggested(
        &self,
        openings: &mut [Opening],
        texts: &HashMap<MessageId, Text>,
    ) -> Result<(), Error> {
        let directory = self.directory();
        let text = |opening: &Opening| {
            let text = texts.get(&opening.message_id).filter(|_| opening.keeps_text())?;
            let body = [&text.body, &text.demand, &text.details].map(String::as_str).join("\n");
            Some((text.title.clone(), body))
        };
        let mut asked: HashMap<Subject, Vec<(usize, Words)>> = HashMap::new();
        for (at, opening) in openings.iter().enumerate() {
            let Some(text) = text(opening) else { continue };
            if lacks_domain(&opening.domain) {
                asked.entry(Subject::Domain).or_default().push((at, text.clone()));
            }
            if directory.offices.get(&opening.office_id).is_none() {
                asked.entry(Subject::Office).or_default().push((at, text));
            }
        }
        let mut told: HashMap<usize, (Option<Said>, Option<Said>)> = HashMap::new();
        for (subject, asked) in asked {
            let Some(model) = self.model(subject) else { continue };
            let (places, texts): (Vec<usize>, Vec<_>) = asked.into_iter().unzip();
            for (at, said) in places.into_iter().zip(said(model, texts).await?) {
                let told = told.entry(at).or_default();
                match subject {
                    Subject::Domain => told.0 = Some(said),
                    Subject::Office => told.1 = Some(said),
                }
            }
        }
        let told =
            told.iter().map(|(at, (domain, office))| (*at, domain.as_ref(), office.as_ref()));
        self.fill(openings, told.collect()).await
    }

    /// Puts what models are sure of into openings, and where it leads by superiors' decisions.
    async fn fill(
        &self,
        openings: &mut [Opening],
        told: Vec<(usize, Option<&Said>, Option<&Said>)>,
    ) -> Result<(), Error> {
        let mut decided = Vec::new();
        for (at, domain, office) in told {
            let sure = |said: Option<&Said>| {
                let said = said.filter(|said| said.sure)?;
                Some((said.ranked.first()?.0.clone(), said.version))
            };
            let domain = sure(domain).map(|(code, version)| SuggestedDomain { code, version });
            let office_id = sure(office).map(|(office_id, _)| office_id);
            if let Some(domain) = &domain {
                let opening = &openings[at];
                let asked = (opening.office_id.clone(), opening.kind.clone(), domain.code.clone());
                decided.push((at, asked));
            }
            if domain.is_some() || office_id.is_some() {
                openings[at].suggested = Some(Suggested { domain, precedent: None, office_id });
            }
        }
        if decided.is_empty() {
            return Ok(());
        }
        let (places, asked): (Vec<usize>, Vec<_>) = decided.into_iter().unzip();
        let found = precedents::of_domains(&mut *self.db.read().await?, &asked).await?;
        for (at, found) in places.into_iter().zip(found) {
            if let Some(suggested) = &mut openings[at].suggested {
                suggested.precedent = found;
            }
        }
        Ok(())
    }
}

/// What a model says of texts; a millisecond each, outside the threads that serve.
async fn said(published: Published, texts: Vec<Words>) -> Result<Vec<Said>, Error> {
    let saying = tokio::task::spawn_blocking(move || {
        let model = &published.model;
        let one = |(title, body): &Words| {
            let text = Told { title, body };
            let ranked = model.suggest(&text);
            let Some(first) = ranked.first() else { return Said::default() };
            Said {
                sure: model.is_sure(first),
                words: model.reasons(&text, first.label, WORDS),
                version: published.version,
                ranked: ranked.iter().map(|it| (it.label.to_owned(), it.probability)).collect(),
            }
        };
        texts.iter().map(one).collect()
    });
    saying.await.map_err(|_| Error::Stopping)
}

/// A message as it would come.
fn an_opening(asked: &Asked, now: jiff::Timestamp) -> Opening {
    Opening {
        message_id: uuid::Uuid::nil().into(),
        number: String::new(),
        office_id: asked.office_id.clone(),
        kind: asked.kind.clone(),
        domain: asked.domain.clone(),
        topic: asked.topic.clone(),
        visibility: Visibility::Public,
        submitted_at: now,
        occurred_at: None,
        accused: Vec::new(),
        redactions: 0,
        traceparent: None,
        precedent: None,
        suggested: None,
        consultation_id: None,
    }
}

fn route(
    asked: &Asked,
    chosen: Assignment,
    of_domain: Option<Said>,
    of_office: Option<&Said>,
) -> Route {
    let of_domain = of_domain.unwrap_or_default();
    let probable = |said: &Said| said.ranked.first().map_or(0.0, |(_, probability)| *probability);
    let domain = match of_domain.ranked.first() {
        Some((code, probability)) if of_domain.sure => (code.clone(), *probability, By::Model),
        Some((code, probability)) => (code.clone(), *probability, By::Triage),
        None if lacks_domain(&asked.domain) => (asked.domain.clone(), 0.0, By::Triage),
        None => (asked.domain.clone(), 1.0, By::Rules),
    };
    let office = match chosen.rule {
        Rule::TriageNoOffice | Rule::TriageAccused => (String::new(), 0.0, By::Triage),
        Rule::Suggestion => {
            let probability = of_office.map_or(domain.1, probable);
            (chosen.office_id, probability, By::Model)
        }
        _ => (chosen.office_id, 1.0, By::Rules),
    };
    Route {
        domain,
        office,
        rule: chosen.rule,
        version: (of_domain.version > 0).then_some(of_domain.version),
        words: of_domain.words,
        candidates: of_domain.ranked.into_iter().take(CANDIDATES).collect(),
    }
}
