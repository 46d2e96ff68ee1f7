//! The domain's words to answers.

use liuyan_kit::clock::to_proto;
use liuyan_proto::liuyan::identity::v1 as proto;

use crate::{
    app::sessions::Signed,
    domain::{
        access::Role,
        account::{Account, Contact},
        agency::Agency,
    },
};

/// An account as everybody sees it who may: without the address.
pub(super) fn account(account: &Account) -> proto::Account {
    proto::Account {
        account_id: account.account_id.to_string(),
        name: account.name.clone(),
        display_name: account.display_name.clone(),
        roles: account.roles.iter().map(|role| role_of(*role).into()).collect(),
        office_ids: account.places.offices.clone(),
        division_codes: account.places.divisions.clone(),
        locale: account.locale.clone(),
        active: account.active,
        created_at: Some(to_proto(account.created_at)),
        email: String::new(),
    }
}

/// An account as its holder sees it.
pub(super) fn own_account(own: &Account) -> proto::Account {
    proto::Account { email: own.email.clone().unwrap_or_default(), ..account(own) }
}

fn role_of(role: Role) -> proto::Role {
    match role {
        Role::Citizen => proto::Role::Citizen,
        Role::Clerk => proto::Role::Clerk,
        Role::Supervisor => proto::Role::Supervisor,
        Role::Moderator => proto::Role::Moderator,
        Role::SeniorModerator => proto::Role::SeniorModerator,
        Role::Editor => proto::Role::Editor,
        Role::Administrator => proto::Role::Administrator,
    }
}

/// A session's tokens.
pub(super) fn session(signed: Signed) -> proto::Session {
    proto::Session {
        access_token: signed.access_token,
        access_expires_at: Some(to_proto(signed.access_expires_at)),
        refresh_token: signed.refresh_token,
        refresh_expires_at: Some(to_proto(signed.refresh_expires_at)),
    }
}

/// Where somebody can be reached.
pub(super) fn contact(contact: Contact) -> proto::Contact {
    proto::Contact {
        account_id: contact.account_id.to_string(),
        email: contact.email.unwrap_or_default(),
        locale: contact.locale,
    }
}

/// An agency.
pub(super) fn agency(agency: &Agency) -> proto::Agency {
    proto::Agency {
        client_id: agency.client_id.clone(),
        title: agency.title.clone(),
        scopes: agency.scopes.clone(),
        office_ids: agency.places.offices.clone(),
        division_codes: agency.places.divisions.clone(),
        active: agency.active,
        created_at: Some(to_proto(agency.created_at)),
    }
}
