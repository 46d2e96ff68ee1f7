//! What somebody changes about their account.

use axum::{Form, extract::Path, response::Response};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    identity::v1::ChangePasswordRequest,
    notification::v1::{
        CreateEndpointRequest, DeleteEndpointRequest, EndpointChannel, GetPreferencesRequest,
        MarkNoticesReadRequest, Preferences, UpdatePreferencesRequest, VerifyEndpointRequest,
    },
};
use serde::Deserialize;

use super::{Faults, Typed, render};
use crate::{error::Error, page::see, visit::Visit};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Passwords {
    password: String,
    new_password: String,
    new_password_again: String,
}

pub(super) async fn change_password(
    v: Visit,
    Form(wish): Form<Passwords>,
) -> Result<Response, Error> {
    v.signed_in()?;
    if wish.new_password != wish.new_password_again {
        let text = v.t("password-differs");
        let mut f = Faults::whole(text.clone());
        f.fields.push(("new_password_again".to_owned(), text));
        return refused(v, Typed::default(), f, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let (password, new_password) = (wish.password, wish.new_password);
    let request = v.call(ChangePasswordRequest { password, new_password });
    if let Err(status) = v.app().backend.identity().change_password(request).await {
        let error = Error::from(status);
        let mut f = Faults::of(&error, v.locale(), str::to_owned);
        if error.is("PASSWORD_WRONG") {
            f.fields.push(("password".to_owned(), error.text(v.locale())));
        }
        return failed(v, Typed::default(), f, error).await;
    }
    v.notify("password-changed");
    Ok(see("/account"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Read {
    /// Empty for all.
    notice: String,
}

pub(super) async fn mark_read(v: Visit, Form(wish): Form<Read>) -> Result<Response, Error> {
    let account_id = v.signed_in()?.account_id.clone();
    let ids = Some(wish.notice).filter(|id| !id.is_empty());
    let request = v.call(MarkNoticesReadRequest { notice_ids: ids.into_iter().collect() });
    let answer = v.app().backend.subscriptions().mark_notices_read(request).await?.into_inner();
    v.app().unread.set(&account_id, answer.unread);
    Ok(see("/account#notices"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    email: String,
}

/// The types of events that somebody wants no mail of stay as they are.
pub(super) async fn prefer(v: Visit, Form(wish): Form<Wanted>) -> Result<Response, Error> {
    v.signed_in()?;
    let mut client = v.app().backend.subscriptions();
    let known = client.get_preferences(v.call(GetPreferencesRequest {})).await?.into_inner();
    let known = known.preferences.unwrap_or_default();
    let preferences = Some(Preferences { email: !wish.email.is_empty(), ..known });
    client.update_preferences(v.call(UpdatePreferencesRequest { preferences })).await?;
    v.notify("preferences-kept");
    Ok(see("/account#mail"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewEndpoint {
    address: String,
    request_id: String,
}

pub(super) async fn add(v: Visit, Form(wish): Form<NewEndpoint>) -> Result<Response, Error> {
    v.signed_in()?;
    let request = v.call(CreateEndpointRequest {
        channel: EndpointChannel::Email.into(),
        address: wish.address.trim().to_owned(),
        request_id: wish.request_id,
        ..CreateEndpointRequest::default()
    });
    if let Err(status) = v.app().backend.subscriptions().create_endpoint(request).await {
        let error = Error::from(status);
        let f = Faults::of(&error, v.locale(), str::to_owned);
        return failed(v, Typed { address: wish.address, ..Typed::default() }, f, error).await;
    }
    v.notify("endpoint-added");
    Ok(see("/account#mail"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Code {
    code: String,
}

pub(super) async fn verify(
    v: Visit,
    Path(endpoint_id): Path<String>,
    Form(wish): Form<Code>,
) -> Result<Response, Error> {
    v.signed_in()?;
    let code = wish.code.trim().to_owned();
    let request = VerifyEndpointRequest { endpoint_id: endpoint_id.clone(), code };
    if let Err(status) = v.app().backend.subscriptions().verify_endpoint(v.call(request)).await {
        let error = Error::from(status);
        let f = Faults::of(&error, v.locale(), str::to_owned);
        return failed(v, Typed { code: wish.code, endpoint_id, ..Typed::default() }, f, error)
            .await;
    }
    v.notify("endpoint-verified");
    Ok(see("/account#mail"))
}

pub(super) async fn delete(v: Visit, Path(endpoint_id): Path<String>) -> Result<Response, Error> {
    v.signed_in()?;
    let request = v.call(DeleteEndpointRequest { endpoint_id });
    match v.app().backend.subscriptions().delete_endpoint(request).await.map_err(Error::from) {
        // Pressed twice: it is gone, which is what was wanted.
        Err(error) if error.class() != Class::NotFound => Err(error),
        Ok(_) | Err(_) => {
            v.notify("endpoint-deleted");
            Ok(see("/account#mail"))
        }
    }
}

/// The page once more with what is wrong; a session that has ended leads to the sign-in.
async fn failed(v: Visit, typed: Typed, f: Faults, error: Error) -> Result<Response, Error> {
    let status = match error.class() {
        Class::Unauthenticated => return Err(error),
        Class::Invalid | Class::Denied => StatusCode::UNPROCESSABLE_ENTITY,
        _ => error.status(),
    };
    refused(v, typed, f, status).await
}

async fn refused(v: Visit, typed: Typed, f: Faults, status: StatusCode) -> Result<Response, Error> {
    render(v, String::new(), typed, f, status).await
}
