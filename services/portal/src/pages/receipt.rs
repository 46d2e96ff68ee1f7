//! The receipt: shown once to whoever has just sent a message, to be printed or kept as a file.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use liuyan_kit::clock;
use liuyan_proto::liuyan::intake::v1::{GetReceiptRequest, LookUpMessageRequest, Receipt};
use qrcode::{Color, EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::{
    app::App,
    cookies::Life,
    error::Error,
    format::When,
    page::{Keep, page_with, see},
    visit::Visit,
};

/// The name of the cookie.
pub(crate) const COOKIE: &str = "receipt";
/// For how long the receipt can be shown again, in seconds.
const SECONDS: i64 = 30 * 60;
/// The white around the code, in modules; what readers need (ISO/IEC 18004, 5.3.8).
const QUIET: usize = 4;

/// What the visitor's browser keeps until the receipt was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) number: String,
    pub(crate) code: String,
    pub(crate) office_id: String,
    pub(crate) at: Timestamp,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct Page {
    v: Visit,
    kept: Kept,
    office: String,
    when: When,
    look_up: String,
    qr: Option<Qr>,
    /// The signed proof; `None` while intake is away.
    proof: Option<Proof>,
}

/// The signed proof in letters.
struct Proof {
    hash: String,
    /// The text form, to scan.
    qr: Option<Qr>,
    statement: String,
    key_id: String,
    signature: String,
}

/// A code to scan.
struct Qr {
    size: usize,
    path: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/receipt", get(receipt))
        .route("/receipt.txt", get(text))
        .route("/receipt.json", get(file))
}

/// Leaves the receipt for the next page.
pub(crate) fn keep(v: &Visit, kept: &Kept) {
    v.seal(COOKIE, kept, Life::Seconds(SECONDS));
}

async fn receipt(v: Visit) -> Result<Response, Error> {
    let Some(kept) = v.sealed::<Kept>(COOKIE) else { return Ok(see("/mine")) };
    let names = v.app().directory.names([kept.office_id.as_str()], []).await;
    let number: String = form_urlencoded::byte_serialize(kept.number.as_bytes()).collect();
    let look_up = v.app().config.url_of(&format!("/mine?number={number}"));
    let proof = match fetch(&v, &kept).await {
        Ok(receipt) => Some(Proof {
            qr: qr(&as_text(&receipt), EcLevel::L),
            hash: hex::encode(&receipt.content_hash),
            statement: String::from_utf8_lossy(&receipt.statement).into_owned(),
            key_id: receipt.key_id,
            signature: STANDARD.encode(&receipt.signature),
        }),
        Err(error) => {
            tracing::debug!(%error, "the receipt is shown without its proof");
            None
        }
    };
    let page = Page {
        office: names.office(&kept.office_id),
        when: v.moment_of(kept.at),
        qr: qr(&look_up, EcLevel::M),
        look_up,
        proof,
        kept,
        v,
    };
    page_with(&page, StatusCode::OK, Keep::Never)
}

/// The receipt as `liuyan.intake.v1.Receipt` in the JSON of protobuf.
async fn file(v: Visit) -> Result<Response, Error> {
    let kept = v.sealed::<Kept>(COOKIE).ok_or(Error::NotFound)?;
    let receipt = fetch(&v, &kept).await?;
    let time = |time: &prost_types::Timestamp| clock::from_proto(time).map(|at| at.to_string());
    let mut json = serde_json::json!({
        "messageId": receipt.message_id,
        "number": receipt.number,
        "officeId": receipt.office_id,
        "submittedAt": receipt.submitted_at.as_ref().and_then(time),
        "contentHash": STANDARD.encode(&receipt.content_hash),
        "salt": STANDARD.encode(&receipt.salt),
        "statement": STANDARD.encode(&receipt.statement),
        "keyId": receipt.key_id,
        "signature": STANDARD.encode(&receipt.signature),
    });
    if !receipt.leaf_hash.is_empty() {
        json["leafHash"] = STANDARD.encode(&receipt.leaf_hash).into();
    }
    if let Some(at) = receipt.occurred_at.as_ref().and_then(time) {
        json["occurredAt"] = at.into();
    }
    Ok(download(&receipt, "json", "application/json", serde_json::to_string_pretty(&json)?))
}

/// The receipt as a text that `liuyan receipt verify` reads, and everybody else.
async fn text(v: Visit) -> Result<Response, Error> {
    let kept = v.sealed::<Kept>(COOKIE).ok_or(Error::NotFound)?;
    let receipt = fetch(&v, &kept).await?;
    Ok(download(&receipt, "txt", "text/plain; charset=utf-8", as_text(&receipt)))
}

/// The statement as it was signed, and below it what is needed to check it. The code to scan says
/// the same. The form never changes: people keep it.
fn as_text(receipt: &Receipt) -> String {
    format!(
        "{}\nsalt: {}\nleaf: {}\nkey: {}\nsignature: {}\n",
        String::from_utf8_lossy(&receipt.statement),
        hex::encode(&receipt.salt),
        hex::encode(&receipt.leaf_hash),
        receipt.key_id,
        STANDARD.encode(&receipt.signature),
    )
}

fn download(receipt: &Receipt, extension: &str, kind: &'static str, body: String) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A number has letters, digits and hyphens only.
    let name = format!("attachment; filename=\"receipt-{}.{extension}\"", receipt.number);
    let name = HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment"));
    headers.insert(header::CONTENT_DISPOSITION, name);
    response
}

async fn fetch(v: &Visit, kept: &Kept) -> Result<Receipt, Error> {
    let request =
        LookUpMessageRequest { number: kept.number.clone(), access_code: kept.code.clone() };
    let found = v.app().backend.intake().look_up_message(v.call_own_from(request)).await?;
    let found = found.into_inner();
    let message_id = found.message.map(|message| message.message_id).unwrap_or_default();
    let request = v.call_as(&found.author_token, GetReceiptRequest { message_id });
    let answer = v.app().backend.intake().get_receipt(request).await?.into_inner();
    answer.receipt.ok_or(Error::NotFound)
}

/// A code that says `text`, as one path: runs of dark modules, row by row.
fn qr(text: &str, level: EcLevel) -> Option<Qr> {
    let code = QrCode::with_error_correction_level(text, level).ok()?;
    let width = code.width();
    let colours = code.to_colors();
    let mut path = String::new();
    for (y, row) in colours.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|it| **it == Color::Dark).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run.max(1);
        }
    }
    Some(Qr { size: width + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_all_dark_modules_and_white_around_them() {
        let qr = qr("http://127.0.0.1:8080/mine?number=A", EcLevel::M).unwrap();
        let code =
            QrCode::with_error_correction_level("http://127.0.0.1:8080/mine?number=A", EcLevel::M)
                .unwrap();
        let dark = code.to_colors().iter().filter(|it| **it == Color::Dark).count();
        let drawn: usize = qr
            .path
            .split('M')
            .filter_map(|run| run.split_once('h')?.1.split_once('v')?.0.parse::<usize>().ok())
            .sum();
        assert_eq!(drawn, dark);
        assert_eq!(qr.size, code.width() + 8);
    }

    #[test]
    fn the_text_looks_the_same_for_ever() {
        let receipt = Receipt {
            statement: b"liuyan-receipt-v1\nboard: liuyan\n".to_vec().into(),
            salt: vec![6; 32].into(),
            leaf_hash: vec![5; 32].into(),
            key_id: "0123456789abcdef".to_owned(),
            signature: vec![7; 64].into(),
            ..Receipt::default()
        };
        let expected = format!(
            "liuyan-receipt-v1\nboard: liuyan\n\nsalt: {}\nleaf: {}\nkey: 0123456789abcdef\n\
             signature: {}\n",
            "06".repeat(32),
            "05".repeat(32),
            STANDARD.encode([7; 64]),
        );
        assert_eq!(as_text(&receipt), expected);
        assert!(qr(&expected, EcLevel::L).is_some());
    }
}
