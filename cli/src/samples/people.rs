//! People to sign in as, and an agency. Their passwords are made for each board and kept in its folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use liuyan_kit::id;
use liuyan_proto::liuyan::{
    identity::v1::{
        CreateAgencyRequest, PutAccountRequest, Role, SignInRequest,
        identity_service_client::IdentityServiceClient,
    },
    intake::v1::{Column, CreateColumnRequest, column_service_client::ColumnServiceClient},
};
use serde::{Deserialize, Serialize};
use tonic::Code;

use super::data::{self, Cast};
use crate::{
    board::{Account, Agency, Board},
    error::Error,
    keys,
};

/// The words of which passwords are made: they can be read out, and typed on a phone.
const SYLLABLES: [&str; 32] = [
    "bai", "bei", "cai", "chu", "dan", "deng", "feng", "gao", "hai", "he", "hong", "hua", "jia",
    "jing", "lan", "lin", "liu", "mei", "ming", "nan", "ping", "qing", "shan", "shu", "song",
    "tian", "xia", "xin", "yue", "yun", "zhen", "zhu",
];

/// What is kept in the board's folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Secrets {
    passwords: BTreeMap<String, String>,
    client_secret: Option<String>,
}

/// The people of this board, and an agency.
#[derive(Debug)]
pub(crate) struct People {
    cast: Cast,
    secrets: Secrets,
    file: PathBuf,
}

impl People {
    /// Reads who there is; passwords that are missing are made.
    pub(super) fn read(dir: &Path) -> Result<Self, Error> {
        let (cast, file) = (data::cast()?, keys::folder(dir).join("people.json"));
        let mut secrets: Secrets = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(Error::other(format!("{} is damaged", file.display())))?,
            Err(_) => Secrets::default(),
        };
        for person in &cast.accounts {
            secrets.passwords.entry(person.name.clone()).or_insert_with(password);
        }
        let people = Self { cast, secrets, file };
        people.keep()?;
        Ok(people)
    }

    fn keep(&self) -> Result<(), Error> {
        let text =
            serde_json::to_vec_pretty(&self.secrets).map_err(Error::other("the passwords"))?;
        keys::write_private(&self.file, &text)
    }

    /// The people, as who can be signed in.
    pub(super) fn accounts(&self) -> Vec<Account> {
        let account = |person: &data::Person| Account {
            role: person.role.clone(),
            name: person.name.clone(),
            password: self.secrets.passwords.get(&person.name).cloned().unwrap_or_default(),
        };
        self.cast.accounts.iter().map(account).collect()
    }

    /// The agency's credentials.
    pub(super) fn agency(&self) -> Option<Agency> {
        let client_secret = self.secrets.client_secret.clone()?;
        Some(Agency { client_id: self.cast.agency.client_id.clone(), client_secret })
    }

    /// Whether the citizen wrote this message.
    pub(super) fn by_citizen(&self, key: &str) -> bool {
        self.cast.accounts.iter().any(|person| person.message_keys.iter().any(|known| known == key))
    }

    /// Adds the people and the agency to identity.
    pub(super) async fn put(&mut self, board: &Board) -> Result<(), Error> {
        let channel = board.channel("identity", &["account:write", "agency:write"]).await?;
        let mut identity = IdentityServiceClient::new(channel);
        for person in &self.cast.accounts {
            let roles = person.roles.iter().map(|role| role_of(role).map(i32::from));
            let request = PutAccountRequest {
                name: person.name.clone(),
                display_name: person.display_name.clone(),
                roles: roles.collect::<Result<_, _>>()?,
                office_ids: person.office_ids.clone(),
                division_codes: person.division_codes.clone(),
                password: self.secrets.passwords.get(&person.name).cloned().unwrap_or_default(),
                request_id: id::of_name("sample-account", &person.name).to_string(),
                ..PutAccountRequest::default()
            };
            identity
                .put_account(request)
                .await
                .map_err(Error::call(format!("the sample account {}", person.name)))?;
        }
        let agency = &self.cast.agency;
        let request = CreateAgencyRequest {
            client_id: agency.client_id.clone(),
            title: agency.title.clone(),
            scopes: agency.scopes.clone(),
            division_codes: agency.division_codes.clone(),
            request_id: id::of_name("sample-agency", &agency.client_id).to_string(),
            ..CreateAgencyRequest::default()
        };
        match identity.create_agency(request).await {
            Ok(created) => self.secrets.client_secret = Some(created.into_inner().client_secret),
            // It was made by a start that was interrupted before its secret was kept.
            Err(status) if status.code() == Code::AlreadyExists => {
                let request = liuyan_proto::liuyan::identity::v1::RotateSecretRequest {
                    client_id: agency.client_id.clone(),
                    request_id: id::v7(liuyan_kit::clock::Clock::now(
                        &liuyan_kit::clock::SystemClock,
                    ))
                    .to_string(),
                };
                let rotated = identity.rotate_secret(request).await;
                let rotated = rotated.map_err(Error::call("the sample agency's secret"))?;
                self.secrets.client_secret = Some(rotated.into_inner().client_secret);
            }
            Err(status) => return Err(Error::call("the sample agency")(status)),
        }
        self.keep()
    }

    /// Adds the agency's column to intake.
    pub(super) async fn put_column(&self, board: &Board) -> Result<(), Error> {
        let column = &self.cast.column;
        let request = CreateColumnRequest {
            request_id: id::of_name("sample-column", &column.column_id).to_string(),
            column: Some(Column {
                column_id: column.column_id.clone(),
                name: column.name.clone(),
                agency_id: self.cast.agency.client_id.clone(),
                default_office_id: column.default_office_id.clone(),
                origins: column.origins.clone(),
                daily_quota: column.daily_quota,
                minute_quota: column.minute_quota,
                open: true,
                ..Column::default()
            }),
        };
        let channel = board.channel("intake", &["column:write"]).await?;
        let mut columns = ColumnServiceClient::new(channel);
        columns.create_column(request).await.map_err(Error::call("the sample column"))?;
        Ok(())
    }

    /// A token of the citizen.
    pub(super) async fn citizen(&self, board: &Board) -> Result<String, Error> {
        let person = self.cast.accounts.iter().find(|person| person.role == "citizen");
        let name = person.map(|person| person.name.clone()).unwrap_or_default();
        let password = self.secrets.passwords.get(&name).cloned().unwrap_or_default();
        let mut identity = IdentityServiceClient::new(board.open("identity").await?);
        let request = SignInRequest { name, password };
        let signed_in =
            identity.sign_in(request).await.map_err(Error::call("the citizen cannot sign in"))?;
        Ok(signed_in.into_inner().session.unwrap_or_default().access_token)
    }
}

fn role_of(name: &str) -> Result<Role, Error> {
    Role::from_str_name(&format!("ROLE_{}", name.to_uppercase()))
        .ok_or_else(|| Error::Check(format!("there is no role {name}")))
}

/// Four syllables and four digits: some 33 bits, for accounts of a board on one machine.
fn password() -> String {
    let bytes = id::secret();
    let mut words: Vec<&str> = bytes
        .iter()
        .take(4)
        .filter_map(|byte| SYLLABLES.get(usize::from(byte % 32)).copied())
        .collect();
    let digits = u16::from_le_bytes([bytes[4], bytes[5]]) % 10_000;
    let digits = format!("{digits:04}");
    words.push(&digits);
    words.join("-")
}
