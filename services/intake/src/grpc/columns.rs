//! `liuyan.intake.v1.ColumnService`.

use liuyan_kit::{auth::Caller, clock};
use liuyan_proto::liuyan::{
    common::v1::Visibility,
    intake::v1::{self as proto, column_service_server::ColumnService},
};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Grpc, convert, who};
use crate::{
    app::ColumnChange,
    domain::{
        column::{self, Column, Followed, RawColumn},
        rule::{Breach, Rule},
    },
    error::Error,
};

/// The scopes of those who keep columns, and of those who see them.
const WRITE: &str = "column:write";
const READ: &str = "column:read";
/// Columns on a page, if the caller does not say, and at most.
const COLUMNS: usize = 20;
const MOST_COLUMNS: usize = 100;
/// Messages of a column on a page, if the caller does not say, and at most.
const MESSAGES: usize = 100;
const MOST_MESSAGES: usize = 256;

impl Grpc {
    async fn create_column(
        &self,
        caller: &Caller,
        request: proto::CreateColumnRequest,
    ) -> Result<proto::CreateColumnResponse, Error> {
        let once = self.once(caller, &request.request_id, "CreateColumn", &request);
        let once = once.map_err(|rule| Error::field("request_id", rule))?;
        let column = raw(request.column)?;
        let answer = self.app.create_column(once, column, created).await?;
        read(&answer)
    }

    async fn update_column(
        &self,
        caller: &Caller,
        request: proto::UpdateColumnRequest,
    ) -> Result<proto::UpdateColumnResponse, Error> {
        let once = self.once(caller, &request.request_id, "UpdateColumn", &request);
        let once = once.map_err(|rule| Error::field("request_id", rule))?;
        let etag = request.column.as_ref().map(|column| column.etag.clone()).unwrap_or_default();
        let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
        let change = ColumnChange { column: raw(request.column)?, paths, etag };
        let answer = self.app.update_column(once, change, updated).await?;
        read(&answer)
    }

    async fn get_column(
        &self,
        caller: &Caller,
        request: &proto::GetColumnRequest,
    ) -> Result<proto::GetColumnResponse, Error> {
        let may_see_all = caller.has(WRITE) || caller.has(READ);
        let column_id = self.visible(caller, &request.column_id, may_see_all)?;
        let (found, used_today) = self.app.column_today(&column_id).await?;
        Ok(proto::GetColumnResponse { column: Some(to_proto(&found)), used_today })
    }

    async fn list_columns(
        &self,
        request: &proto::ListColumnsRequest,
    ) -> Result<proto::ListColumnsResponse, Error> {
        let size = page_size(request.page_size, COLUMNS, MOST_COLUMNS);
        let after = column::read_list_token(&request.page_token);
        let token_is_odd = after.is_none() && !request.page_token.is_empty();
        let (columns, next) = self.app.list_columns(checked(size, token_is_odd)?, after).await?;
        Ok(proto::ListColumnsResponse {
            columns: columns.iter().map(to_proto).collect(),
            next_page_token: next
                .map(|(name, column_id)| column::list_token(&name, &column_id))
                .unwrap_or_default(),
        })
    }

    async fn list_column_messages(
        &self,
        caller: &Caller,
        request: &proto::ListColumnMessagesRequest,
    ) -> Result<proto::ListColumnMessagesResponse, Error> {
        let column_id = self.visible(caller, &request.column_id, caller.has(WRITE))?;
        let size = page_size(request.page_size, MESSAGES, MOST_MESSAGES);
        let after = match request.page_token.as_str() {
            "" => Some(0),
            token => column::read_follow_token(&column_id, token),
        };
        let size = checked(size, after.is_none())?;
        let after = after.unwrap_or_default();
        let (messages, more) = self.app.follow_column(&column_id, size, after).await?;
        let last = messages.last().map_or(after, |message| message.change);
        Ok(proto::ListColumnMessagesResponse {
            messages: messages.into_iter().map(followed).collect(),
            next_page_token: column::follow_token(&column_id, last),
            more,
        })
    }

    /// The column that is meant, if the caller may see it: any, or only the caller's own.
    fn visible(&self, caller: &Caller, column_id: &str, all: bool) -> Result<String, Error> {
        let own = who::agency(caller).and_then(|agency| self.app.column_of(agency));
        match own {
            Some(own) if column_id.is_empty() || column_id == own.column_id => {
                Ok(own.column_id.clone())
            }
            _ if all && column_id.is_empty() => Err(Error::field("column_id", Rule::Required)),
            _ if all => Ok(column_id.to_owned()),
            _ => Err(Error::ColumnNotYours),
        }
    }
}

