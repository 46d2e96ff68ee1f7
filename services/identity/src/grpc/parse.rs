//! Requests to the domain's words; everything that is wrong is told at once.

use std::net::IpAddr;

use jiff::Timestamp;
use liuyan_kit::{auth::Caller, class::Violation, grpc::CLIENT_ADDRESS, locale};
use liuyan_proto::{liuyan::identity::v1 as proto, topology};
use tonic::metadata::MetadataMap;
use uuid::Uuid;

use crate::{
    domain::{
        access::{MOST_PLACES, OF_AGENCIES, Places, Role, is_division, is_office},
        account::{self, Wish},
        agency::{self, Agency},
        name::{Name, fold},
        password::Password,
    },
    error::{Error, Faults},
};

/// Rows on a page, if the caller does not say, and at most.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;
/// The most contacts at a time.
const MOST_CONTACTS: usize = 256;
/// The longest purpose, in characters.
const LONGEST_PURPOSE: usize = 200;
/// The longest token, secret or client id that is looked at, in bytes.
const LONGEST_SECRET: usize = 512;
/// The longest token of a page, in bytes: a name of 64 characters, sealed.
const LONGEST_PAGE_TOKEN: usize = 1_024;

/// The address of whoever signs in, as a service of the house tells it. Of nobody else it is believed.
pub(super) fn address(caller: &Caller, metadata: &MetadataMap) -> Option<IpAddr> {
    let of_house = !caller.issuer.is_empty()
        && caller.issuer == caller.subject
        && topology::card(&caller.issuer).is_some();
    if !of_house {
        return None;
    }
    metadata.get(CLIENT_ADDRESS)?.to_str().ok()?.parse().ok()
}

/// A name as names are compared, and the password that is said to go with it. A name that nobody
/// could have is no fault: it is refused like one that nobody has.
pub(super) fn sign_in(request: &proto::SignInRequest) -> Result<(String, Password), Error> {
    let mut faults = Faults::default();
    faults.check(!request.name.is_empty(), "name", "FIELD_REQUIRED");
    let password = given(&mut faults, "password", &request.password);
    end(faults, password).map(|password| (fold(&request.name), password))
}

/// The caller's password, once more.
pub(super) fn password(text: &str) -> Result<Password, Error> {
    let mut faults = Faults::default();
    let password = given(&mut faults, "password", text);
    end(faults, password)
}

/// The present password and the next one.
pub(super) fn passwords(
    request: &proto::ChangePasswordRequest,
) -> Result<(Password, Password), Error> {
    let mut faults = Faults::default();
    let present = given(&mut faults, "password", &request.password);
    let next = faults.keep("new_password", Password::chosen(&request.new_password));
    end(faults, present.zip(next))
}

/// A refresh token, whatever it is worth.
pub(super) fn refresh_token(text: &str) -> Result<&str, Error> {
    let mut faults = Faults::default();
    short(&mut faults, "refresh_token", text);
    end(faults, Some(text))
}

/// Client id and secret are there, and of a length to be looked at.
pub(super) fn client(request: &proto::IssueTokenRequest) -> Result<(), Error> {
    let mut faults = Faults::default();
    short(&mut faults, "client_id", &request.client_id);
    short(&mut faults, "client_secret", &request.client_secret);
    faults.check(request.scope.len() <= LONGEST_SECRET, "scope", "SCOPE_NOT_ALLOWED");
    faults.end()
}

