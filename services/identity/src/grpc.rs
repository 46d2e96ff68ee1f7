//! Requests in, answers out: contracts to domain to use cases and back.

mod convert;
mod parse;

use std::sync::Arc;

use liuyan_kit::{auth::Caller, clock::to_proto, locale::Words};
use liuyan_proto::liuyan::identity::v1::{self as proto, identity_service_server::IdentityService};
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    app::{App, Call},
    domain::{access, jwks, origin::Origin},
    error::Error,
};

/// Serves `IdentityService`.
pub struct Grpc {
    app: Arc<App>,
    words: Words,
    jwks: String,
}

impl Grpc {
    /// Serves the use cases of `app`.
    pub fn new(app: Arc<App>) -> Self {
        let words = Words::new(&[
            ("zh-CN", include_str!("../locales/zh-CN.ftl")),
            ("en", include_str!("../locales/en.ftl")),
        ]);
        let jwks = jwks::set(&app.signer.public_key());
        Self { app, words, jwks }
    }

    /// Tells an error to the caller, in the caller's language.
    fn answer<T>(&self, caller: &Caller, result: Result<T, Error>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
    }

    /// The caller's own account. A token that this service did not sign is nobody's, whatever it
    /// says; the subject of an agency's is no UUID.
    fn own(&self, caller: &Caller) -> Result<Uuid, Error> {
        let ours = caller.issuer == self.app.signer.issuer();
        let id = caller.subject.parse::<Uuid>().ok().filter(|_| ours);
        id.ok_or(Error::NotAnAccount)
    }

    /// A write that its caller may repeat.
    fn call(&self, caller: &Caller, rpc: &str, request: &impl Message, request_id: Uuid) -> Call {
        let body_hash = self.app.vault.body_hash(rpc, &request.encode_to_vec());
        Call { caller: name(caller), request_id, body_hash }
    }

    async fn put(
        &self,
        caller: &Caller,
        request: proto::PutAccountRequest,
    ) -> Result<proto::PutAccountResponse, Error> {
        let (request_id, wish) = parse::account(&request)?;
        let call = self.call(caller, "PutAccount", &request, request_id);
        let answer = self.app.put_account(call, wish, |account| {
            let account = Some(convert::account(account));
            proto::PutAccountResponse { account }.encode_to_vec()
        });
        decode(&answer.await?)
    }

    async fn create(
        &self,
        caller: &Caller,
        request: proto::CreateAgencyRequest,
    ) -> Result<proto::CreateAgencyResponse, Error> {
        let (request_id, agency) = parse::agency(&request, self.app.clock.now())?;
        let call = self.call(caller, "CreateAgency", &request, request_id);
        let answer = self.app.create_agency(call, agency, |agency, secret| {
            let agency = Some(convert::agency(agency));
            let client_secret = secret.to_owned();
            proto::CreateAgencyResponse { agency, client_secret }.encode_to_vec()
        });
        decode(&answer.await?)
    }

    async fn rotate(
        &self,
        caller: &Caller,
        request: proto::RotateSecretRequest,
    ) -> Result<proto::RotateSecretResponse, Error> {
        let (request_id, client_id) = parse::rotation(&request)?;
        let call = self.call(caller, "RotateSecret", &request, request_id);
        let answer = self.app.rotate_secret(call, client_id, |secret, until| {
            let (client_secret, until) = (secret.to_owned(), Some(to_proto(until)));
            proto::RotateSecretResponse { client_secret, old_valid_until: until }.encode_to_vec()
        });
        decode(&answer.await?)
    }

    async fn issue(
        &self,
        request: proto::IssueTokenRequest,
    ) -> Result<proto::IssueTokenResponse, Error> {
        parse::client(&request)?;
        let proto::IssueTokenRequest { client_id, client_secret, scope } = &request;
        let issued = self.app.issue_token(client_id, client_secret, scope).await?;
        Ok(proto::IssueTokenResponse {
            access_token: issued.access_token,
            expires_in_seconds: u32::try_from(issued.lifetime.as_secs()).unwrap_or(u32::MAX),
            scope: issued.scopes.join(" "),
        })
    }
}

/// Who calls, as it is stored: two issuers may use one subject.
fn name(caller: &Caller) -> String {
    format!("{}/{}", caller.issuer, caller.subject)
}

fn decode<T: Message + Default>(answer: &[u8]) -> Result<T, Error> {
    T::decode(answer).map_err(Error::bad)
}

#[tonic::async_trait]
impl IdentityService for Grpc {
    async fn sign_in(
        &self,
        request: Request<proto::SignInRequest>,
    ) -> Result<Response<proto::SignInResponse>, Status> {
        let caller = Caller::of(&request);
        let signed = async {
            let (name_key, password) = parse::sign_in(request.get_ref())?;
            let origin = Origin::of(parse::address(&caller, request.metadata()));
            let signed = self.app.sign_in(name_key, password, origin).await?;
            let account = Some(convert::account(&signed.account));
            Ok(proto::SignInResponse { session: Some(convert::session(signed)), account })
        };
        self.answer(&caller, signed.await)
    }

    async fn refresh_session(
        &self,
        request: Request<proto::RefreshSessionRequest>,
    ) -> Result<Response<proto::RefreshSessionResponse>, Status> {
        let caller = Caller::of(&request);
        let signed = async {
            let token = parse::refresh_token(&request.get_ref().refresh_token)?;
            let signed = self.app.refresh(token).await?;
            let account = Some(convert::account(&signed.account));
            Ok(proto::RefreshSessionResponse { session: Some(convert::session(signed)), account })
        };
        self.answer(&caller, signed.await)
    }

