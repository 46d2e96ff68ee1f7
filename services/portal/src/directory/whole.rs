//! All offices with where they lie, to be found by words: read once in a while, and looked through
//! in memory.

use std::{cmp::Reverse, collections::HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use liuyan_kit::locale::FIRST;
use liuyan_proto::liuyan::routing::v1::{Division, Level, ListOfficesRequest, Office};

use super::{Children, PAGE};
use crate::{backend::Backends, error::Error};

/// The most pages of offices that are read.
const PAGES: usize = 20;
/// The most divisions whose parts are read.
const ABOVE: usize = 2_000;
/// How many lists are read at the same time.
const AT_ONCE: usize = 16;
/// The most words that are looked for.
const WORDS: usize = 6;

/// An office that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) office_id: String,
    pub(crate) title: String,
    /// Where it lies, from the top; empty for a ministry.
    pub(crate) place: String,
    pub(crate) open: bool,
}

/// All offices.
#[derive(Debug, Default)]
pub(crate) struct Whole(Vec<Found>);

impl Whole {
    /// Reads all offices and divisions.
    pub(super) async fn read(children: Children) -> Result<Self, Error> {
        let (offices, divisions) =
            futures::try_join!(offices(&children.backend), divisions(&children))?;
        Ok(Self::new(offices, divisions))
    }

    fn new(offices: Vec<Office>, divisions: Vec<Division>) -> Self {
        let mut places: HashMap<String, String> = HashMap::with_capacity(divisions.len());
        // They come level by level, so that what is above is there already.
        for Division { code, name, parent_code, .. } in divisions {
            let place = match places.get(&parent_code) {
                Some(above) => format!("{above} {name}"),
                None => name,
            };
            places.insert(code, place);
        }
        let found = |office: Office| Found {
            place: places.get(&office.division_code).cloned().unwrap_or_default(),
            office_id: office.office_id,
            title: office.title,
            open: office.open,
        };
        Self(offices.into_iter().map(found).collect())
    }

    /// Offices whose title and place have all the words, the best first: those with most words in
    /// the title. Up to `most`, and whether there are more.
    pub(crate) fn find(&self, words: &str, most: usize) -> (Vec<Found>, bool) {
        let words: Vec<&str> = words.split_whitespace().take(WORDS).collect();
        if words.is_empty() {
            return (Vec::new(), false);
        }
        let fits = |it: &&Found| {
            words.iter().all(|word| it.title.contains(word) || it.place.contains(word))
        };
        let mut hits: Vec<&Found> = self.0.iter().filter(fits).collect();
        let titled = |it: &Found| words.iter().filter(|word| it.title.contains(**word)).count();
        hits.sort_by_key(|it| Reverse(titled(it)));
        let more = hits.len() > most;
        (hits.into_iter().take(most).cloned().collect(), more)
    }
}

async fn offices(backend: &Backends) -> Result<Vec<Office>, Error> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    for _ in 0..PAGES {
        let ask = ListOfficesRequest {
            division_code: String::new(),
            include_below: true,
            page_size: PAGE,
            page_token,
            ..ListOfficesRequest::default()
        };
        let request = backend.request(ask, FIRST, None);
        let page = backend.directory().list_offices(request).await?.into_inner();
        all.extend(page.offices);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(all)
}

/// All divisions, level by level.
async fn divisions(children: &Children) -> Result<Vec<Division>, Error> {
    let mut all: Vec<Division> = Vec::new();
    let mut above = vec![String::new()];
    while !above.is_empty() && above.len() <= ABOVE {
        let lists: Vec<_> = stream::iter(above)
            .map(|code| async move { children.of(&code).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let next: Vec<Division> = lists.iter().flat_map(|list| list.iter().cloned()).collect();
        // Nothing is below a county.
        let has_parts = next.iter().filter(|it| it.level() != Level::County);
        above = has_parts.map(|it| it.code.clone()).collect();
        all.extend(next);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(counties: usize) -> Whole {
        let division = |code: String, parent_code: &str| Division {
            name: format!("place{code}"),
            parent_code: parent_code.to_owned(),
            code,
            ..Division::default()
        };
        let office = |code: &str, post: &str| Office {
            office_id: format!("{code}-{post}"),
            division_code: code.to_owned(),
            title: format!("{post} of {code}"),
            open: true,
            ..Office::default()
        };
        let mut divisions = vec![division("1".to_owned(), ""), division("11".to_owned(), "1")];
        let mut offices = vec![office("", "minister"), office("1", "mayor"), office("11", "mayor")];
        for county in 0..counties {
            let code = format!("11x{county}");
            offices.push(office(&code, "mayor"));
            offices.push(office(&code, "secretary"));
            divisions.push(division(code, "11"));
        }
        Whole::new(offices, divisions)
    }

    fn ids(found: &[Found]) -> Vec<&str> {
        found.iter().map(|it| it.office_id.as_str()).collect()
    }

    #[test]
    fn words_are_looked_for_in_title_and_place_and_the_best_come_first() {
        let whole = whole(2);
        let (found, more) = whole.find("mayor place11x1", 20);
        assert_eq!((ids(&found), more), (vec!["11x1-mayor"], false));
        assert_eq!(found[0].place, "place1 place11 place11x1");
        // A word of the place alone finds all that lie there; those that are called so come first.
        let (found, _) = whole.find("11x1", 20);
        assert_eq!(ids(&found), ["11x1-mayor", "11x1-secretary"]);
        let (found, _) = whole.find("minister", 20);
        assert_eq!((found[0].office_id.as_str(), found[0].place.as_str()), ("-minister", ""));
        for nothing in ["", "  ", "minister place1", "nobody"] {
            assert_eq!(whole.find(nothing, 20), (Vec::new(), false), "{nothing}");
        }
    }

    #[test]
    fn no_more_are_given_than_asked_for_of_however_many() {
        let (found, more) = whole(3_200).find("place11 mayor", 20);
        assert_eq!((found.len(), more), (20, true));
    }
}