/// The id of the request, and the account as it is wished.
pub(super) fn account(request: &proto::PutAccountRequest) -> Result<(Uuid, Wish), Error> {
    let mut faults = Faults::default();
    let request_id = id(&mut faults, "request_id", &request.request_id);
    let name = faults.keep("name", Name::parse(&request.name));
    let shown = account::is_display_name(&request.display_name);
    faults.check(shown, "display_name", "DISPLAY_NAME_MALFORMED");
    let roles = roles(&mut faults, &request.roles);
    let places = places(&mut faults, &request.office_ids, &request.division_codes);
    if let Some(reason) = places.fault(&roles).filter(|_| !roles.is_empty()) {
        faults.push(Violation::new("office_ids", reason));
    }
    let locale = match request.locale.as_str() {
        "" => locale::FIRST,
        text => text,
    };
    faults.check(locale::LOCALES.contains(&locale), "locale", "VALUE_UNKNOWN");
    let email = Some(request.email.as_str()).filter(|email| !email.is_empty());
    faults.check(email.is_none_or(account::is_email), "email", "EMAIL_MALFORMED");
    let password = match request.password.as_str() {
        "" => None,
        text => faults.keep("password", Password::chosen(text)),
    };
    if let (Some(name), Some(password)) = (&name, &password) {
        faults.check(!password.is(name.key()), "password", "PASSWORD_IS_NAME");
    }
    let wish = name.map(|name| Wish {
        name,
        display_name: request.display_name.clone(),
        email: email.map(str::to_owned),
        roles,
        places,
        locale: locale.to_owned(),
        password,
        active: !request.inactive,
    });
    end(faults, wish).map(|wish| (request_id, wish))
}

