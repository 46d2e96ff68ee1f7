//! Who may call what: every RPC of every service, found by reflection, called by everybody.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::{Buf, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use liuyan_proto::method::{METHODS, Method};
use prost::Message as _;
use prost_types::FileDescriptorProto;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;

use crate::board::Board;

/// Who may call what, beyond what everybody may. Reviewed by people: a change here is a change of rights.
const RIGHTS: &str = include_str!("rights.txt");
/// How long a call may take until it counts as admitted: streams stay open.
const ADMITTED_AFTER: Duration = Duration::from_secs(3);

/// Everybody who calls.
const NOBODY: &str = "nobody";
const AGENCY: &str = "agency";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rpc_admits_whom_the_table_of_rights_names_and_nobody_else() {
    let board = Board::start(&[]);
    let mut tokens = BTreeMap::from([(NOBODY.to_owned(), None)]);
    for role in board.roles() {
        tokens.insert(role.to_owned(), Some(board.token(role).await));
    }
    tokens.insert(AGENCY.to_owned(), Some(board.agency_token().await));

    let mut found = BTreeSet::new();
    let mut admitted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for service in board.at.grpc.keys() {
        let channel = board.channel(service).await;
        for path in reflected(channel.clone()).await {
            let method = Method::at(&path).unwrap_or_else(|| panic!("{path} is in no contract"));
            found.insert(method.path);
            for (who, token) in &tokens {
                let open = admits(channel.clone(), method, token.as_deref()).await;
                if method.scopes.contains(&"public") {
                    assert!(open, "{path} is public, and refuses {who}");
                } else if open {
                    admitted.entry(method.path).or_default().insert(who);
                }
            }
        }
    }
    let contracts: BTreeSet<&str> = METHODS.iter().map(|method| method.path).collect();
    assert_eq!(found, contracts, "what is served is what the contracts say");

    let table: String = METHODS
        .iter()
        .filter(|method| !method.scopes.contains(&"public"))
        .map(|method| {
            let who = admitted.get(method.path).cloned().unwrap_or_default();
            let who: Vec<&str> = who.into_iter().collect();
            let who =
                if who.is_empty() { "services and authors only".into() } else { who.join(", ") };
            format!("{}: {who}\n", method.path.trim_start_matches("/liuyan."))
        })
        .collect();
    assert_eq!(table, RIGHTS, "the table of rights; what is now:\n{table}");
}

/// The RPCs that a server says it serves, without those that belong to no contract of the house.
async fn reflected(channel: Channel) -> Vec<String> {
    let mut client = ServerReflectionClient::new(channel);
    let services = match reflect(&mut client, MessageRequest::ListServices(String::new())).await {
        MessageResponse::ListServicesResponse(list) => list.service,
        other => panic!("{other:?}"),
    };
    let mut paths = Vec::new();
    for service in services.into_iter().map(|service| service.name) {
        if !service.starts_with("liuyan.") {
            continue;
        }
        let asked = MessageRequest::FileContainingSymbol(service.clone());
        let MessageResponse::FileDescriptorResponse(files) = reflect(&mut client, asked).await
        else {
            panic!("{service} is not described");
        };
        for file in files.file_descriptor_proto {
            let file = FileDescriptorProto::decode(file.as_slice()).unwrap();
            for declared in &file.service {
                if format!("{}.{}", file.package(), declared.name()) == service {
                    let methods = declared.method.iter();
                    paths.extend(methods.map(|method| format!("/{service}/{}", method.name())));
                }
            }
        }
    }
    paths
}

async fn reflect(
    client: &mut ServerReflectionClient<Channel>,
    request: MessageRequest,
) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().next().await.unwrap().unwrap();
    answer.message_response.unwrap()
}

/// Whether the guard lets a call through; what the handler makes of an empty request does not matter.
async fn admits(channel: Channel, method: &Method, token: Option<&str>) -> bool {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let mut request = Request::new(tokio_stream::once(Bytes::new()));
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let path = PathAndQuery::from_static(method.path);
    let call = async {
        let mut answers = client.streaming(request, path, Raw).await?.into_inner();
        answers.message().await
    };
    match timeout(ADMITTED_AFTER, call).await {
        Ok(Err(status)) => {
            let details = status.get_error_details();
            let reason = details.error_info().map_or("", |info| info.reason.as_str());
            !matches!(reason, "TOKEN_MISSING" | "SCOPE_MISSING")
        }
        Ok(Ok(_)) | Err(_) => true,
    }
}

/// Bytes as they are.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}
