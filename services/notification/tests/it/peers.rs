//! Stand-ins for routing, identity and the feed: they serve what notification asks for, and nothing else.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use liuyan_kit::{messaging::Envelope, testing};
use liuyan_proto::liuyan::{
    common::v1::PublicCase,
    feed::v1::{self as feed, feed_service_server as feed_server},
    identity::v1::{self as identity, identity_service_server as identity_server},
    routing::v1::{
        self as routing, case_service_server as case_server,
        directory_service_server as directory_server,
    },
};
use tonic::{Request, Response, Status, Streaming, service::Routes};
use uuid::Uuid;

/// All of them, in one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peers {
    contacts: Arc<Mutex<HashMap<Uuid, identity::Contact>>>,
    cases: Arc<Mutex<HashMap<Uuid, PublicCase>>>,
    away: Arc<AtomicBool>,
    purposes: Arc<Mutex<Vec<String>>>,
    log: Arc<Mutex<Vec<feed::Event>>>,
    withheld: Arc<Mutex<Vec<String>>>,
    feed_is_late: Arc<AtomicBool>,
}

impl Peers {
    /// Keeps where an account can be reached.
    pub(crate) fn reach(&self, account_id: Uuid, email: &str, locale: &str) {
        let contact = identity::Contact {
            account_id: account_id.to_string(),
            email: email.to_owned(),
            locale: locale.to_owned(),
        };
        self.contacts.lock().unwrap().insert(account_id, contact);
    }

    /// Keeps the public view of a case; takes it back with `None`.
    pub(crate) fn view(&self, case_id: Uuid, case: Option<PublicCase>) {
        let mut cases = self.cases.lock().unwrap();
        match case {
            Some(case) => cases.insert(case_id, case),
            None => cases.remove(&case_id),
        };
    }

    /// Goes away, or comes back.
    pub(crate) fn away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Why addresses were asked for.
    pub(crate) fn purposes(&self) -> Vec<String> {
        self.purposes.lock().unwrap().clone()
    }

    /// The feed records an event; it shows the case as it is when it is asked.
    pub(crate) fn records(&self, said: &Envelope) {
        let mut log = self.log.lock().unwrap();
        let event = feed::Event {
            id: said.event_id.to_string(),
            r#type: said.kind.clone(),
            source: "routing".to_owned(),
            subject: format!("cases/{}", said.subject_id),
            position: log.len() as u64 + 1,
            ..feed::Event::default()
        };
        log.push(event);
    }

    /// An event that the feed recorded, as JSON.
    pub(crate) fn recorded(&self, id: &serde_json::Value) -> serde_json::Value {
        let request = feed::BatchGetEventsRequest {
            event_ids: vec![id.as_str().unwrap().to_owned()],
            read_mask: None,
        };
        let event = self.events(request).unwrap().events.remove(0).event.unwrap();
        serde_json::to_value(liuyan_proto::json::event(&event).unwrap()).unwrap()
    }

    /// The feed has recorded nothing yet, or all.
    pub(crate) fn feed_is_late(&self, late: bool) {
        self.feed_is_late.store(late, Ordering::SeqCst);
    }

    /// The feed will never record an event.
    pub(crate) fn withholds(&self, event_id: Uuid) {
        self.withheld.lock().unwrap().push(event_id.to_string());
    }

    fn events(
        &self,
        request: feed::BatchGetEventsRequest,
    ) -> Result<feed::BatchGetEventsResponse, Status> {
        self.here()?;
        assert!(request.event_ids.len() <= 500);
        if self.feed_is_late.load(Ordering::SeqCst) {
            return Ok(feed::BatchGetEventsResponse::default());
        }
        let (log, cases) = (self.log.lock().unwrap(), self.cases.lock().unwrap());
        let mut withheld = self.withheld.lock().unwrap().clone();
        withheld.retain(|id| request.event_ids.contains(id));
        let asked = log.iter().filter(|event| request.event_ids.contains(&event.id));
        let there = asked.filter(|event| !withheld.contains(&event.id)).map(|event| {
            let case_id = event.subject.strip_prefix("cases/").unwrap().parse().unwrap();
            let case = cases.get(&case_id).cloned();
            let cursor = format!("c{}", event.position);
            feed::EventInLog { event: Some(feed::Event { case, ..event.clone() }), cursor }
        });
        let events = there.collect();
        Ok(feed::BatchGetEventsResponse { events, withheld_event_ids: withheld })
    }

