//! Who sees which files.

use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::moderation::v1::{MessageApproved, MessageWithdrawn};
use tonic::Code;
use uuid::Uuid;

use super::{a_message_with_two, download, list};
use crate::helpers::{Desk, anonymous, author_of, caller, reason};

/// What the portal is when nobody is signed in.
fn portal() -> Caller {
    caller("portal", &["attachment:public"])
}

async fn approve(desk: &Desk, id: Uuid) {
    let approved =
        MessageApproved { message_id: id.to_string(), revision: 1, ..Default::default() };
    desk.hear(id, approved).await.unwrap();
}

#[tokio::test]
async fn the_author_sees_all_and_nobody_else_before_it_is_public() {
    let desk = Desk::open().await;
    let (id, picture, document) = a_message_with_two(&desk).await;
    let author = author_of(id);
    assert_eq!(list(&desk, &author, id).await.unwrap().len(), 2);
    download(&desk, &author, id, &document).await.unwrap();
    for who in [anonymous(), author_of(Uuid::from_u128(9)), caller("clerk", &["case:work"])] {
        let refused = list(&desk, &who, id).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "OTHER_MESSAGE")
        );
        assert!(download(&desk, &who, id, &picture).await.is_err());
    }
    assert_eq!(list(&desk, &portal(), id).await.unwrap_err().code(), Code::NotFound);
    let refused = download(&desk, &portal(), id, &picture).await.unwrap_err();
    assert_eq!(reason(&refused), "ATTACHMENT_NOT_FOUND");
}

#[tokio::test]
async fn everybody_sees_what_is_for_everybody_while_the_message_is_public() {
    let desk = Desk::open().await;
    let (id, picture, document) = a_message_with_two(&desk).await;
    approve(&desk, id).await;
    let shown = list(&desk, &portal(), id).await.unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].attachment_id, picture.attachment_id);
    download(&desk, &portal(), id, &picture).await.unwrap();
    let refused = download(&desk, &portal(), id, &document).await.unwrap_err();
    assert_eq!(reason(&refused), "ATTACHMENT_NOT_FOUND");
    let withdrawn = MessageWithdrawn { message_id: id.to_string(), ..Default::default() };
    desk.hear(id, withdrawn).await.unwrap();
    assert!(download(&desk, &portal(), id, &picture).await.is_err());
}

#[tokio::test]
async fn a_token_for_the_files_of_one_message_opens_no_other() {
    let desk = Desk::open().await;
    let (id, _, document) = a_message_with_two(&desk).await;
    let (other, theirs, _) = a_message_with_two(&desk).await;
    let official = caller(&format!("files/{id}/identity/a-clerk"), &["attachment:read"]);
    assert_eq!(list(&desk, &official, id).await.unwrap().len(), 2);
    download(&desk, &official, id, &document).await.unwrap();
    assert_eq!(reason(&list(&desk, &official, other).await.unwrap_err()), "OTHER_MESSAGE");
    assert!(download(&desk, &official, other, &theirs).await.is_err());
    // Nor by the id of another message's file.
    let refused = download(&desk, &official, id, &theirs).await.unwrap_err();
    assert_eq!(reason(&refused), "ATTACHMENT_NOT_FOUND");
    let nothing = caller("files//x", &["attachment:read"]);
    assert!(list(&desk, &nothing, id).await.is_err());
}