/// The id of the request, and the agency that is to be added.
pub(super) fn agency(
    request: &proto::CreateAgencyRequest,
    now: Timestamp,
) -> Result<(Uuid, Agency), Error> {
    let mut faults = Faults::default();
    let request_id = id(&mut faults, "request_id", &request.request_id);
    // The services' own tokens have the services' names as their subjects.
    let free = topology::card(&request.client_id).is_none();
    let named = free && agency::is_client_id(&request.client_id);
    faults.check(named, "client_id", "CLIENT_ID_MALFORMED");
    faults.check(agency::is_title(&request.title), "title", "TITLE_MALFORMED");
    faults.check(!request.scopes.is_empty(), "scopes", "FIELD_REQUIRED");
    let mut scopes: Vec<String> = Vec::new();
    for (at, scope) in request.scopes.iter().take(OF_AGENCIES.len() * 2).enumerate() {
        faults.check(agency::may_have(scope), &format!("scopes[{at}]"), "SCOPE_NOT_ALLOWED");
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    let few = request.scopes.len() <= OF_AGENCIES.len() * 2;
    faults.check(few, "scopes", "SCOPE_NOT_ALLOWED");
    let places = places(&mut faults, &request.office_ids, &request.division_codes);
    let placed = !places.is_empty() || !agency::needs_places(&scopes);
    faults.check(placed, "office_ids", "PLACES_MISSING");
    faults.end()?;
    let (client_id, title) = (request.client_id.clone(), request.title.clone());
    Ok((request_id, Agency { client_id, title, scopes, places, active: true, created_at: now }))
}

/// The id of the request, and whose secret is to be another one.
pub(super) fn rotation(request: &proto::RotateSecretRequest) -> Result<(Uuid, String), Error> {
    let mut faults = Faults::default();
    let request_id = id(&mut faults, "request_id", &request.request_id);
    let named = agency::is_client_id(&request.client_id);
    faults.check(named, "client_id", "CLIENT_ID_MALFORMED");
    faults.end()?;
    Ok((request_id, request.client_id.clone()))
}

/// Whose contacts, and why.
pub(super) fn contacts(
    request: &proto::BatchGetContactRequest,
) -> Result<(Vec<Uuid>, String), Error> {
    let mut faults = Faults::default();
    let purpose = request.purpose.trim();
    faults.check(!purpose.is_empty(), "purpose", "FIELD_REQUIRED");
    let plain = purpose.chars().count() <= LONGEST_PURPOSE && !purpose.contains(char::is_control);
    faults.check(plain, "purpose", "PURPOSE_MALFORMED");
    let mut ids = Vec::new();
    if request.account_ids.len() > MOST_CONTACTS {
        faults.push(Violation::new("account_ids", "TOO_MANY_ENTRIES").with("max", MOST_CONTACTS));
    } else {
        for (at, text) in request.account_ids.iter().enumerate() {
            ids.push(id(&mut faults, &format!("account_ids[{at}]"), text));
        }
    }
    faults.end()?;
    Ok((ids, purpose.to_owned()))
}

/// The size of a page.
pub(super) fn page_size(size: i32) -> Result<u32, Error> {
    match u32::try_from(size) {
        Ok(0) => Ok(PAGE),
        Ok(size) => Ok(size.min(LARGEST_PAGE)),
        Err(_) => Err(Error::invalid("page_size", "PAGE_SIZE_NEGATIVE")),
    }
}

/// The token of a page.
pub(super) fn page_token(text: &str) -> Result<&str, Error> {
    if text.len() > LONGEST_PAGE_TOKEN {
        return Err(Error::invalid("page_token", "PAGE_TOKEN_INVALID"));
    }
    Ok(text)
}

/// What was read, if nothing was wrong.
fn end<T>(faults: Faults, read: Option<T>) -> Result<T, Error> {
    faults.end()?;
    read.ok_or_else(|| Error::Invalid(Vec::new()))
}

fn id(faults: &mut Faults, field: &str, text: &str) -> Uuid {
    let id = text.parse::<Uuid>().ok().filter(|id| !id.is_nil());
    faults.check(id.is_some(), field, "UUID_MALFORMED");
    id.unwrap_or_default()
}

fn given(faults: &mut Faults, field: &str, text: &str) -> Option<Password> {
    faults.check(!text.is_empty(), field, "FIELD_REQUIRED");
    faults.keep(field, Password::given(text))
}

fn short(faults: &mut Faults, field: &str, text: &str) {
    faults.check(!text.is_empty(), field, "FIELD_REQUIRED");
    faults.check(text.len() <= LONGEST_SECRET, field, "TEXT_TOO_LONG");
}

/// Roles, each once.
fn roles(faults: &mut Faults, numbers: &[i32]) -> Vec<Role> {
    faults.check(!numbers.is_empty(), "roles", "FIELD_REQUIRED");
    faults.check(numbers.len() <= Role::ALL.len() * 2, "roles", "VALUE_UNKNOWN");
    let mut roles = Vec::new();
    for (at, number) in numbers.iter().take(Role::ALL.len() * 2).enumerate() {
        match role(*number) {
            Some(role) if roles.contains(&role) => {}
            Some(role) => roles.push(role),
            None => faults.push(Violation::new(format!("roles[{at}]"), "VALUE_UNKNOWN")),
        }
    }
    roles
}

fn role(number: i32) -> Option<Role> {
    match proto::Role::try_from(number).ok()? {
        proto::Role::Unspecified => None,
        proto::Role::Citizen => Some(Role::Citizen),
        proto::Role::Clerk => Some(Role::Clerk),
        proto::Role::Supervisor => Some(Role::Supervisor),
        proto::Role::Moderator => Some(Role::Moderator),
        proto::Role::SeniorModerator => Some(Role::SeniorModerator),
        proto::Role::Editor => Some(Role::Editor),
        proto::Role::Administrator => Some(Role::Administrator),
    }
}

fn places(faults: &mut Faults, offices: &[String], divisions: &[String]) -> Places {
    Places {
        offices: each(faults, "office_ids", offices, is_office, "OFFICE_MALFORMED"),
        divisions: each(faults, "division_codes", divisions, is_division, "DIVISION_MALFORMED"),
    }
}

/// Entries of a list, each once.
fn each(
    faults: &mut Faults,
    field: &str,
    entries: &[String],
    right: fn(&str) -> bool,
    reason: &'static str,
) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    if entries.len() > MOST_PLACES {
        faults.push(Violation::new(field, "TOO_MANY_ENTRIES").with("max", MOST_PLACES));
    }
    for (at, entry) in entries.iter().take(MOST_PLACES).enumerate() {
        faults.check(right(entry), &format!("{field}[{at}]"), reason);
        if !read.contains(entry) {
            read.push(entry.clone());
        }
    }
    read
}
