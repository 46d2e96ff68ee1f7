//! Requests in, answers out: contracts to domain to use cases and back.

mod convert;
mod parse;
mod who;

use std::sync::Arc;

use liuyan_kit::{auth::Caller, locale::Words};
use liuyan_proto::liuyan::notification::v1::{
    self as proto, subscription_service_server::SubscriptionService,
};
use prost::Message;
use tonic::{Request, Response, Status};

use crate::{
    app::{App, Call, looking::Question},
    error::Error,
    letters,
};

/// Serves `SubscriptionService`.
pub struct Grpc {
    app: Arc<App>,
    words: Words,
}

impl Grpc {
    /// Serves the use cases of `app`.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, words: letters::words() }
    }

    /// Tells an error to the caller, in the caller's language.
    fn answer<T>(&self, caller: &Caller, result: Result<T, Error>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
    }

    /// A write that its caller may repeat.
    fn call(&self, caller: &Caller, rpc: &str, id: uuid::Uuid, request: &impl Message) -> Call {
        Call {
            caller: who::name(caller),
            request_id: id,
            body_index: self.app.vault.request_index(rpc, &request.encode_to_vec()),
        }
    }

    async fn notices(
        &self,
        caller: &Caller,
        request: proto::ListNoticesRequest,
    ) -> Result<proto::ListNoticesResponse, Error> {
        let reader = who::reader(caller)?;
        let size = parse::size(request.page_size, 20, 100)?;
        let (unread_only, token) = (request.unread_only, request.page_token);
        let page = self.app.notices(&reader, &caller.locale, unread_only, size, &token).await?;
        Ok(proto::ListNoticesResponse {
            notices: page.notices.into_iter().map(convert::notice).collect(),
            unread: page.unread,
            next_page_token: page.next,
        })
    }

    async fn mark_read(
        &self,
        caller: &Caller,
        request: proto::MarkNoticesReadRequest,
    ) -> Result<proto::MarkNoticesReadResponse, Error> {
        let reader = who::reader(caller)?;
        let ids = parse::notice_ids(&request.notice_ids)?;
        let unread = self.app.mark_read(reader, ids).await?;
        Ok(proto::MarkNoticesReadResponse { unread })
    }

    async fn create(
        &self,
        caller: &Caller,
        request: proto::CreateEndpointRequest,
    ) -> Result<proto::CreateEndpointResponse, Error> {
        let holder = who::holder(caller, &request.message_id)?;
        let (id, wish) = parse::registration(&request, holder, caller, &self.app.caller)?;
        let call = self.call(caller, "CreateEndpoint", id, &request);
        let (seen, signing_secret) = self.app.register(call, wish).await?;
        Ok(proto::CreateEndpointResponse {
            endpoint: Some(convert::endpoint(seen)),
            signing_secret,
        })
    }

    async fn verify(
        &self,
        request: proto::VerifyEndpointRequest,
    ) -> Result<proto::VerifyEndpointResponse, Error> {
        let endpoint_id = parse::id("endpoint_id", &request.endpoint_id)?;
        let seen = self.app.verify(endpoint_id, &request.code).await?;
        Ok(proto::VerifyEndpointResponse { endpoint: Some(convert::endpoint(seen)) })
    }

    async fn list(
        &self,
        caller: &Caller,
        request: proto::ListEndpointsRequest,
    ) -> Result<proto::ListEndpointsResponse, Error> {
        let holder = who::holder(caller, &request.message_id)?;
        let endpoints = self.app.endpoints_of(&holder).await?;
        let endpoints = endpoints.into_iter().map(convert::endpoint).collect();
        Ok(proto::ListEndpointsResponse { endpoints })
    }

    async fn delete(
        &self,
        caller: &Caller,
        request: proto::DeleteEndpointRequest,
    ) -> Result<proto::DeleteEndpointResponse, Error> {
        let endpoint_id = parse::id("endpoint_id", &request.endpoint_id)?;
        let caller = caller.clone();
        self.app.remove(endpoint_id, move |holder| who::is(&caller, holder)).await?;
        Ok(proto::DeleteEndpointResponse {})
    }

    async fn prefer(
        &self,
        caller: &Caller,
        request: proto::UpdatePreferencesRequest,
    ) -> Result<proto::UpdatePreferencesResponse, Error> {
        let account_id = who::account(caller).ok_or(Error::NobodyToTell)?;
        let wish = parse::preferences(request.preferences)?;
        let preferences = convert::preferences(self.app.prefer(account_id, wish).await?);
        Ok(proto::UpdatePreferencesResponse { preferences: Some(preferences) })
    }

    async fn deliveries(
        &self,
        caller: &Caller,
        request: proto::ListDeliveriesRequest,
    ) -> Result<proto::ListDeliveriesResponse, Error> {
        let holder = match who::manages(caller) {
            true => None,
            false => Some(who::holder(caller, "")?),
        };
        let (endpoint_id, state, size) = parse::deliveries(&request)?;
        let question = Question { holder, endpoint_id, state, size };
        let (found, next_page_token) = self.app.deliveries(&question, &request.page_token).await?;
        let deliveries = found.into_iter().map(convert::delivery).collect();
        Ok(proto::ListDeliveriesResponse { deliveries, next_page_token })
    }

    async fn redeliver(
        &self,
        caller: &Caller,
        request: proto::RedeliverDeliveryRequest,
    ) -> Result<proto::RedeliverDeliveryResponse, Error> {
        let holder = match who::manages(caller) {
            true => None,
            false => Some(who::agency(caller).ok_or(Error::NobodyToTell)?),
        };
        let (request_id, delivery_id) = parse::redelivery(&request)?;
        let call = self.call(caller, "RedeliverDelivery", request_id, &request);
        let delivery = self.app.redeliver(call, delivery_id, holder).await?;
        Ok(proto::RedeliverDeliveryResponse { delivery: Some(convert::delivery(delivery)) })
    }
}

