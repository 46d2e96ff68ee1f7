//! Where the feed is, as whom it is asked, and what is wanted of it.

use std::path::Path;

use jiff::Timestamp;
use liuyan_feed_client::{Credentials, Error as FeedError, Feed, Refusal, Settings, Start};
use liuyan_proto::liuyan::{
    common::v1::CaseState,
    feed::v1::{Clause, EventFilter},
};
use tonic::Code;

use crate::{board::Board, error::Error};

/// Where the feed is, and as whom it is asked.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct At {
    /// The address of a feed; that of the board in the data folder if not given.
    #[arg(long, env = "LIUYAN_FEED_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    /// The address of identity, where an agency gets its tokens.
    #[arg(long, env = "LIUYAN_IDENTITY_ENDPOINT", value_name = "URL")]
    identity: Option<String>,
    /// The agency.
    #[arg(long, env = "LIUYAN_CLIENT_ID", value_name = "ID", requires = "client_secret")]
    client_id: Option<String>,
    /// The agency's secret; better given by the environment.
    #[arg(long, env = "LIUYAN_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// A token, in place of agency and secret.
    #[arg(long, env = "LIUYAN_TOKEN", hide_env_values = true, conflicts_with = "client_id")]
    token: Option<String>,
}

impl At {
    /// The feed, as whoever was named, or as nobody.
    pub(crate) fn feed(&self, dir: &Path) -> Result<Feed, Error> {
        let credentials = self.named(dir)?.unwrap_or_default();
        self.connect(dir, credentials)
    }

    /// The same feed as nobody.
    pub(crate) fn feed_of_nobody(&self, dir: &Path) -> Result<Feed, Error> {
        self.connect(dir, Credentials::Nobody)
    }

    /// The pages of the board whose feed this is, as far as that is known.
    pub(crate) fn http(&self, dir: &Path, named: Option<&str>) -> Option<String> {
        match (named, &self.endpoint) {
            (Some(named), _) => Some(named.to_owned()),
            (None, Some(_)) => None,
            (None, None) => Board::find(dir).ok().map(|board| board.http),
        }
    }

    /// The feed as an agency: the one that was named, or that of the board in the data folder.
    pub(crate) fn feed_of_agency(&self, dir: &Path) -> Result<Feed, Error> {
        let credentials = match self.named(dir)? {
            Some(credentials) => credentials,
            None if self.endpoint.is_none() => {
                let board = Board::find(dir)?;
                let agency = board.agency.as_ref().ok_or_else(|| {
                    Error::Usage("this board has no agency; name one with --client-id".to_owned())
                })?;
                Credentials::Agency {
                    identity: address(&board, "identity")?,
                    client_id: agency.client_id.clone(),
                    client_secret: agency.client_secret.clone(),
                }
            }
            None => {
                return Err(Error::Usage(
                    "subscriptions belong to an agency: give --client-id, --client-secret and \
                     --identity, or --token"
                        .to_owned(),
                ));
            }
        };
        self.connect(dir, credentials)
    }

    /// Who was named, if anybody.
    fn named(&self, dir: &Path) -> Result<Option<Credentials>, Error> {
        match (&self.token, &self.client_id, &self.client_secret) {
            (Some(token), ..) => Ok(Some(Credentials::Token(token.clone()))),
            (None, Some(client_id), Some(client_secret)) => {
                let identity = match &self.identity {
                    Some(identity) => identity.clone(),
                    None if self.endpoint.is_none() => address(&Board::find(dir)?, "identity")?,
                    None => {
                        return Err(Error::Usage("give --identity beside --client-id".to_owned()));
                    }
                };
                let (client_id, client_secret) = (client_id.clone(), client_secret.clone());
                Ok(Some(Credentials::Agency { identity, client_id, client_secret }))
            }
            _ => Ok(None),
        }
    }

