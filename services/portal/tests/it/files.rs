//! Files: chosen in the form without any script, kept through its way, and given to whom they are for.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    identity::v1::Role,
    intake::v1::{
        Attachment, DownloadAttachmentRequest, DownloadAttachmentResponse, IssueUploadTokenRequest,
        IssueUploadTokenResponse, ListAttachmentsRequest, ListAttachmentsResponse,
        SubmitMessageRequest, SubmitMessageResponse, UploadAttachmentRequest,
        UploadAttachmentResponse, download_attachment_response, upload_attachment_request::Part,
    },
    moderation::v1 as moderation,
    routing::v1 as routing,
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    browser::{Browser, Page},
    fake::Fake,
    portal::Running,
    samples, staff,
};

/// The id of the file that the fake intake has.
pub(crate) const FILE: &str = "01920000-0000-7000-8000-00000000f11e";
/// What is in it.
pub(crate) const BYTES: &[u8] = b"\xFF\xD8\xFF a picture";

fn attachment(id: &str) -> Attachment {
    Attachment {
        attachment_id: id.to_owned(),
        media_type: "image/jpeg".to_owned(),
        size: BYTES.len() as u64,
        public: true,
        ..Attachment::default()
    }
}

/// Intake takes what begins like a picture, and gives each file another id.
pub(crate) fn takes_files(fake: &Fake) -> Arc<Mutex<Vec<(String, usize)>>> {
    let came: Arc<Mutex<Vec<(String, usize)>>> = Arc::default();
    fake.on("IntakeService/IssueUploadToken", |_: IssueUploadTokenRequest| {
        Ok(IssueUploadTokenResponse { upload_token: "a-token".to_owned(), ..Default::default() })
    });
    let noted = Arc::clone(&came);
    fake.on_all("IntakeService/UploadAttachment", move |parts: Vec<UploadAttachmentRequest>| {
        let mut bytes = Vec::new();
        let mut token = String::new();
        for part in parts {
            match part.part.unwrap() {
                Part::Header(header) => token = header.upload_token,
                Part::Chunk(chunk) => bytes.extend_from_slice(&chunk),
            }
        }
        if !bytes.starts_with(b"\xFF\xD8") {
            let mut details = ErrorDetails::with_error_info("FIELDS_INVALID", "intake", []);
            details.add_bad_request_violation("chunk", "no file of any type");
            return Err(Status::with_error_details(Code::InvalidArgument, "no", details));
        }
        let mut noted = noted.lock().unwrap();
        noted.push((token, bytes.len()));
        let id = format!("01920000-0000-7000-8000-{:012}", noted.len());
        Ok(UploadAttachmentResponse { attachment: Some(attachment(&id)) })
    });
    came
}

const WORDS: [(&str, &str); 5] = [
    ("office_id", "110000-s"),
    ("kind", "help"),
    ("title", "A street lamp is out"),
    ("body", "The lamp before number nine has been out for a week."),
    ("remark", "please ring"),
];

/// The fields of the form on `page`, with everything that is hidden in it.
fn fields<'p>(page: &'p [(String, String)], action: &'p str) -> Vec<(&'p str, &'p str)> {
    let hidden = page.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    hidden.chain(WORDS).chain([("action", action)]).collect()
}

/// What a form keeps: token, upload token, files.
fn kept(page: &Page) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in ["_token", "upload_token", "file"] {
        for part in page.text.split(&format!("name=\"{name}\" value=\"")).skip(1) {
            found.push((name.to_owned(), part.split_once('"').unwrap().0.to_owned()));
        }
    }
    found
}

pub(crate) async fn chosen(browser: &mut Browser, action: &str, files: &[(&str, &[u8])]) -> Page {
    let form = browser.get("/new").await;
    browser.send_files("/new", &fields(&kept(&form), action), files).await
}