#[tonic::async_trait]
impl SubscriptionService for Grpc {
    async fn list_notices(
        &self,
        request: Request<proto::ListNoticesRequest>,
    ) -> Result<Response<proto::ListNoticesResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.notices(&caller, request.into_inner()).await)
    }

    async fn mark_notices_read(
        &self,
        request: Request<proto::MarkNoticesReadRequest>,
    ) -> Result<Response<proto::MarkNoticesReadResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.mark_read(&caller, request.into_inner()).await)
    }

    async fn create_endpoint(
        &self,
        request: Request<proto::CreateEndpointRequest>,
    ) -> Result<Response<proto::CreateEndpointResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.create(&caller, request.into_inner()).await)
    }

    async fn verify_endpoint(
        &self,
        request: Request<proto::VerifyEndpointRequest>,
    ) -> Result<Response<proto::VerifyEndpointResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.verify(request.into_inner()).await)
    }

    async fn list_endpoints(
        &self,
        request: Request<proto::ListEndpointsRequest>,
    ) -> Result<Response<proto::ListEndpointsResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.list(&caller, request.into_inner()).await)
    }

    async fn delete_endpoint(
        &self,
        request: Request<proto::DeleteEndpointRequest>,
    ) -> Result<Response<proto::DeleteEndpointResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.delete(&caller, request.into_inner()).await)
    }

    async fn get_preferences(
        &self,
        request: Request<proto::GetPreferencesRequest>,
    ) -> Result<Response<proto::GetPreferencesResponse>, Status> {
        let caller = Caller::of(&request);
        let preferences = async {
            let account_id = who::account(&caller).ok_or(Error::NobodyToTell)?;
            let preferences = convert::preferences(self.app.preferences(account_id).await?);
            Ok(proto::GetPreferencesResponse { preferences: Some(preferences) })
        };
        self.answer(&caller, preferences.await)
    }

    async fn update_preferences(
        &self,
        request: Request<proto::UpdatePreferencesRequest>,
    ) -> Result<Response<proto::UpdatePreferencesResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.prefer(&caller, request.into_inner()).await)
    }

    async fn list_deliveries(
        &self,
        request: Request<proto::ListDeliveriesRequest>,
    ) -> Result<Response<proto::ListDeliveriesResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.deliveries(&caller, request.into_inner()).await)
    }

    async fn redeliver_delivery(
        &self,
        request: Request<proto::RedeliverDeliveryRequest>,
    ) -> Result<Response<proto::RedeliverDeliveryResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.redeliver(&caller, request.into_inner()).await)
    }
}
