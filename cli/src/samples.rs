//! Sample content: a made-up province, people to sign in as, some two hundred messages with their
//! lives, and what offices do beside them, so that the first page that a newcomer opens is alive. The data are in `deploy/samples/`.
//!
//! Everything goes through the services, as any client's would. It is done once: a file in the board's
//! folder says how far it came, and every request has an id of its own, so that a start which was
//! interrupted goes on.

mod casework;
mod data;
mod lives;
mod people;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{Timestamp, ToSpan as _, tz::Offset};
use liuyan_kit::clock::{Clock as _, SystemClock};
use liuyan_proto::liuyan::routing::v1::{
    Division, Level, Office, PutDivisionRequest, PutOfficeRequest,
    directory_service_client::DirectoryServiceClient,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

pub(crate) use people::People;

use crate::{
    board::{Account, Agency, Board},
    error::Error,
    keys,
};

/// The file that says how far the samples came.
const FILE: &str = "samples.json";
/// How long intake may take to hear of the made-up offices.
const HEARD_LIMIT: Duration = Duration::from_secs(60);
/// China Standard Time.
const CHINA: Offset = jiff::tz::offset(8);
const POLL: Duration = Duration::from_millis(100);

/// How far the samples came.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Progress {
    /// The moment to which their times refer; kept, so that a repeated request is the same request.
    now: Timestamp,
    /// Whether the province and the people are there.
    people: bool,
    /// Whether the messages are there.
    messages: bool,
    /// Whether there is what offices do beside single cases.
    #[serde(default)]
    casework: bool,
}

impl Progress {
    fn file(dir: &Path) -> PathBuf {
        dir.join(FILE)
    }

    fn read(dir: &Path) -> Self {
        fs::read(Self::file(dir))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_else(|| Self {
                now: afternoon(),
                people: false,
                messages: false,
                casework: false,
            })
    }

    fn write(&self, dir: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).map_err(Error::other("the samples' file"))?;
        keys::write_private(&Self::file(dir), &text)
    }
}

/// The last half past two in the afternoon in China: counted back from there, the samples' hours are
/// those of the day.
fn afternoon() -> Timestamp {
    let now = SystemClock.now();
    let there = CHINA.to_datetime(now);
    let today = there.date().at(14, 30, 0, 0);
    let last = if there >= today { Some(today) } else { today.checked_sub(1.day()).ok() };
    last.and_then(|last| CHINA.to_timestamp(last).ok()).unwrap_or(now)
}

/// Sees to it that there are a province, people and an agency, and gives those to sign in as.
pub(crate) async fn people(board: &Board) -> Result<(Vec<Account>, Option<Agency>), Error> {
    let mut progress = Progress::read(&board.data_dir);
    let mut people = People::read(&board.data_dir)?;
    if !progress.people {
        progress.write(&board.data_dir)?;
        province(board).await?;
        people.put(board).await?;
        people.put_column(board).await?;
        progress.people = true;
        progress.write(&board.data_dir)?;
    }
    Ok((people.accounts(), people.agency()))
}

/// Sees to it that the sample messages are there, with what became of them.
pub(crate) async fn messages(board: &Board, say: &(dyn Fn(&str) + Sync)) -> Result<(), Error> {
    let mut progress = Progress::read(&board.data_dir);
    if progress.messages && progress.casework {
        return Ok(());
    }
    progress.write(&board.data_dir)?;
    let people = People::read(&board.data_dir)?;
    if !progress.messages {
        lives::play(board, &people, progress.now, say).await?;
        progress.messages = true;
        progress.write(&board.data_dir)?;
    }
    say("Adding consultations, a common problem and a model case");
    casework::play(board, &people, progress.now).await?;
    progress.casework = true;
    progress.write(&board.data_dir)
}

/// Puts the made-up province into the directory, and waits until intake takes messages for it.
async fn province(board: &Board) -> Result<(), Error> {
    let province = data::province()?;
    let channel = board.channel("routing", &["directory:write"]).await?;
    let mut directory = DirectoryServiceClient::new(channel);
    for division in &province.divisions {
        let division = Division {
            code: division.code.clone(),
            name: division.name.clone(),
            level: level(&division.level).into(),
            parent_code: division.parent_code.clone().unwrap_or_default(),
            ..Division::default()
        };
        let request = PutDivisionRequest { division: Some(division) };
        directory.put_division(request).await.map_err(Error::call("a sample division"))?;
    }
    // An office comes after the one above it.
    let mut waiting: Vec<&data::Office> = province.offices.iter().collect();
    let mut there: Vec<&str> = Vec::new();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for office in waiting {
            let above = office.parent_office_id.as_deref().unwrap_or_default();
            if !above.is_empty() && !there.contains(&above) {
                later.push(office);
                continue;
            }
            let put = Office {
                office_id: office.office_id.clone(),
                division_code: office.division_code.clone(),
                level: level(&office.level).into(),
                role: office.role.clone(),
                title: office.title.clone(),
                parent_office_id: above.to_owned(),
                open: true,
                ..Office::default()
            };
            let request = PutOfficeRequest { office: Some(put) };
            directory.put_office(request).await.map_err(Error::call("a sample office"))?;
            there.push(&office.office_id);
        }
        if later.len() == before {
            return Err(Error::Check("sample offices lie under offices that are not there".into()));
        }
        waiting = later;
    }
    heard(board, there.len()).await
}

async fn heard(board: &Board, offices: usize) -> Result<(), Error> {
    let intake = board.database("intake").await?;
    let until = Instant::now() + HEARD_LIMIT;
    loop {
        let sql = "select count(*) from offices where office_id like '99%'";
        if crate::verify::number(&intake, sql).await? >= offices as u64 {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(Error::Unreachable("intake did not hear of the sample offices".into()));
        }
        sleep(POLL).await;
    }
}

fn level(code: &str) -> Level {
    match code {
        "state" => Level::State,
        "province" => Level::Province,
        "city" => Level::City,
        "county" => Level::County,
        _ => Level::Unspecified,
    }
}
