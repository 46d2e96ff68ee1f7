//! The other services, and how they are called.

use std::{net::IpAddr, time::Duration};

use liuyan_kit::{
    config,
    grpc::{CLIENT_ADDRESS, Channel},
    host::Host,
};
use liuyan_proto::liuyan::{
    feed::v1::feed_service_client::FeedServiceClient,
    identity::v1::identity_service_client::IdentityServiceClient,
    intake::v1::{
        column_service_client::ColumnServiceClient, intake_service_client::IntakeServiceClient,
    },
    moderation::v1::review_service_client::ReviewServiceClient,
    notification::v1::subscription_service_client::SubscriptionServiceClient,
    routing::v1::{
        case_service_client::CaseServiceClient,
        common_problem_service_client::CommonProblemServiceClient,
        consultation_service_client::ConsultationServiceClient,
        directory_service_client::DirectoryServiceClient,
        model_case_service_client::ModelCaseServiceClient,
        suggestion_service_client::SuggestionServiceClient,
    },
    stats::v1::stats_service_client::StatsServiceClient,
};
use tonic::metadata::MetadataValue;

use crate::web::NOBODY;

/// The largest answer that is read.
const LARGEST: usize = 16 * 1024 * 1024;

/// Clients of all services. Cheap to clone; a client is made for each call.
#[derive(Debug, Clone)]
pub(crate) struct Backends {
    intake: Channel,
    moderation: Channel,
    routing: Channel,
    notification: Channel,
    stats: Channel,
    feed: Channel,
    identity: Channel,
    limit: Duration,
}

/// Makes the function that gives a client of one service.
macro_rules! client {
    ($(#[$doc:meta])* $name:ident, $channel:ident, $client:ident) => {
        $(#[$doc])*
        pub(crate) fn $name(&self) -> $client<Channel> {
            $client::new(self.$channel.clone()).max_decoding_message_size(LARGEST)
        }
    };
}

impl Backends {
    /// Finds the peers in the configuration. They are connected to when they are called.
    pub(crate) fn new(host: &Host, limit: Duration) -> Result<Self, config::Error> {
        Ok(Self {
            intake: host.channel("intake")?,
            moderation: host.channel("moderation")?,
            routing: host.channel("routing")?,
            notification: host.channel("notification")?,
            stats: host.channel("stats")?,
            feed: host.channel("feed")?,
            identity: host.channel("identity")?,
            limit,
        })
    }

    client!(
        /// Messages and their authors.
        intake, intake, IntakeServiceClient);
    client!(
        /// Partners' columns.
        columns, intake, ColumnServiceClient);
    client!(
        /// Reviews.
        reviews, moderation, ReviewServiceClient);
    client!(
        /// Divisions, offices, code lists.
        directory, routing, DirectoryServiceClient);
    client!(
        /// Where texts belong, and cases like others.
        suggestions, routing, SuggestionServiceClient);
    client!(
        /// Cases.
        cases, routing, CaseServiceClient);
    client!(
        /// What offices ask the public.
        consultations, routing, ConsultationServiceClient);
    client!(
        /// Common problems.
        problems, routing, CommonProblemServiceClient);
    client!(
        /// Cases that are shown as handled well.
        model_cases, routing, ModelCaseServiceClient);
    client!(
        /// Notices.
        subscriptions, notification, SubscriptionServiceClient);
    client!(
        /// Figures.
        stats, stats, StatsServiceClient);
    client!(
        /// The public log.
        feed, feed, FeedServiceClient);
    client!(
        /// Accounts.
        identity, identity, IdentityServiceClient);

    /// The same, with the visitor's address: somebody unknown is limited by it. With a person's token
    /// no service believes it, since that person can send any: from where those come who are signed in
    /// is counted here; see `api::ask` and `web::forms`.
    pub(crate) fn request_from<M>(
        &self,
        client: IpAddr,
        message: M,
        locale: &str,
        token: Option<&str>,
    ) -> tonic::Request<M> {
        let mut request = self.request(message, locale, token);
        if token.is_none()
            && client != NOBODY
            && let Ok(address) = MetadataValue::try_from(client.to_string())
        {
            request.metadata_mut().insert(CLIENT_ADDRESS, address);
        }
        request
    }

    /// A request with deadline and language, in somebody's name if `token` is given and in the
    /// portal's own otherwise. The trace is added by the channel.
    pub(crate) fn request<M>(
        &self,
        message: M,
        locale: &str,
        token: Option<&str>,
    ) -> tonic::Request<M> {
        let mut request = tonic::Request::new(message);
        request.set_timeout(self.limit);
        if let Ok(locale) = MetadataValue::try_from(locale) {
            request.metadata_mut().insert("accept-language", locale);
        }
        if let Some(token) = token {
            // A token that no header can hold is no token: the call is refused as it should be.
            let mut bearer = MetadataValue::try_from(format!("Bearer {token}"))
                .unwrap_or_else(|_| MetadataValue::from_static("Bearer -"));
            bearer.set_sensitive(true);
            request.metadata_mut().insert("authorization", bearer);
        }
        request
    }
}
