//! Choosing the office: from the province down, one list at a time, without a script.

use crate::{
    directory::Takers,
    error::Error,
    pages::search::{Choice, choice, division_choices},
    visit::Visit,
};

use super::Draft;

/// What stands for the ministries among the provinces.
const MINISTRIES: &str = "ministries";
/// Up to so many offices are shown as buttons; more in a list.
const AS_BUTTONS: usize = 8;

/// One list of divisions.
#[derive(Debug)]
pub(crate) struct Level {
    /// The name of the field.
    pub(crate) name: &'static str,
    /// The name of its label's text.
    pub(crate) label: &'static str,
    pub(crate) choices: Vec<Choice>,
}

/// The lists of divisions and the offices of the one that was chosen last.
#[derive(Debug, Default)]
pub(crate) struct Chooser {
    pub(crate) levels: Vec<Level>,
    pub(crate) offices: Vec<Choice>,
    /// Whether nobody takes what is written to the place that was chosen, nor to one above.
    pub(crate) nobody: bool,
    /// Whose offices are shown, if the place that was chosen has none.
    pub(crate) instead: Option<String>,
    /// Whether the directory is away: then the office stays as it is.
    pub(crate) away: bool,
}

impl Chooser {
    /// The lists for what was chosen so far.
    pub(crate) async fn of(v: &Visit, draft: &Draft) -> Self {
        Self::look(v, draft).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the directory is away");
            Self { away: true, ..Self::default() }
        })
    }

    async fn look(v: &Visit, draft: &Draft) -> Result<Self, Error> {
        let directory = &v.app().directory;
        let mut chooser = Self::default();
        let mut first = vec![choice(MINISTRIES, v.t("new-ministries"), &draft.d1)];
        first.extend(division_choices(&directory.children("").await?, &draft.d1));
        let mut chosen = first.iter().any(|it| it.chosen).then_some(draft.d1.as_str());
        chooser.levels.push(Level { name: "d1", label: "new-d1", choices: first });
        if chosen == Some(MINISTRIES) {
            let ministries = directory.offices_of("").await?;
            let offices = ministries.iter().filter(|office| office.open).cloned().collect();
            return Ok(chooser.with_offices(Takers { offices, instead: None }, draft));
        }
        for (name, label, next) in
            [("d2", "new-d2", draft.d2.as_str()), ("d3", "new-d3", draft.d3.as_str())]
        {
            let Some(above) = chosen else { break };
            let below = division_choices(&directory.children(above).await?, next);
            if below.is_empty() {
                break;
            }
            let deeper = below.iter().any(|it| it.chosen);
            chooser.levels.push(Level { name, label, choices: below });
            if !deeper {
                break;
            }
            chosen = Some(next);
        }
        match chosen {
            Some(code) => {
                let takers = directory.takers(code, &v.today()).await?;
                Ok(chooser.with_offices(takers, draft))
            }
            None => Ok(chooser),
        }
    }

    fn with_offices(mut self, takers: Takers, draft: &Draft) -> Self {
        self.instead = takers.instead.map(|division| division.name);
        self.offices = takers
            .offices
            .into_iter()
            .map(|office| choice(&office.office_id, office.title, &draft.office_id))
            .collect();
        self.nobody = self.offices.is_empty();
        // Who is the only one need not be chosen.
        if let [only] = self.offices.as_mut_slice() {
            only.chosen = true;
        }
        self
    }

    /// Whether the offices fit on buttons.
    pub(crate) fn as_buttons(&self) -> bool {
        self.offices.len() <= AS_BUTTONS
    }

    /// Whether the office is among those that were shown, as far as is known.
    pub(crate) fn offers(&self, office_id: &str) -> bool {
        self.away || self.offices.iter().any(|it| it.code == office_id)
    }
}

/// Sets the lists for a link that names an office or a division. What is not there is left out.
pub(crate) async fn begin(v: &Visit, draft: &mut Draft, division: &str) {
    let directory = &v.app().directory;
    let office = directory.office(&draft.office_id).await.ok().flatten();
    let code = match &office {
        Some(office) if office.division_code.is_empty() => {
            MINISTRIES.clone_into(&mut draft.d1);
            return;
        }
        Some(office) => office.division_code.as_str(),
        None => division,
    };
    let line = directory.line(code).await.unwrap_or_default();
    let mut codes = line.into_iter().map(|division| division.code);
    draft.d1 = codes.next().unwrap_or_default();
    draft.d2 = codes.next().unwrap_or_default();
    draft.d3 = codes.next().unwrap_or_default();
}