    /// Serves all; gives the address.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let mut routes = Routes::new(case_server::CaseServiceServer::new(self.clone()));
        routes = routes
            .add_service(directory_server::DirectoryServiceServer::new(self.clone()))
            .add_service(identity_server::IdentityServiceServer::new(self.clone()))
            .add_service(feed_server::FeedServiceServer::new(self.clone()));
        testing::stub(routes).await
    }

    fn here(&self) -> Result<(), Status> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(Status::unavailable("away")),
            false => Ok(()),
        }
    }

    fn batch_contacts(
        &self,
        request: identity::BatchGetContactRequest,
    ) -> Result<identity::BatchGetContactResponse, Status> {
        self.here()?;
        assert!(request.account_ids.len() <= 256);
        self.purposes.lock().unwrap().push(request.purpose);
        let contacts = self.contacts.lock().unwrap();
        let ids = request.account_ids.iter().map(|id| id.parse::<Uuid>().unwrap());
        let contacts = ids.filter_map(|id| contacts.get(&id).cloned()).collect();
        Ok(identity::BatchGetContactResponse { contacts })
    }

    fn batch_cases(
        &self,
        request: routing::BatchGetPublicCaseRequest,
    ) -> Result<routing::BatchGetPublicCaseResponse, Status> {
        self.here()?;
        assert!(request.case_ids.len() <= 256);
        let cases = self.cases.lock().unwrap();
        let ids = request.case_ids.iter().map(|id| id.parse::<Uuid>().unwrap());
        let cases = ids.filter_map(|id| cases.get(&id).cloned()).collect();
        Ok(routing::BatchGetPublicCaseResponse { cases })
    }

    fn office(
        &self,
        request: routing::GetOfficeRequest,
    ) -> Result<routing::GetOfficeResponse, Status> {
        self.here()?;
        let title = format!("Office {}", request.office_id);
        let office = routing::Office { office_id: request.office_id, title, ..Default::default() };
        Ok(routing::GetOfficeResponse { office: Some(office), ..Default::default() })
    }
}

/// A service of which one call is answered.
macro_rules! stand_in {
    ($trait:path, $package:ident, $call:ident($request:ident) -> $response:ident by $answer:ident,
     $($other:ident($other_request:ident) -> $other_response:ident),* $(,)?) => {
        #[tonic::async_trait]
        impl $trait for Peers {
            async fn $call(
                &self,
                request: Request<$package::$request>,
            ) -> Result<Response<$package::$response>, Status> {
                self.$answer(request.into_inner()).map(Response::new)
            }

            $(async fn $other(
                &self,
                _: Request<$package::$other_request>,
            ) -> Result<Response<$package::$other_response>, Status> {
                Err(Status::unimplemented("the stand-in does not serve this"))
            })*
        }
    };
}

stand_in!(
    case_server::CaseService, routing,
    batch_get_public_case(BatchGetPublicCaseRequest) -> BatchGetPublicCaseResponse by batch_cases,
    get_case(GetCaseRequest) -> GetCaseResponse,
    issue_attachment_token(IssueAttachmentTokenRequest) -> IssueAttachmentTokenResponse,
    list_cases(ListCasesRequest) -> ListCasesResponse,
    search_cases(SearchCasesRequest) -> SearchCasesResponse,
    accept_case(AcceptCaseRequest) -> AcceptCaseResponse,
    transfer_case(TransferCaseRequest) -> TransferCaseResponse,
    reply_to_case(ReplyToCaseRequest) -> ReplyToCaseResponse,
    close_case(CloseCaseRequest) -> CloseCaseResponse,
    rate_reply(RateReplyRequest) -> RateReplyResponse,
    return_case(ReturnCaseRequest) -> ReturnCaseResponse,
    pause_case(PauseCaseRequest) -> PauseCaseResponse,
    resume_case(ResumeCaseRequest) -> ResumeCaseResponse,
    extend_deadline(ExtendDeadlineRequest) -> ExtendDeadlineResponse,
    invite_helper(InviteHelperRequest) -> InviteHelperResponse,
    correct_reply(CorrectReplyRequest) -> CorrectReplyResponse,
    reopen_case(ReopenCaseRequest) -> ReopenCaseResponse,
    ask_follow_up(AskFollowUpRequest) -> AskFollowUpResponse,
    supervise_case(SuperviseCaseRequest) -> SuperviseCaseResponse,
    list_acts(ListActsRequest) -> ListActsResponse,
    keep_promise(KeepPromiseRequest) -> KeepPromiseResponse,
    check_reply(CheckReplyRequest) -> CheckReplyResponse,
    get_reply_figures(GetReplyFiguresRequest) -> GetReplyFiguresResponse,
    get_rating_figures(GetRatingFiguresRequest) -> GetRatingFiguresResponse,
    list_precedents(ListPrecedentsRequest) -> ListPrecedentsResponse,
    retire_precedent(RetirePrecedentRequest) -> RetirePrecedentResponse,
);

