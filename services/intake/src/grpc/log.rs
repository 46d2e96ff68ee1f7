//! The transparency log over gRPC, and messages that come back.

use std::net::IpAddr;

use liuyan_kit::{auth::Caller, clock};
use liuyan_proto::liuyan::intake::v1::{
    GetConsistencyProofRequest, GetConsistencyProofResponse, GetInclusionProofRequest,
    GetInclusionProofResponse, GetTreeHeadResponse, ListLogEntriesRequest, ListLogEntriesResponse,
    LogEntry, ReceiptKey, RestoreMessageRequest, RestoreMessageResponse, SubmitMessageRequest,
};

use super::{
    Grpc, convert,
    who::{self, account},
};
use crate::{
    app::{Incoming, log::MOST_ENTRIES},
    domain::{
        draft::Entrance,
        log::Hash,
        receipt::file::Kept,
        rule::{Breach, Rule},
    },
    error::Error,
};

fn bytes(hashes: Vec<Hash>) -> Vec<bytes::Bytes> {
    hashes.into_iter().map(|hash| Vec::from(hash).into()).collect()
}

impl Grpc {
    pub(super) async fn tree_head(&self) -> Result<GetTreeHeadResponse, Error> {
        let (head, waiting) = self.app.tree_head().await?;
        let key = |(key_id, key): &(String, [u8; 32])| ReceiptKey {
            key_id: key_id.clone(),
            public_key: key.to_vec().into(),
        };
        Ok(GetTreeHeadResponse {
            checkpoint: head.checkpoint,
            size: head.size,
            root_hash: head.root_hash.to_vec().into(),
            signed_at: Some(clock::to_proto(head.signed_at)),
            verifier_key: self.app.log_verifier_key(),
            waiting,
            receipt_keys: self.app.receipt_keys().iter().map(key).collect(),
        })
    }

    pub(super) async fn inclusion(
        &self,
        request: &GetInclusionProofRequest,
    ) -> Result<GetInclusionProofResponse, Error> {
        let leaf: Hash = request
            .leaf_hash
            .as_ref()
            .try_into()
            .map_err(|_| Error::field("leaf_hash", Rule::HashMalformed))?;
        let proof = self.app.inclusion(&leaf, request.tree_size).await?;
        Ok(GetInclusionProofResponse {
            index: proof.index,
            tree_size: proof.tree_size,
            hashes: bytes(proof.path),
            checkpoint: proof.checkpoint.unwrap_or_default(),
        })
    }

    pub(super) async fn consistency(
        &self,
        request: &GetConsistencyProofRequest,
    ) -> Result<GetConsistencyProofResponse, Error> {
        let proof = self.app.consistency(request.first, request.second).await?;
        Ok(GetConsistencyProofResponse {
            second: proof.second,
            hashes: bytes(proof.path),
            checkpoint: proof.checkpoint.unwrap_or_default(),
        })
    }

    pub(super) async fn entries(
        &self,
        request: &ListLogEntriesRequest,
    ) -> Result<ListLogEntriesResponse, Error> {
        let limit = match u64::try_from(request.page_size) {
            Ok(0) => MOST_ENTRIES,
            Ok(size) => size.min(MOST_ENTRIES),
            Err(_) => return Err(Error::field("page_size", Rule::PageSizeNegative)),
        };
        let (leaves, tree_size) = self.app.log_entries(request.start, limit).await?;
        let entries = leaves
            .into_iter()
            .map(|(index, leaf_hash)| LogEntry { index, leaf_hash: leaf_hash.into() })
            .collect();
        Ok(ListLogEntriesResponse { entries, tree_size })
    }

    pub(super) async fn restore(
        &self,
        caller: &Caller,
        request: RestoreMessageRequest,
        address: Option<IpAddr>,
    ) -> Result<RestoreMessageResponse, Error> {
        let mut breaches = Vec::new();
        let once = self.once(caller, &request.request_id, "RestoreMessage", &request);
        let once = once.map_err(|rule| breaches.push(Breach::of("request_id", rule))).ok();
        let receipt = request.receipt.unwrap_or_default();
        let salt = receipt.salt.as_ref().try_into().ok();
        let signature = receipt.signature.as_ref().try_into().ok();
        if salt.is_none() {
            breaches.push(Breach::of("receipt.salt", Rule::ReceiptMalformed));
        }
        if signature.is_none() {
            breaches.push(Breach::of("receipt.signature", Rule::ReceiptMalformed));
        }
        let claimed = convert::claimed(&request.attachments);
        if let Err(rule) = &claimed {
            breaches.push(Breach::of("attachments", rule.clone()));
        }
        let (Some(once), Some(salt), Some(signature), true) =
            (once, salt, signature, breaches.is_empty())
        else {
            return Err(Error::Fields(breaches));
        };
        let kept =
            Kept { statement: receipt.statement.to_vec(), salt, key_id: receipt.key_id, signature };
        let as_submitted =
            SubmitMessageRequest { message: request.message, ..SubmitMessageRequest::default() };
        let incoming = Incoming {
            once: Ok(once.clone()),
            account_id: account(caller),
            raw: convert::raw(as_submitted, Entrance::Board, |token| {
                self.uploader_of(caller, token)
            })?,
            address,
            agency: who::counted(caller),
            bulk: false,
            import: false,
        };
        let restored =
            self.app.restore(&incoming, &once, &kept, &claimed.unwrap_or_default()).await?;
        Ok(RestoreMessageResponse {
            receipt: Some(convert::receipt(restored.receipt)),
            known: restored.access_code.is_none(),
            access_code: restored.access_code.map(|code| code.to_string()).unwrap_or_default(),
        })
    }
}
