//! What authors may ask of all that is held on them. The guard lets in authors, accounts and those
//! who manage authors; which of them may ask what is decided here.

use jiff::Timestamp;
use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::intake::v1::{
    AuthorSelector, EraseAuthorDataRequest, EraseAuthorDataResponse, ExportAuthorDataRequest,
    ExportAuthorDataResponse, author_selector::By,
};

use super::{
    Grpc,
    messages::PURPOSE,
    who::{account, name_of, own},
};
use crate::{
    app::Erasure,
    domain::{
        draft,
        page::{self, Cursor},
        rule::{Breach, Rule},
        text::{self, Lines},
    },
    error::Error,
    store::held::Whose,
};

/// The scope of those who find authors by phone.
const MANAGE: &str = "author:manage";

impl Grpc {
    /// Gives all that is held on an author.
    pub(super) async fn export(
        &self,
        caller: &Caller,
        request: &ExportAuthorDataRequest,
    ) -> Result<ExportAuthorDataResponse, Error> {
        let (whose, purpose) = self.asked(caller, request.author.as_ref(), &request.purpose)?;
        let owner = whose.owner();
        let after = page::read(&request.page_token, owner);
        if after.is_none() && !request.page_token.is_empty() {
            return Err(Error::field("page_token", Rule::PageTokenInvalid));
        }
        let after = after.map(|cursor| cursor.message_id);
        let document = self.app.export_author(name_of(caller), whose, purpose, after).await?;
        let next = document.next.map(|message_id| {
            page::token(owner, Cursor { submitted_at: Timestamp::UNIX_EPOCH, message_id })
        });
        Ok(ExportAuthorDataResponse {
            document: document.bytes.into(),
            messages: u32::try_from(document.messages).unwrap_or(u32::MAX),
            next_page_token: next.unwrap_or_default(),
        })
    }

    /// Erases what is held on an author.
    pub(super) async fn erase(
        &self,
        caller: &Caller,
        request: &EraseAuthorDataRequest,
    ) -> Result<EraseAuthorDataResponse, Error> {
        let asked = self.asked(caller, request.author.as_ref(), &request.purpose);
        let once = self.once(caller, &request.request_id, "EraseAuthorData", request);
        let (asked, once) = match (asked, once) {
            (Ok(asked), Ok(once)) => (asked, once),
            (Err(Error::Fields(mut all)), Err(rule)) => {
                all.push(Breach::of("request_id", rule));
                return Err(Error::Fields(all));
            }
            (Err(error), _) => return Err(error),
            (Ok(_), Err(rule)) => return Err(Error::field("request_id", rule)),
        };
        let (whose, purpose) = asked;
        let messages_too = request.messages_too;
        let erased = self.app.erase_author(Erasure { once, whose, messages_too, purpose }).await?;
        Ok(EraseAuthorDataResponse { contacts: erased.contacts, messages: erased.messages })
    }

    /// Whose data are meant, and why: who manages authors has to say why.
    fn asked(
        &self,
        caller: &Caller,
        author: Option<&AuthorSelector>,
        purpose: &str,
    ) -> Result<(Whose, String), Error> {
        let mut breaches = Vec::new();
        let whose = match author.and_then(|author| author.by.as_ref()) {
            Some(By::MessageId(message_id)) => Whose::Message(own(caller, message_id)?),
            Some(By::OwnAccount(true)) => {
                Whose::Account(account(caller).ok_or(Error::AccountNeeded)?)
            }
            Some(By::Phone(phone)) => {
                if !caller.has(MANAGE) {
                    return Err(Error::ManageNotAllowed);
                }
                let phone = draft::phone(phone);
                if phone.is_none() {
                    breaches.push(Breach::of("author.phone", Rule::PhoneMalformed));
                }
                Whose::Phone(self.app.index_of_phone(phone.as_deref().unwrap_or_default()))
            }
            Some(By::OwnAccount(false)) | None => {
                breaches.push(Breach::of("author", Rule::Required));
                return Err(Error::Fields(breaches));
            }
        };
        let needed = matches!(whose, Whose::Phone(_));
        let bounds = text::Bounds { min: usize::from(needed), ..PURPOSE };
        let purpose = text::clean(purpose, Lines::One, bounds).unwrap_or_else(|rule| {
            breaches.push(Breach::of("purpose", rule));
            String::new()
        });
        if breaches.is_empty() { Ok((whose, purpose)) } else { Err(Error::Fields(breaches)) }
    }
}