#[tokio::test]
async fn files_survive_the_preview_and_go_with_the_message() {
    let portal = Running::start().await;
    let came = takes_files(&portal.fake);
    let sent: Arc<Mutex<Option<SubmitMessageRequest>>> = Arc::default();
    let noted = Arc::clone(&sent);
    portal.fake.on("IntakeService/SubmitMessage", move |request: SubmitMessageRequest| {
        *noted.lock().unwrap() = Some(request);
        Err::<SubmitMessageResponse, _>(Status::unavailable("a moment"))
    });
    let mut browser = portal.english();
    let two = [("lamp.jpg", BYTES), ("C:\\\\photos\\\\street <b>.jpg", BYTES)];
    let preview = chosen(&mut browser, "preview", &two).await;
    assert_eq!(preview.status, StatusCode::OK);
    assert!(preview.text.contains("lamp.jpg") && preview.text.contains("for the office alone"));
    assert!(!preview.text.contains("<b>"), "names are text");
    let tokens = came.lock().unwrap().clone();
    assert_eq!(tokens, vec![("a-token".to_owned(), BYTES.len()); 2]);

    // Back to the form: one is made public, another one is chosen.
    let hidden = kept(&preview);
    assert_eq!(hidden.iter().filter(|(name, _)| name == "file").count(), 2);
    let form = browser.post("/new", &fields(&hidden, "edit")).await;
    assert!(form.text.contains("type=\"checkbox\" name=\"file_public\""));
    let hidden = kept(&form);
    let mut all = fields(&hidden, "preview");
    all.push(("file_public", "01920000-0000-7000-8000-000000000002"));
    let preview = browser.send_files("/new", &all, &[("third.jpg", BYTES)]).await;
    assert!(preview.text.contains("third.jpg") && preview.text.contains("everybody may see it"));
    assert_eq!(portal.fake.count("IntakeService/IssueUploadToken"), 1);

    // One is removed, and the rest is sent.
    let hidden = kept(&preview);
    let mut all = fields(&hidden, "remove:01920000-0000-7000-8000-000000000001");
    all.push(("file_public", "01920000-0000-7000-8000-000000000002"));
    let form = browser.post("/new", &all).await;
    assert!(!form.text.contains("lamp.jpg") && form.text.contains("third.jpg"));
    let hidden = kept(&form);
    let mut all = fields(&hidden, "submit");
    all.push(("file_public", "01920000-0000-7000-8000-000000000002"));
    let answer = browser.send_files("/new", &all, &[]).await;
    assert!(answer.text.contains("third.jpg"), "nothing is lost while intake is away");
    let message = sent.lock().unwrap().take().unwrap().message.unwrap();
    assert_eq!(message.upload_token, "a-token");
    let files: Vec<_> =
        message.attachments.iter().map(|it| (&it.attachment_id[35..], it.public)).collect();
    assert_eq!(files, [("2", true), ("3", false)]);
}

#[tokio::test]
async fn a_key_that_sends_the_form_removes_no_file_from_it() {
    let portal = Running::start().await;
    takes_files(&portal.fake);
    let mut browser = portal.english();
    let preview = chosen(&mut browser, "preview", &[("lamp.jpg", BYTES)]).await;
    let form = browser.post("/new", &fields(&kept(&preview), "edit")).await;
    form.shows(&["value=\"remove:"]);
    // Browsers press the first button of a form for whoever presses Enter in a field.
    let buttons = form.text.split_once("enctype=").unwrap().1.split_once("<button").unwrap().1;
    let first = buttons.split_once('>').unwrap().0;
    assert!(first.contains("name=\"action\" value=\"preview\""), "{first}");
    // And what was typed stands before the files, so that it is read before them.
    let files = form.text.find("type=\"file\"").unwrap();
    for name in ["title", "remark", "name", "phone", "visibility"] {
        assert!(form.text.find(&format!("name=\"{name}\"")).unwrap() < files, "{name}");
    }
}

