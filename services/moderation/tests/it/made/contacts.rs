//! Addresses on the net, and what only looks like them.

use super::random::{Random, wide};

const SMALL: &str = "abcdefghijklmnopqrstuvwxyz";
const ANY: &str = "abcdefghijklmnopqrstuvwxyz0123456789";

fn local(random: &mut Random) -> String {
    let (name, more) = (random.within(3, 9), random.within(2, 6));
    let name = random.letters(SMALL, name);
    match random.within(0, 4) {
        0 => format!("{name}.{}", random.letters(SMALL, more)),
        1 => format!("{name}_{}", random.digits(3)),
        2 => random.within(10_000, 3_000_000_000).to_string(),
        _ => format!("{name}{}", random.within(1, 99)),
    }
}

/// An e-mail address, in one of the ways in which people write it.
pub(crate) fn email(random: &mut Random) -> String {
    let (local, house) =
        (local(random), random.pick(&["qq", "163", "126", "sina", "example", "mail-box", "139"]));
    let top = random.pick(&["com", "cn", "net", "com.cn", "org"]);
    let plain = format!("{local}@{house}.{top}");
    match random.within(0, 18) {
        16 => format!("{local} (at) {house}.{top}"),
        17 => format!("{local}@{house} . {top}"),
        0 => format!(
            "{local}{}{house}.{top}",
            random.pick(&["(at)", "[at]", "{at}", "（at）", "(AT)"])
        ),
        1 => format!("{local} at {house}.{top}"),
        2 => format!("{local}{}{house}.{top}", random.pick(&["艾特", "（艾特）", "#"])),
        3 => plain.to_uppercase(),
        4 => wide(&plain),
        5 => format!("{local}＠{house}.{top}"),
        6 => format!("{local}@{house}点{top}"),
        7 => format!("{local}@{house}。{top}"),
        8 => format!("{local}艾特{house}点com"),
        9 => format!("{local}@vip.{house}.{top}"),
        10 => format!("{local} @ {house}.{top}"),
        11 => format!("{local}(at){house}(dot)com"),
        _ => plain,
    }
}

/// Like an e-mail address, and none.
pub(crate) fn no_email(random: &mut Random) -> String {
    let name = random.letters(SMALL, 5);
    match random.within(0, 10) {
        0 => format!("@{}", random.pick(&["城管局", "人民日报", "市长信箱", "12345热线"])),
        1 => format!("{name}@18.0.{}", random.within(1, 9)),
        2 => format!("C#.net和{name}"),
        3 => format!("#{}#", random.pick(&["交通拥堵", "物业收费", "路灯维修"])),
        4 => format!("{name} at home"),
        5 => format!("www.{name}.com"),
        6 => format!("https://{name}.gov.cn/a?id={}", random.digits(4)),
        7 => format!("{}@{}元", random.within(1, 9), random.within(10, 99)),
        8 => format!("{}#楼", random.within(1, 30)),
        _ => format!("{name}.docx"),
    }
}

/// A QQ number or a WeChat id after the word that says so: the id, and the whole.
pub(crate) fn messenger(random: &mut Random) -> String {
    let length = usize::try_from(random.within(5, 11)).unwrap();
    let number = format!("{}{}", random.letter("123456789"), random.digits(length - 1));
    let more = random.within(4, 10);
    let id =
        format!("{}_{}{}", random.letters(SMALL, 3), random.letters(ANY, more), random.digits(1));
    if random.once_in(2) {
        let word = random.pick(&[
            "QQ：",
            "QQ:",
            "qq号",
            "QQ ",
            "扣扣",
            "企鹅号：",
            "加QQ",
            "QQ号码是",
            "ＱＱ：",
            "q号",
        ]);
        format!("{word}{number}")
    } else {
        let word = random.pick(&[
            "微信：",
            "微信号",
            "加微信",
            "VX：",
            "vx:",
            "wx ",
            "微信号是",
            "加V:",
            "薇信",
            "WeChat: ",
            "v信",
        ]);
        format!("{word}{id}")
    }
}

/// Sentences about messengers without an id.
pub(crate) fn no_messenger(random: &mut Random) -> String {
    match random.within(0, 10) {
        0 => format!("QQ群里有{}人", random.within(100, 500)),
        1 => format!("微信支付{}元", random.within(100, 90_000)),
        2 => "微信公众号没有更新".to_owned(),
        3 => format!("微信步数{}", random.within(1_000, 30_000)),
        4 => "QQ浏览器打不开网页".to_owned(),
        5 => format!("微信转账{}元", random.within(1_000, 90_000)),
        6 => "在微信小程序上提交".to_owned(),
        7 => format!("微信群{}人", random.within(100, 500)),
        8 => "业主微信群不让说话".to_owned(),
        _ => format!("QQ邮箱{}年前的邮件", random.within(2, 9)),
    }
}
