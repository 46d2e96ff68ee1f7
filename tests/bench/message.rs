//! The message that is submitted: some 600 bytes of text, and an author of their own.

use liuyan_kit::id;
use liuyan_proto::liuyan::{
    common::v1::{Channel, Visibility},
    intake::v1::{Author, NewMessage, SubmitMessageRequest},
};

/// The office it is for.
pub(crate) const OFFICE: &str = "110000-s";
/// Its kind.
pub(crate) const KIND: &str = "enquiry";
/// Its domain.
pub(crate) const DOMAIN: &str = "7";

/// 193 characters, 579 bytes of UTF-8.
const BODY: &str = "我们小区东门外的人行道去年秋天铺管线时挖开，后来只用碎石填了一层，下雨以后积水很深，老人和推婴儿车的人只能走到机动车道上，早晚高峰车多，很危险。物业说路面归街道管，街道说施工单位还没有移交，已经来回问过三次，没有人说得清什么时候能够恢复。请问这一段路由哪个部门负责，计划在哪一天以前修好，修好以前能不能先铺上防滑的钢板，并在夜里点亮警示灯？另外，盲道在这里断了四十多米，希望一起接上，谢谢。";

/// One that nobody has sent before.
pub(crate) fn fresh() -> SubmitMessageRequest {
    let id = id::v7(liuyan_kit::testing::now());
    // The end of it is random.
    let tail = u32::from_be_bytes([0, id.as_bytes()[13], id.as_bytes()[14], id.as_bytes()[15]]);
    SubmitMessageRequest {
        request_id: id.to_string(),
        message: Some(NewMessage {
            office_id: OFFICE.to_owned(),
            kind: KIND.to_owned(),
            domain: DOMAIN.to_owned(),
            title: "东门外的人行道何时恢复".to_owned(),
            body: BODY.to_owned(),
            visibility: Visibility::Public.into(),
            channel: Channel::Api.into(),
            locale: "zh-CN".to_owned(),
            author: Some(Author {
                name: "留言人".to_owned(),
                phone: format!("139{:08}", tail % 100_000_000),
            }),
            ..NewMessage::default()
        }),
        historical: None,
    }
}