#[tokio::test]
async fn a_file_that_is_refused_holds_the_message_and_loses_nothing() {
    let portal = Running::start().await;
    takes_files(&portal.fake);
    let mut browser = portal.english();
    let files = [("good.jpg", BYTES), ("bad.gif", b"GIF89a".as_slice())];
    let form = chosen(&mut browser, "submit", &files).await;
    assert_eq!(form.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(form.text.contains("bad.gif: no file of any type"));
    assert!(form.text.contains("good.jpg") && form.text.contains("A street lamp is out"));
    assert_eq!(portal.fake.count("IntakeService/SubmitMessage"), 0);
    let six: Vec<(&str, &[u8])> = (0..6).map(|_| ("a.jpg", BYTES)).collect();
    let form = chosen(&mut browser, "preview", &six).await;
    assert!(form.text.contains("at most 5 files"));
    assert_eq!(form.text.matches("name=\"file\"").count(), 5);
}

#[tokio::test]
async fn files_of_a_message_that_was_withdrawn_have_to_be_chosen_again_for_a_new_one() {
    let portal = Running::start().await;
    takes_files(&portal.fake);
    portal.fake.on("IntakeService/SubmitMessage", |_: SubmitMessageRequest| {
        let withdrawn = samples::refused(Class::Exists, "MESSAGE_WITHDRAWN", &[]);
        Err::<SubmitMessageResponse, _>(withdrawn)
    });
    let mut browser = portal.english();
    let page = chosen(&mut browser, "submit", &[("lamp.jpg", BYTES)]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.shows(&["have withdrawn it", "id=\"files-wrong\"", "choose them again"]);
    // They are that message's, and intake would know no file of this name for a new one.
    page.hides(&["lamp.jpg", "value=\"a-token\""]);
}

#[tokio::test]
async fn a_form_that_is_not_ours_uploads_nothing() {
    let portal = Running::start().await;
    let came = takes_files(&portal.fake);
    let mut browser = portal.english();
    let form = browser.get("/new").await;
    let mut wrong = kept(&form);
    wrong[0].1.push('x');
    let refused = browser.send_files("/new", &fields(&wrong, "submit"), &[("a.jpg", BYTES)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    // Nor does one whose token comes after the file.
    let mut stranger = portal.english();
    let refused = stranger.send_files("/new", &[], &[("a.jpg", BYTES)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    // Other forms take no files.
    let token = kept(&form);
    let refused = browser.send_files("/mine", &fields(&token, ""), &[]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(came.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_video_of_many_megabytes_comes_through() {
    let portal = Running::start().await;
    let came = takes_files(&portal.fake);
    let mut browser = portal.english();
    let long = [BYTES, &[0; 12_000_000]].concat();
    let preview = chosen(&mut browser, "preview", &[("a.jpg", &long), ("b.jpg", &long)]).await;
    assert_eq!(preview.status, StatusCode::OK);
    let lengths: Vec<usize> = came.lock().unwrap().iter().map(|(_, length)| *length).collect();
    assert_eq!(lengths, [long.len(); 2]);
}

#[tokio::test]
async fn a_form_with_files_may_not_be_endless() {
    let portal = Running::with_files("form_bytes = 1000").await;
    takes_files(&portal.fake);
    let mut browser = portal.english();
    let long = [BYTES, &[0; 2_000]].concat();
    let refused = chosen(&mut browser, "submit", &[("a.jpg", &long)]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// Intake has one file of a message, and routing knows the message as public.
pub(crate) fn has_a_file(fake: &Fake) {
    fake.on("IntakeService/ListAttachments", |_: ListAttachmentsRequest| {
        Ok(ListAttachmentsResponse { attachments: vec![attachment(FILE)] })
    });
    fake.on_stream("IntakeService/DownloadAttachment", |_: DownloadAttachmentRequest| {
        let part = |part| DownloadAttachmentResponse { part: Some(part) };
        let (one, other) = BYTES.split_at(7);
        Ok(vec![
            part(download_attachment_response::Part::Attachment(attachment(FILE))),
            part(download_attachment_response::Part::Chunk(one.to_vec().into())),
            part(download_attachment_response::Part::Chunk(other.to_vec().into())),
        ])
    });
}

fn is_harmless(page: &Page, name: &str) {
    assert_eq!(page.status, StatusCode::OK);
    for (header, expected) in [
        ("content-disposition", format!("attachment; filename=\"{name}\"").as_str()),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("content-type", "image/jpeg"),
        ("content-length", &BYTES.len().to_string()),
    ] {
        assert_eq!(page.headers[header], expected);
    }
}

#[tokio::test]
async fn everybody_gets_the_public_files_of_a_public_message_and_can_do_nothing_with_them_but_save()
{
    let portal = Running::start().await;
    has_a_file(&portal.fake);
    let number = samples::ANSWERED;
    let mut browser = portal.english();
    let page = browser.get(&format!("/m/{number}")).await;
    assert!(page.text.contains(&format!("/files/{number}/{FILE}")));
    let file = browser.get(&format!("/files/{number}/{FILE}")).await;
    is_harmless(&file, &format!("{number}-1.jpg"));
    assert_eq!(file.headers["cache-control"], "public, max-age=60");
    let asked = portal.fake.last("IntakeService/DownloadAttachment");
    assert!(asked.contains_key("authorization"), "in the portal's own name");
    for nothing in [
        format!("/files/{number}/01920000-0000-7000-8000-000000000009"),
        format!("/files/{number}/x"),
        format!("/files/..%2F..%2Fetc/{FILE}"),
        format!("/files/%22%0d%0aevil:1/{FILE}"),
        format!("/files/{number}/{FILE}?review=x"),
    ] {
        let page = browser.get(&nothing).await;
        assert_ne!(page.status, StatusCode::OK, "{nothing}");
    }
    portal.fake.on("CaseService/GetCase", |_: routing::GetCaseRequest| {
        Err::<routing::GetCaseResponse, _>(Status::not_found("no"))
    });
    assert_eq!(browser.get(&format!("/files/{number}/{FILE}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn officials_see_files_by_a_token_of_the_service_that_knows_their_right() {
    let portal = Running::start().await;
    has_a_file(&portal.fake);
    portal.fake.on(
        "CaseService/IssueAttachmentToken",
        |_: routing::IssueAttachmentTokenRequest| {
            Ok(routing::IssueAttachmentTokenResponse {
                attachment_token: "for-a-case".to_owned(),
                ..Default::default()
            })
        },
    );
    portal.fake.on(
        "ReviewService/IssueAttachmentToken",
        |_: moderation::IssueAttachmentTokenRequest| {
            Ok(moderation::IssueAttachmentTokenResponse {
                attachment_token: "for-a-review".to_owned(),
                ..Default::default()
            })
        },
    );
    for (role, query, token) in
        [(Role::Clerk, "case=c1", "for-a-case"), (Role::Moderator, "review=m1", "for-a-review")]
    {
        let mut official = staff::staff(&portal, role, &["330106-g"]).await;
        let file = official.get(&format!("/files/A1-B2/{FILE}?{query}")).await;
        is_harmless(&file, "A1-B2-1.jpg");
        assert_eq!(file.headers["cache-control"], "private, no-store");
        let asked = portal.fake.last("IntakeService/DownloadAttachment");
        assert_eq!(asked["authorization"], format!("Bearer {token}"));
        let mut citizen = portal.english();
        let refused = citizen.get(&format!("/files/A1-B2/{FILE}?{query}")).await;
        assert_ne!(refused.status, StatusCode::OK);
    }
}
