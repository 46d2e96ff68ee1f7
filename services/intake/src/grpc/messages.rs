//! Messages: brought, read, and acted upon by their authors.

use std::{iter, net::IpAddr, sync::Arc};

use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::intake::v1::{
    BatchGetTextRequest, BatchGetTextResponse, GetMessageRequest, GetMessageResponse,
    GetReceiptRequest, GetReceiptResponse, IssueAuthorTokenRequest, IssueAuthorTokenResponse,
    ListMyMessagesRequest, ListMyMessagesResponse, LookUpMessageRequest, LookUpMessageResponse,
    ResubmitMessageRequest, ResubmitMessageResponse, SubmitMessageRequest, SubmitMessageResponse,
    SubmitMessagesRequest, SubmitMessagesResponse, WithdrawMessageRequest, WithdrawMessageResponse,
    submit_messages_response,
};
use prost::Message as _;
use uuid::Uuid;

use super::{
    Grpc, convert,
    who::{self, IMPORT, account, name_of, own, readable},
};
use crate::{
    app::{Incoming, MOST_TEXTS},
    domain::{
        draft::{self, Entrance},
        number::{AccessCode, Number},
        page,
        rule::{Breach, Rule},
        text::{self, Bounds, Lines},
    },
    error::Error,
};

/// How long the purpose of a reading may be.
pub(super) const PURPOSE: Bounds = Bounds { min: 1, max: 200 };
/// Messages on a page, if the caller does not say, and at most.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;

impl Grpc {
    /// Takes a message; `bulk` says that it is one of a stream.
    pub(super) async fn submit(
        &self,
        caller: &Caller,
        request: SubmitMessageRequest,
        address: Option<IpAddr>,
        bulk: bool,
    ) -> Result<SubmitMessageResponse, Error> {
        let import = request.historical.is_some();
        if import && !caller.has(IMPORT) {
            return Err(Error::ImportNotAllowed);
        }
        let once = self.once(caller, &request.request_id, "SubmitMessage", &request);
        let entrance = match &request.message {
            Some(message) => who::entrance(&self.app, caller, message).await?,
            None => Entrance::Board,
        };
        // What staff enter for somebody else is not theirs.
        let account_id = account(caller).filter(|_| !matches!(entrance, Entrance::Hotline { .. }));
        let raw = convert::raw(request, entrance, |token| self.uploader_of(caller, token))?;
        let agency = who::counted(caller);
        let import = import || caller.has(IMPORT);
        let incoming = Incoming { once, account_id, raw, address, agency, bulk, import };
        self.app.submit(&incoming).await.map(convert::accepted)
    }

    pub(super) async fn texts(
        &self,
        caller: &Caller,
        request: &BatchGetTextRequest,
    ) -> Result<BatchGetTextResponse, Error> {
        let mut breaches = Vec::new();
        let purpose = text::clean(&request.purpose, Lines::One, PURPOSE).unwrap_or_else(|rule| {
            breaches.push(Breach::of("purpose", rule));
            String::new()
        });
        if request.message_ids.len() > MOST_TEXTS {
            breaches.push(Breach::of("message_ids", Rule::TooMany { max: MOST_TEXTS }));
        }
        let parsed: Result<Vec<Uuid>, _> =
            request.message_ids.iter().take(MOST_TEXTS).map(|id| id.parse()).collect();
        let ids = parsed.unwrap_or_else(|_| {
            breaches.push(Breach::of("message_ids", Rule::UuidMalformed));
            Vec::new()
        });
        if request.revisions.len() > request.message_ids.len() {
            let max = request.message_ids.len();
            breaches.push(Breach::of("revisions", Rule::TooMany { max }));
        }
        if !breaches.is_empty() {
            return Err(Error::Fields(breaches));
        }
        // Whoever names no revision wants the one that counts.
        let revisions = request.revisions.iter().copied().chain(iter::repeat(0));
        let asked: Vec<_> = ids.into_iter().zip(revisions).collect();
        let texts = self.app.texts(&asked).await?;
        tracing::info!(
            reader = %name_of(caller), %purpose, asked = asked.len(), read = texts.len(),
            "original texts were read"
        );
        Ok(BatchGetTextResponse { texts: texts.into_iter().map(convert::text).collect() })
    }

    pub(super) async fn withdraw(
        &self,
        caller: &Caller,
        request: &WithdrawMessageRequest,
    ) -> Result<WithdrawMessageResponse, Error> {
        let message_id = own(caller, &request.message_id)?;
        let once = self
            .once(caller, &request.request_id, "WithdrawMessage", request)
            .map_err(|rule| Error::field("request_id", rule))?;
        let answer = self.app.withdraw(once, message_id, convert::withdrawn).await?;
        WithdrawMessageResponse::decode(answer.as_slice())
            .map_err(|_| Error::Lost("a readable answer"))
    }