    fn connect(&self, dir: &Path, credentials: Credentials) -> Result<Feed, Error> {
        let endpoint = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => address(&Board::find(dir)?, "feed")?,
        };
        Feed::new(&Settings::new(endpoint).with(credentials)).map_err(failed)
    }
}

fn address(board: &Board, service: &str) -> Result<String, Error> {
    let known = board.grpc.get(service).map(|address| format!("http://{address}"));
    known.ok_or_else(|| Error::Usage(format!("this board has no service {service}")))
}

/// Which events, and which of their fields.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Wanted {
    /// Only this type of event; may be given several times. `*` at the end stands for anything.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only this division; may be given several times.
    #[arg(long = "division", value_name = "CODE")]
    divisions: Vec<String>,
    /// Also the divisions below.
    #[arg(long)]
    include_below: bool,
    /// Only this office; may be given several times.
    #[arg(long = "office", value_name = "ID")]
    offices: Vec<String>,
    /// Only this domain; may be given several times.
    #[arg(long = "domain", value_name = "CODE")]
    domains: Vec<String>,
    /// Only this kind of message; may be given several times.
    #[arg(long = "kind", value_name = "CODE")]
    kinds: Vec<String>,
    /// Only events after which the case is in this state, e.g. `assigned`; may be given several times.
    #[arg(long = "state", value_name = "STATE", value_parser = state)]
    states: Vec<CaseState>,
    /// Only this field of events, e.g. `case.title`; may be given several times.
    #[arg(long = "field", value_name = "PATH")]
    pub(crate) fields: Vec<String>,
}

impl Wanted {
    /// The filter; `None` if everything is wanted.
    pub(crate) fn filter(&self) -> Option<EventFilter> {
        let clause = Clause {
            event_types: self.types.clone(),
            office_ids: self.offices.clone(),
            division_codes: self.divisions.clone(),
            include_below: self.include_below && !self.divisions.is_empty(),
            domains: self.domains.clone(),
            kinds: self.kinds.clone(),
            states: self.states.iter().map(|state| i32::from(*state)).collect(),
        };
        (clause != Clause::default()).then(|| EventFilter { any_of: vec![clause] })
    }
}

fn state(name: &str) -> Result<CaseState, String> {
    let full = format!("CASE_STATE_{}", name.to_uppercase().replace('-', "_"));
    CaseState::from_str_name(&full).ok_or_else(|| format!("there is no state {name}"))
}

/// Where a stream begins: a word, a time, or a cursor.
pub(crate) fn start_of_stream(text: &str) -> Result<Start, String> {
    match text {
        "snapshot" => Ok(Start::Snapshot(true)),
        text => start(text),
    }
}

/// Where to begin: a word, a time, or a cursor.
pub(crate) fn start(text: &str) -> Result<Start, String> {
    match text {
        "earliest" => Ok(Start::Earliest(true)),
        "latest" => Ok(Start::Latest(true)),
        "" => Err("give earliest, latest, a time as 2026-01-31T08:00:00Z, or a cursor".to_owned()),
        text => Ok(match text.parse::<Timestamp>() {
            Ok(time) => Start::StartTime(liuyan_kit::clock::to_proto(time)),
            Err(_) => Start::Cursor(text.to_owned()),
        }),
    }
}

/// A failure of the client as one of this command.
pub(crate) fn failed(error: FeedError) -> Error {
    match error {
        FeedError::Usage(why) => Error::Usage(why),
        FeedError::Unreachable(why) => Error::Unreachable(why),
        FeedError::Refused(refusal) => refused(&refusal),
        error @ FeedError::TakenOver => Error::Check(error.to_string()),
        error => Error::Usage(error.to_string()),
    }
}

/// A call that failed.
pub(crate) fn called(status: tonic::Status) -> Error {
    failed(status.into())
}

fn refused(refusal: &Refusal) -> Error {
    match refusal.code {
        Code::InvalidArgument => Error::Usage(refusal.to_string()),
        _ => Error::Other { what: "the board refuses".to_owned(), why: refusal.to_string() },
    }
}
