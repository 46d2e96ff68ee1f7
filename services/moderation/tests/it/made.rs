//! Made texts of which it is known what is to be found in them. Nobody's data: years of birth are of the
//! nineteenth century, everything else is chance.

mod contacts;
mod persons;
mod places;
mod random;
mod telephones;

use random::Random;

/// A text, and what is to be found in it.
pub(crate) struct Case {
    /// The kind of data.
    pub(crate) kind: &'static str,
    /// The text.
    pub(crate) text: String,
    /// What is to be found; `None` if nothing is.
    pub(crate) value: Option<String>,
}

struct Kind {
    name: &'static str,
    make: fn(&mut Random) -> String,
    make_none: fn(&mut Random) -> String,
    before: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind {
        name: "identity",
        make: persons::identity,
        make_none: persons::no_identity,
        before: &["身份证号", "身份证号码：", "本人证件号", "，", "公民身份号码为"],
    },
    Kind {
        name: "mobile",
        make: telephones::mobile,
        make_none: telephones::no_mobile,
        before: &["手机", "电话：", "请联系", "联系方式", "打给我", "，", "我的号码是"],
    },
    Kind {
        name: "landline",
        make: telephones::landline,
        make_none: telephones::no_landline,
        before: &["电话：", "家里电话", "座机", "请致电", "联系电话是"],
    },
    Kind {
        name: "bank-card",
        make: persons::card,
        make_none: persons::no_card,
        before: &["银行卡号", "打到卡上", "账号：", "，", "工资卡是"],
    },
    Kind {
        name: "plate",
        make: places::plate,
        make_none: places::no_plate,
        before: &["车牌号", "车主", "，", "一辆", "牌照为", "看见"],
    },
    Kind {
        name: "email",
        make: contacts::email,
        make_none: contacts::no_email,
        before: &["邮箱", "邮箱：", "请发到", "，", "电子邮件地址是"],
    },
    Kind {
        name: "address",
        make: places::address,
        make_none: places::no_address,
        before: &["家住", "地址：", "我是", "，", "就在"],
    },
    Kind {
        name: "messenger",
        make: contacts::messenger,
        make_none: contacts::no_messenger,
        before: &["", "，", "联系我", "请加", "（"],
    },
];

/// Ordinary parts of messages, before and after.
const OPENINGS: &[&str] = &[
    "",
    "您好，",
    "路灯坏了一个月没有人修，",
    "小区停水三天了，",
    "反映一个问题：",
    "去年交的材料至今没有回音。",
    "物业一直不处理\n",
    "请领导关注。",
    "我想咨询公租房的申请条件，",
];
const CLOSINGS: &[&str] = &[
    "",
    "。",
    "，谢谢！",
    "，请尽快处理。",
    "\n期待答复",
    "，已经反映过三次。",
    "！",
    "的问题希望解决",
    " 谢谢领导",
    "；孩子明年上学。",
];
/// What stands before something that only looks like data.
const PLAIN: &[&str] = &["", "看到", "说是", "，", "通知上写着", "一共", "关于", "涉及"];

/// So many cases of each kind; of every second nothing is to be found.
pub(crate) fn cases(seed: u64, each: usize) -> Vec<Case> {
    let mut random = Random::new(seed);
    let mut cases = Vec::with_capacity(KINDS.len() * each);
    for kind in KINDS {
        for at in 0..each {
            let right = at % 2 == 0;
            let value =
                if right { (kind.make)(&mut random) } else { (kind.make_none)(&mut random) };
            let before = random.pick(if right { kind.before } else { PLAIN });
            let (opening, closing) = (random.pick(OPENINGS), random.pick(CLOSINGS));
            cases.push(Case {
                kind: kind.name,
                text: format!("{opening}{before}{value}{closing}"),
                value: right.then_some(value),
            });
        }
    }
    cases
}