    pub(super) async fn resubmit(
        &self,
        caller: &Caller,
        request: ResubmitMessageRequest,
    ) -> Result<ResubmitMessageResponse, Error> {
        let message_id = own(caller, &request.message_id)?;
        let once = self
            .once(caller, &request.request_id, "ResubmitMessage", &request)
            .map_err(|rule| Error::field("request_id", rule))?;
        let words = draft::Words {
            title: request.title,
            body: request.body,
            demand: request.demand,
            details: request.details,
        };
        let answer = self.app.resubmit(once, message_id, words, convert::resubmitted).await?;
        ResubmitMessageResponse::decode(answer.as_slice())
            .map_err(|_| Error::Lost("a readable answer"))
    }

    pub(super) async fn look_up(
        &self,
        request: &LookUpMessageRequest,
        address: Option<IpAddr>,
    ) -> Result<LookUpMessageResponse, Error> {
        let mut breaches = Vec::new();
        let number = Number::parse(&request.number);
        if number.is_none() {
            breaches.push(Breach::of("number", Rule::NumberMalformed));
        }
        let code = AccessCode::parse(&request.access_code);
        if code.is_none() {
            breaches.push(Breach::of("access_code", Rule::AccessCodeMalformed));
        }
        match (number, code) {
            (Some(number), Some(code)) => {
                self.app.look_up(number, code, address).await.map(convert::looked_up)
            }
            _ => Err(Error::Fields(breaches)),
        }
    }

    pub(super) async fn list_own(
        &self,
        caller: &Caller,
        request: &ListMyMessagesRequest,
    ) -> Result<ListMyMessagesResponse, Error> {
        let account_id = account(caller).ok_or(Error::AccountNeeded)?;
        let mut breaches = Vec::new();
        let size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE,
            Ok(size) => size.min(LARGEST_PAGE),
            Err(_) => {
                breaches.push(Breach::of("page_size", Rule::PageSizeNegative));
                PAGE
            }
        };
        let after = page::read(&request.page_token, account_id);
        if after.is_none() && !request.page_token.is_empty() {
            breaches.push(Breach::of("page_token", Rule::PageTokenInvalid));
        }
        if !breaches.is_empty() {
            return Err(Error::Fields(breaches));
        }
        let (messages, next) = self.app.own_messages(account_id, size, after).await?;
        Ok(ListMyMessagesResponse {
            messages: messages.iter().map(convert::message).collect(),
            next_page_token: next.map(|next| page::token(account_id, next)).unwrap_or_default(),
        })
    }

    pub(super) async fn open_own(
        &self,
        caller: &Caller,
        request: &IssueAuthorTokenRequest,
    ) -> Result<IssueAuthorTokenResponse, Error> {
        let account_id = account(caller).ok_or(Error::AccountNeeded)?;
        let message_id = who::message_id(&request.message_id)?;
        self.app.open_own(account_id, message_id).await.map(convert::issued)
    }

    pub(super) async fn message(
        &self,
        caller: &Caller,
        request: &GetMessageRequest,
    ) -> Result<GetMessageResponse, Error> {
        let message_id = readable(caller, &request.message_id)?;
        let message = self.app.message(message_id).await?;
        Ok(GetMessageResponse { message: Some(convert::message(&message)) })
    }

    pub(super) async fn receipt(
        &self,
        caller: &Caller,
        request: &GetReceiptRequest,
    ) -> Result<GetReceiptResponse, Error> {
        let message_id = readable(caller, &request.message_id)?;
        let receipt = self.app.receipt(message_id).await?;
        Ok(GetReceiptResponse { receipt: Some(convert::receipt(receipt)) })
    }

    /// Answers one message of a stream, whatever becomes of it.
    pub(super) async fn answer_one(
        self,
        caller: Arc<Caller>,
        request: SubmitMessagesRequest,
    ) -> SubmitMessagesResponse {
        let submission = request.submission.unwrap_or_default();
        let result = match self.submit(&caller, submission, None, true).await {
            Ok(accepted) => submit_messages_response::Result::Accepted(accepted),
            Err(error) => {
                let status = self.words.status(&error, &caller.locale);
                submit_messages_response::Result::Refused(convert::status(&status))
            }
        };
        SubmitMessagesResponse { sequence: request.sequence, result: Some(result) }
    }
}
