//! What is asked, in the domain's words. Everything that is wrong is told at once.

use liuyan_kit::{auth::Caller, class::Violation};
use liuyan_proto::liuyan::notification::v1 as proto;
use uuid::Uuid;

use crate::{
    app::endpoints::Registration,
    channels::webhook,
    domain::{
        address::{self, Address, Channel},
        delivery::State,
        event::Kind,
        holder::Holder,
        wish::{self, Preferences, Wish},
    },
    error::{Error, Faults},
};

/// The most notices that are marked at once.
const MOST_NOTICES: usize = 100;
/// The most divisions of one endpoint.
const MOST_DIVISIONS: usize = 200;
/// Deliveries on a page, if the caller does not say, and at most.
const DELIVERIES: u32 = 50;
const MOST_DELIVERIES: u32 = 200;

/// An id that must be there.
pub(super) fn id(field: &str, text: &str) -> Result<Uuid, Error> {
    let mut faults = Faults::default();
    let id = checked_id(&mut faults, field, text);
    faults.end()?;
    Ok(id)
}

fn checked_id(faults: &mut Faults, field: &str, text: &str) -> Uuid {
    let id = text.parse::<Uuid>().ok().filter(|id| !id.is_nil());
    faults.check(id.is_some(), field, "UUID_MALFORMED");
    id.unwrap_or_default()
}

/// The size of a page.
pub(super) fn size(asked: i32, usual: u32, most: u32) -> Result<u32, Error> {
    let mut faults = Faults::default();
    let size = checked_size(&mut faults, asked, usual, most);
    faults.end()?;
    Ok(size)
}

fn checked_size(faults: &mut Faults, asked: i32, usual: u32, most: u32) -> u32 {
    match u32::try_from(asked) {
        Ok(0) => usual,
        Ok(size) => size.min(most),
        Err(_) => {
            faults.check(false, "page_size", "PAGE_SIZE_NEGATIVE");
            usual
        }
    }
}

/// Which notices were read.
pub(super) fn notice_ids(ids: &[String]) -> Result<Vec<Uuid>, Error> {
    let mut faults = Faults::default();
    if ids.len() > MOST_NOTICES {
        faults.push(Violation::new("notice_ids", "TOO_MANY_ENTRIES").with("max", MOST_NOTICES));
        faults.end()?;
        return Ok(Vec::new());
    }
    let read = ids
        .iter()
        .enumerate()
        .map(|(at, text)| checked_id(&mut faults, &format!("notice_ids[{at}]"), text));
    let read = read.collect();
    faults.end()?;
    Ok(read)
}

/// The id of the request, and where somebody wants to be told.
pub(super) fn registration(
    request: &proto::CreateEndpointRequest,
    holder: Holder,
    caller: &Caller,
    calls: &webhook::Caller,
) -> Result<(Uuid, Registration), Error> {
    let mut faults = Faults::default();
    let request_id = checked_id(&mut faults, "request_id", &request.request_id);
    let of_agency = matches!(holder, Holder::Agency(_));
    // People read mail, agencies are called.
    let (channel, address) = match request.channel() {
        proto::EndpointChannel::Email if !of_agency => {
            (Channel::Email, Address::email(&request.address))
        }
        proto::EndpointChannel::Webhook if of_agency => {
            (Channel::Webhook, calls.parse(&request.address))
        }
        _ => {
            faults.check(false, "channel", "CHANNEL_NOT_FOR_YOU");
            (Channel::Email, Ok(Address::stored(String::new())))
        }
    };
    let address = address.unwrap_or_else(|fault| {
        let reason = match fault {
            address::Fault::EmailMalformed => "EMAIL_MALFORMED",
            address::Fault::UrlMalformed => "URL_MALFORMED",
            address::Fault::UrlInsecure => "URL_INSECURE",
            address::Fault::UrlInternal => "URL_INTERNAL",
        };
        faults.check(false, "address", reason);
        Address::stored(String::new())
    });
    let told: fn(Kind) -> bool = match of_agency {
        true => Kind::tells_agencies,
        false => Kind::tells_author,
    };
    let event_types = kinds(&mut faults, "event_types", &request.event_types, told);
    let division_codes = divisions(&mut faults, &request.division_codes, of_agency);
    faults.end()?;
    let wish = Wish { event_types, division_codes };
    let locale = caller.locale.clone();
    Ok((request_id, Registration { holder, channel, address, wish, locale }))
}

/// Names of kinds of events, each once.
fn kinds(
    faults: &mut Faults,
    field: &str,
    names: &[String],
    told: fn(Kind) -> bool,
) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    if names.len() > Kind::ALL.len() {
        let most = Kind::ALL.len();
        faults.push(Violation::new(field, "TOO_MANY_ENTRIES").with("max", most));
        return read;
    }
    for (at, name) in names.iter().enumerate() {
        let known = Kind::of(name).is_some_and(told);
        faults.check(known, &format!("{field}[{at}]"), "VALUE_UNKNOWN");
        if !read.contains(name) {
            read.push(name.clone());
        }
    }
    read
}

fn divisions(faults: &mut Faults, codes: &[String], of_agency: bool) -> Vec<String> {
    let field = "division_codes";
    if codes.len() > MOST_DIVISIONS {
        faults.push(Violation::new(field, "TOO_MANY_ENTRIES").with("max", MOST_DIVISIONS));
        return Vec::new();
    }
    faults.check(of_agency || codes.is_empty(), field, "DIVISIONS_NOT_FOR_YOU");
    for (at, code) in codes.iter().enumerate() {
        faults.check(wish::is_division(code), &format!("{field}[{at}]"), "DIVISION_MALFORMED");
    }
    codes.to_vec()
}

/// What a person prefers.
pub(super) fn preferences(asked: Option<proto::Preferences>) -> Result<Preferences, Error> {
    let mut faults = Faults::default();
    faults.check(asked.is_some(), "preferences", "FIELD_REQUIRED");
    let asked = asked.unwrap_or_default();
    let field = "preferences.muted_event_types";
    let muted = kinds(&mut faults, field, &asked.muted_event_types, Kind::tells_author);
    faults.end()?;
    Ok(Preferences { email: asked.email, muted })
}

/// Which endpoint, which state, and how many.
pub(super) fn deliveries(
    request: &proto::ListDeliveriesRequest,
) -> Result<(Option<Uuid>, Option<State>, u32), Error> {
    let mut faults = Faults::default();
    let endpoint_id = (!request.endpoint_id.is_empty())
        .then(|| checked_id(&mut faults, "endpoint_id", &request.endpoint_id));
    let state = match request.state() {
        proto::DeliveryState::Unspecified => {
            faults.check(request.state == 0, "state", "VALUE_UNKNOWN");
            None
        }
        proto::DeliveryState::Waiting => Some(State::Waiting),
        proto::DeliveryState::Delivered => Some(State::Delivered),
        proto::DeliveryState::Dead => Some(State::Dead),
        proto::DeliveryState::Dropped => Some(State::Dropped),
    };
    let size = checked_size(&mut faults, request.page_size, DELIVERIES, MOST_DELIVERIES);
    faults.end()?;
    Ok((endpoint_id, state, size))
}

/// The id of the request, and which delivery.
pub(super) fn redelivery(request: &proto::RedeliverDeliveryRequest) -> Result<(Uuid, Uuid), Error> {
    let mut faults = Faults::default();
    let request_id = checked_id(&mut faults, "request_id", &request.request_id);
    let delivery_id = checked_id(&mut faults, "delivery_id", &request.delivery_id);
    faults.end()?;
    Ok((request_id, delivery_id))
}
