//! Tokens that end while a stream is open.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use liuyan_feed_client::{Credentials, Feed, Settings, Watch, What};
use liuyan_proto::liuyan::identity::v1::{
    self as identity, IssueTokenRequest, IssueTokenResponse,
    identity_service_server::{IdentityService, IdentityServiceServer},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::double::{Double, Turn, batch, opened};

/// Gives another token each time: `t1`, `t2` …, good for so many seconds.
#[derive(Clone)]
struct Identity {
    issued: Arc<AtomicU32>,
    good_for: u32,
}

impl Identity {
    async fn serve(good_for: u32) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = IdentityServiceServer::new(Self { issued: Arc::default(), good_for });
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        format!("http://{address}")
    }
}

macro_rules! tokens_alone {
    ($($name:ident: $request:ident => $response:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl IdentityService for Identity {
            async fn issue_token(
                &self,
                request: Request<IssueTokenRequest>,
            ) -> Result<Response<IssueTokenResponse>, Status> {
                assert_eq!(request.get_ref().client_secret, "secret");
                let access_token = format!("t{}", self.issued.fetch_add(1, Ordering::SeqCst) + 1);
                Ok(Response::new(IssueTokenResponse {
                    access_token,
                    expires_in_seconds: self.good_for,
                    ..IssueTokenResponse::default()
                }))
            }

            $(async fn $name(
                &self,
                _: Request<identity::$request>,
            ) -> Result<Response<identity::$response>, Status> {
                Err(Status::unimplemented("tokens alone"))
            })+
        }
    };
}

tokens_alone! {
    sign_in: SignInRequest => SignInResponse,
    refresh_session: RefreshSessionRequest => RefreshSessionResponse,
    sign_out: SignOutRequest => SignOutResponse,
    get_jwks: GetJwksRequest => GetJwksResponse,
    get_account: GetAccountRequest => GetAccountResponse,
    change_password: ChangePasswordRequest => ChangePasswordResponse,
    erase_account: EraseAccountRequest => EraseAccountResponse,
    put_account: PutAccountRequest => PutAccountResponse,
    list_accounts: ListAccountsRequest => ListAccountsResponse,
    batch_get_contact: BatchGetContactRequest => BatchGetContactResponse,
    create_agency: CreateAgencyRequest => CreateAgencyResponse,
    list_agencies: ListAgenciesRequest => ListAgenciesResponse,
    rotate_secret: RotateSecretRequest => RotateSecretResponse,
}

/// The positions of the first so many events, and what was told between them.
async fn follow(endpoint: String, identity: String, events: usize) -> (Vec<u64>, Vec<What>) {
    let settings = Settings::new(endpoint).with(Credentials::Agency {
        identity,
        client_id: "agency".to_owned(),
        client_secret: "secret".to_owned(),
    });
    let mut watcher = Feed::new(&settings).unwrap().watch(Watch::default()).unwrap();
    let (mut positions, mut told) = (Vec::new(), Vec::new());
    while positions.len() < events {
        let step = tokio::time::timeout(Duration::from_secs(10), watcher.next()).await;
        let step = step.expect("a step comes soon").unwrap().unwrap();
        positions.extend(step.events().iter().map(|event| event.position));
        watcher.commit().await.unwrap();
        if step.events().is_empty() {
            told.push(step.what);
        }
    }
    (positions, told)
}

#[tokio::test]
async fn a_token_that_ends_mid_stream_is_renewed_and_nothing_is_lost_or_doubled() {
    let details = ErrorDetails::with_error_info("CREDENTIAL_EXPIRED", "liuyan", []);
    let expired = Status::with_error_details(Code::Unauthenticated, "said", details);
    let (double, endpoint) = Double::at([
        Turn::Frames(vec![Ok(opened(0)), Ok(batch(1..=2)), Ok(batch(3..=3)), Err(expired.clone())]),
        // The new one is refused at once, as when the clocks differ; then some comes again.
        Turn::Refuse(expired),
        Turn::Silence(vec![opened(3), batch(3..=4), batch(5..=5)]),
    ])
    .await;
    let (positions, told) = follow(endpoint, Identity::serve(3_600).await, 5).await;
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    let broken = told.iter().filter(|what| matches!(what, What::Broken { .. })).count();
    assert_eq!(broken, 2, "each is told: {told:?}");
    assert_eq!(double.tokens(), ["Bearer t1", "Bearer t2", "Bearer t3"]);
    assert_eq!(double.starts(), ["Some(Earliest(true))", "c3", "c3"]);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let (double, endpoint) = Double::at([
        Turn::Live(vec![opened(0), batch(1..=2)]),
        Turn::Live(vec![opened(2), batch(3..=3)]),
    ])
    .await;
    let (positions, told) = follow(endpoint, Identity::serve(1).await, 3).await;
    assert_eq!(positions, [1, 2, 3]);
    assert!(!told.iter().any(|what| matches!(what, What::Broken { .. })), "{told:?}");
    assert_eq!(double.tokens(), ["Bearer t1", "Bearer t2"]);
    assert_eq!(double.starts(), ["Some(Earliest(true))", "c2"]);
}