fn page_size(wanted: i32, usual: usize, most: usize) -> Option<usize> {
    match usize::try_from(wanted).ok()? {
        0 => Some(usual),
        size => Some(size.min(most)),
    }
}

fn checked(size: Option<usize>, token_is_odd: bool) -> Result<usize, Error> {
    let mut breaches = Vec::new();
    if size.is_none() {
        breaches.push(Breach::of("page_size", Rule::PageSizeNegative));
    }
    if token_is_odd {
        breaches.push(Breach::of("page_token", Rule::PageTokenInvalid));
    }
    match size {
        Some(size) if breaches.is_empty() => Ok(size),
        _ => Err(Error::Fields(breaches)),
    }
}

fn raw(column: Option<proto::Column>) -> Result<RawColumn, Error> {
    let column = column.ok_or_else(|| Error::field("column", Rule::Required))?;
    Ok(RawColumn {
        column_id: column.column_id,
        name: column.name,
        agency_id: column.agency_id,
        default_office_id: column.default_office_id,
        domains: column.domains,
        origins: column.origins,
        daily_quota: column.daily_quota,
        minute_quota: column.minute_quota,
        collated: column.collated,
        open: column.open,
    })
}

fn to_proto(column: &Column) -> proto::Column {
    proto::Column {
        column_id: column.column_id.clone(),
        name: column.name.clone(),
        agency_id: column.agency_id.clone(),
        default_office_id: column.default_office_id.clone(),
        domains: column.domains.clone(),
        origins: column.origins.clone(),
        daily_quota: column.daily_quota,
        minute_quota: column.minute_quota,
        collated: column.collated,
        open: column.open,
        created_at: Some(clock::to_proto(column.created_at)),
        updated_at: Some(clock::to_proto(column.updated_at)),
        etag: column.etag(),
    }
}

fn followed(message: Followed) -> proto::ColumnMessage {
    let visibility = if message.public { Visibility::Public } else { Visibility::Private };
    proto::ColumnMessage {
        message_id: message.message_id.to_string(),
        number: message.number,
        state: convert::state(message.state).into(),
        ground: message.ground,
        case_id: message.case_id.map(|id| id.to_string()).unwrap_or_default(),
        deadline_at: message.deadline_at.map(clock::to_proto),
        submitted_at: Some(clock::to_proto(message.submitted_at)),
        changed_at: Some(clock::to_proto(message.changed_at)),
        visibility: visibility.into(),
    }
}

/// The encoded answer to the making of a column.
fn created(column: &Column) -> Vec<u8> {
    proto::CreateColumnResponse { column: Some(to_proto(column)) }.encode_to_vec()
}

/// The encoded answer to a change of a column.
fn updated(column: &Column) -> Vec<u8> {
    proto::UpdateColumnResponse { column: Some(to_proto(column)) }.encode_to_vec()
}

fn read<T: prost::Message + Default>(answer: &[u8]) -> Result<T, Error> {
    T::decode(answer).map_err(|_| Error::Lost("a readable answer"))
}

#[tonic::async_trait]
impl ColumnService for Grpc {
    async fn create_column(
        &self,
        request: Request<proto::CreateColumnRequest>,
    ) -> Result<Response<proto::CreateColumnResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(Self::create_column(self, &caller, request.into_inner()).await, &caller)
    }

    async fn get_column(
        &self,
        request: Request<proto::GetColumnRequest>,
    ) -> Result<Response<proto::GetColumnResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(Self::get_column(self, &caller, request.get_ref()).await, &caller)
    }

    async fn list_columns(
        &self,
        request: Request<proto::ListColumnsRequest>,
    ) -> Result<Response<proto::ListColumnsResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(Self::list_columns(self, request.get_ref()).await, &caller)
    }

    async fn update_column(
        &self,
        request: Request<proto::UpdateColumnRequest>,
    ) -> Result<Response<proto::UpdateColumnResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(Self::update_column(self, &caller, request.into_inner()).await, &caller)
    }

    async fn list_column_messages(
        &self,
        request: Request<proto::ListColumnMessagesRequest>,
    ) -> Result<Response<proto::ListColumnMessagesResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(Self::list_column_messages(self, &caller, request.get_ref()).await, &caller)
    }
}