stand_in!(
    directory_server::DirectoryService, routing,
    get_office(GetOfficeRequest) -> GetOfficeResponse by office,
    list_divisions(ListDivisionsRequest) -> ListDivisionsResponse,
    get_division(GetDivisionRequest) -> GetDivisionResponse,
    list_offices(ListOfficesRequest) -> ListOfficesResponse,
    put_division(PutDivisionRequest) -> PutDivisionResponse,
    put_office(PutOfficeRequest) -> PutOfficeResponse,
    list_kinds(ListKindsRequest) -> ListKindsResponse,
    list_domains(ListDomainsRequest) -> ListDomainsResponse,
    get_calendar(GetCalendarRequest) -> GetCalendarResponse,
    compute_deadline(ComputeDeadlineRequest) -> ComputeDeadlineResponse,
    put_calendar(PutCalendarRequest) -> PutCalendarResponse,
    list_terms(ListTermsRequest) -> ListTermsResponse,
    put_term(PutTermRequest) -> PutTermResponse,
    remove_term(RemoveTermRequest) -> RemoveTermResponse,
    list_competences(ListCompetencesRequest) -> ListCompetencesResponse,
    put_competence(PutCompetenceRequest) -> PutCompetenceResponse,
    remove_competence(RemoveCompetenceRequest) -> RemoveCompetenceResponse,
);

stand_in!(
    identity_server::IdentityService, identity,
    batch_get_contact(BatchGetContactRequest) -> BatchGetContactResponse by batch_contacts,
    sign_in(SignInRequest) -> SignInResponse,
    refresh_session(RefreshSessionRequest) -> RefreshSessionResponse,
    sign_out(SignOutRequest) -> SignOutResponse,
    issue_token(IssueTokenRequest) -> IssueTokenResponse,
    get_jwks(GetJwksRequest) -> GetJwksResponse,
    get_account(GetAccountRequest) -> GetAccountResponse,
    change_password(ChangePasswordRequest) -> ChangePasswordResponse,
    erase_account(EraseAccountRequest) -> EraseAccountResponse,
    put_account(PutAccountRequest) -> PutAccountResponse,
    list_accounts(ListAccountsRequest) -> ListAccountsResponse,
    create_agency(CreateAgencyRequest) -> CreateAgencyResponse,
    list_agencies(ListAgenciesRequest) -> ListAgenciesResponse,
    rotate_secret(RotateSecretRequest) -> RotateSecretResponse,
);

macro_rules! feed_stand_in {
    ($($other:ident($other_request:ident) -> $other_response:ident),* $(,)?) => {
        #[tonic::async_trait]
        impl feed_server::FeedService for Peers {
            type WatchEventsStream = Nothing<feed::WatchEventsResponse>;
            type ConsumeEventsStream = Nothing<feed::ConsumeEventsResponse>;

            async fn batch_get_events(
                &self,
                request: Request<feed::BatchGetEventsRequest>,
            ) -> Result<Response<feed::BatchGetEventsResponse>, Status> {
                self.events(request.into_inner()).map(Response::new)
            }

            async fn watch_events(
                &self,
                _: Request<feed::WatchEventsRequest>,
            ) -> Result<Response<Self::WatchEventsStream>, Status> {
                Err(Status::unimplemented("the stand-in has no streams"))
            }

            async fn consume_events(
                &self,
                _: Request<Streaming<feed::ConsumeEventsRequest>>,
            ) -> Result<Response<Self::ConsumeEventsStream>, Status> {
                Err(Status::unimplemented("the stand-in has no streams"))
            }

            $(async fn $other(
                &self,
                _: Request<feed::$other_request>,
            ) -> Result<Response<feed::$other_response>, Status> {
                Err(Status::unimplemented("the stand-in does not serve this"))
            })*
        }
    };
}

type Nothing<T> = futures::stream::Empty<Result<T, Status>>;

feed_stand_in!(
    get_feed(GetFeedRequest) -> GetFeedResponse,
    list_events(ListEventsRequest) -> ListEventsResponse,
    create_subscription(CreateSubscriptionRequest) -> CreateSubscriptionResponse,
    get_subscription(GetSubscriptionRequest) -> GetSubscriptionResponse,
    list_subscriptions(ListSubscriptionsRequest) -> ListSubscriptionsResponse,
    update_subscription(UpdateSubscriptionRequest) -> UpdateSubscriptionResponse,
    delete_subscription(DeleteSubscriptionRequest) -> DeleteSubscriptionResponse,
    commit_cursor(CommitCursorRequest) -> CommitCursorResponse,
    seek_subscription(SeekSubscriptionRequest) -> SeekSubscriptionResponse,
    list_parked_events(ListParkedEventsRequest) -> ListParkedEventsResponse,
    release_parked_events(ReleaseParkedEventsRequest) -> ReleaseParkedEventsResponse,
    publish_test_event(PublishTestEventRequest) -> PublishTestEventResponse,
);