    async fn sign_out(
        &self,
        request: Request<proto::SignOutRequest>,
    ) -> Result<Response<proto::SignOutResponse>, Status> {
        let caller = Caller::of(&request);
        let ended = async {
            let token = parse::refresh_token(&request.get_ref().refresh_token)?;
            self.app.sign_out(token).await?;
            Ok(proto::SignOutResponse {})
        };
        self.answer(&caller, ended.await)
    }

    async fn issue_token(
        &self,
        request: Request<proto::IssueTokenRequest>,
    ) -> Result<Response<proto::IssueTokenResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.issue(request.into_inner()).await)
    }

    async fn get_jwks(
        &self,
        _: Request<proto::GetJwksRequest>,
    ) -> Result<Response<proto::GetJwksResponse>, Status> {
        Ok(Response::new(proto::GetJwksResponse { jwks: self.jwks.clone() }))
    }

    async fn get_account(
        &self,
        request: Request<proto::GetAccountRequest>,
    ) -> Result<Response<proto::GetAccountResponse>, Status> {
        let caller = Caller::of(&request);
        let found = async {
            let account = self.app.own_account(self.own(&caller)?).await?;
            Ok(proto::GetAccountResponse { account: Some(convert::own_account(&account)) })
        };
        self.answer(&caller, found.await)
    }

    async fn change_password(
        &self,
        request: Request<proto::ChangePasswordRequest>,
    ) -> Result<Response<proto::ChangePasswordResponse>, Status> {
        let caller = Caller::of(&request);
        let changed = async {
            let own = self.own(&caller)?;
            let (given, chosen) = parse::passwords(request.get_ref())?;
            let session = access::session_of(&caller.scopes);
            self.app.change_password(own, session, given, chosen).await?;
            Ok(proto::ChangePasswordResponse {})
        };
        self.answer(&caller, changed.await)
    }

    async fn erase_account(
        &self,
        request: Request<proto::EraseAccountRequest>,
    ) -> Result<Response<proto::EraseAccountResponse>, Status> {
        let caller = Caller::of(&request);
        let erased = async {
            let own = self.own(&caller)?;
            let given = parse::password(&request.get_ref().password)?;
            self.app.erase_account(own, given).await?;
            Ok(proto::EraseAccountResponse {})
        };
        self.answer(&caller, erased.await)
    }

    async fn put_account(
        &self,
        request: Request<proto::PutAccountRequest>,
    ) -> Result<Response<proto::PutAccountResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.put(&caller, request.into_inner()).await)
    }

    async fn list_accounts(
        &self,
        request: Request<proto::ListAccountsRequest>,
    ) -> Result<Response<proto::ListAccountsResponse>, Status> {
        let caller = Caller::of(&request);
        let listed = async {
            let request = request.get_ref();
            let size = parse::page_size(request.page_size)?;
            let token = parse::page_token(&request.page_token)?;
            let (accounts, next_page_token) =
                self.app.list_accounts(name(&caller), size, token).await?;
            let accounts = accounts.iter().map(convert::account).collect();
            Ok(proto::ListAccountsResponse { accounts, next_page_token })
        };
        self.answer(&caller, listed.await)
    }

    async fn batch_get_contact(
        &self,
        request: Request<proto::BatchGetContactRequest>,
    ) -> Result<Response<proto::BatchGetContactResponse>, Status> {
        let caller = Caller::of(&request);
        let found = async {
            let (ids, purpose) = parse::contacts(request.get_ref())?;
            let contacts = self.app.contacts(name(&caller), ids, purpose).await?;
            let contacts = contacts.into_iter().map(convert::contact).collect();
            Ok(proto::BatchGetContactResponse { contacts })
        };
        self.answer(&caller, found.await)
    }

    async fn create_agency(
        &self,
        request: Request<proto::CreateAgencyRequest>,
    ) -> Result<Response<proto::CreateAgencyResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.create(&caller, request.into_inner()).await)
    }

    async fn list_agencies(
        &self,
        request: Request<proto::ListAgenciesRequest>,
    ) -> Result<Response<proto::ListAgenciesResponse>, Status> {
        let caller = Caller::of(&request);
        let listed = async {
            let request = request.get_ref();
            let size = parse::page_size(request.page_size)?;
            let token = parse::page_token(&request.page_token)?;
            let (agencies, next_page_token) = self.app.list_agencies(size, token).await?;
            let agencies = agencies.iter().map(convert::agency).collect();
            Ok(proto::ListAgenciesResponse { agencies, next_page_token })
        };
        self.answer(&caller, listed.await)
    }

    async fn rotate_secret(
        &self,
        request: Request<proto::RotateSecretRequest>,
    ) -> Result<Response<proto::RotateSecretResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.rotate(&caller, request.into_inner()).await)
    }
}

#[cfg(test)]
mod tests {
    use liuyan_kit::locale::Words;

    #[test]
    fn every_text_is_there_in_both_languages() {
        let words = Words::new(&[
            ("zh-CN", include_str!("../locales/zh-CN.ftl")),
            ("en", include_str!("../locales/en.ftl")),
        ]);
        assert_eq!(words.faults(), Vec::<String>::new());
    }
}
