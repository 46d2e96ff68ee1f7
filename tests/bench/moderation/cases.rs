//! Sentences with something to find, and sentences without, made by chance.

use super::{random::Random, values};

/// A text, and what is to be found in it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The detector it tries.
    pub(crate) detector: &'static str,
    /// What is read.
    pub(crate) text: String,
    /// What must be found, if anything.
    pub(crate) value: Option<String>,
}

/// What tries a detector.
struct Kind {
    detector: &'static str,
    make: fn(&mut Random) -> String,
    make_none: fn(&mut Random) -> String,
    around: &'static [&'static str],
    around_none: &'static [&'static str],
}

/// Sentences that leave open what stands in them.
const OPEN: &[&str] = &[
    "{}",
    "小区门口的路灯坏了三个月，{}，请尽快维修。",
    "请你们核实一下：{}。谢谢！",
    "我在窗口等了两个小时，工作人员让我报{}，之后就没有下文。",
    "情况如下（{}）希望有关部门重视",
    "噪音扰民的事已反映多次{}至今没有答复",
];

const KINDS: &[Kind] = &[
    Kind {
        detector: "identity",
        make: values::identity,
        make_none: values::no_identity,
        around: &[
            "我的身份证号是{}，请查一下社保。",
            "身份证号码：{}。",
            "证件{}办理居住证",
            "本人{}反映情况",
            "{}",
            "公民身份号码{}，缴费满十五年",
        ],
        around_none: &["这串号码{}查不到", "系统显示{}，请解释", "{}", "验收清单上写着{}"],
    },
    Kind {
        detector: "mobile",
        make: values::mobile,
        make_none: values::no_mobile,
        around: &[
            "请联系{}谢谢",
            "电话：{}，请回电。",
            "我的手机{}一直没人打来",
            "{}",
            "有事打{}，找我",
            "投诉人{}，要求回复",
            "联系方式{} 或者到家里来",
        ],
        around_none: &["清单第三行是{}", "系统里显示{}，不知道什么意思", "{}", "写的是{}，请核实"],
    },
    Kind {
        detector: "mobile",
        make: values::mobile,
        make_none: |random| format!("1{}{}", random.pick_char("3456789"), random.digits(9)),
        around: &["打{}没有人接", "本人手机号{}被冒名开户"],
        around_none: &[
            "订单号{}还没有发货",
            "合同编号：{}",
            "流水号 {}",
            "总投资{}元",
            "股票代码旁边写着编号{}",
            "快递单号{}查不到",
            "水表号{}读数不对",
            "金额：{}元",
        ],
    },
    Kind {
        detector: "landline",
        make: values::landline,
        make_none: values::no_landline,
        around: &["请打{}找我", "办公室电话{}没人接", "传真{}", "{}", "我拨打{}投诉"],
        around_none: &["我已经拨过{}", "读数是{}", "{}", "材料上写着{}", "坐标{}附近"],
    },
    Kind {
        detector: "bank-card",
        make: values::card,
        make_none: values::no_card,
        around: &["卡号{}，请退款", "工资打到{}", "{}", "我的银行卡{}被冻结", "钱转到了{}这个账户"],
        around_none: &["订单{}没有发货", "回单上的编号{}", "{}", "系统里有一串数字{}"],
    },
    Kind {
        detector: "plate",
        make: values::plate,
        make_none: values::no_plate,
        around: &[
            "车牌{}的车占道",
            "{}天天停在门口",
            "{}",
            "看到一辆{}闯红灯",
            "司机开的是{}，态度恶劣",
        ],
        around_none: &["门口写着{}", "{}", "文件提到{}", "请问{}怎么走"],
    },
    Kind {
        detector: "email",
        make: values::email,
        make_none: values::no_email,
        around: &["邮箱{}，请回", "发到{}谢谢", "{}", "材料请寄 {} 收"],
        around_none: &["群里发了{}", "{}", "页面是{}", "请看{}"],
    },
    Kind {
        detector: "address",
        make: values::address,
        make_none: values::no_address,
        around: &[
            "家住幸福里{}，楼上漏水",
            "我是幸福家园{}的业主",
            "{}",
            "地址：幸福路幸福村{}。",
            "请到{}看看",
        ],
        around_none: &["{}坏了", "{}", "在{}等了半天", "从{}过来"],
    },
    Kind {
        detector: "words",
        make: words,
        make_none: no_words,
        around: &["你们{}", "{}", "办事的人{}，态度恶劣", "这些{}什么时候管管", "真是{}！"],
        around_none: &["{}", "最近{}", "请问{}，谢谢", "反映{}的问题"],
    },
];

/// So many cases of each kind; every second has nothing to find.
pub(crate) fn cases(seed: u64, each: usize) -> Vec<Case> {
    let mut random = Random::new(seed);
    let mut cases = Vec::with_capacity(KINDS.len() * each);
    for kind in KINDS {
        for at in 0..each {
            let found = at % 2 == 0;
            let own = if found { kind.around } else { kind.around_none };
            let open =
                random.below(3) == 0 && !(found && own.len() == 2) && kind.around_none.len() < 8;
            let around = *random.pick(if open { OPEN } else { own });
            let value =
                if found { (kind.make)(&mut random) } else { (kind.make_none)(&mut random) };
            cases.push(Case {
                detector: kind.detector,
                text: around.replace("{}", &value),
                value: found.then_some(value),
            });
        }
    }
    cases
}

/// Words that a person should look at, perhaps disguised.
fn words(random: &mut Random) -> String {
    const WORDS: [&str; 16] = [
        "操你妈",
        "他妈的",
        "傻逼",
        "王八蛋",
        "狗日的",
        "王八羔子",
        "畜生不如",
        "臭婊子",
        "代开发票",
        "刷单兼职",
        "时时彩",
        "狗杂种",
        "去你妈的",
        "日你先人",
        "裸聊",
        "无抵押贷款",
    ];
    let word = *random.pick(&WORDS);
    let part = |sign: &str| {
        let chars: Vec<String> = word.chars().map(String::from).collect();
        chars.join(sign)
    };
    match random.below(10) {
        0 => part("\u{200b}"),
        1 => part(" "),
        2 => part("*"),
        3 => part("\u{2060}"),
        4 => part("·"),
        5 => format!("\u{202e}{}\u{202c}", word.chars().rev().collect::<String>()),
        6 => word.replace('妈', "媽").replace('发', "發").replace('贷', "貸"),
        7 => word.replace("傻逼", "煞笔").replace("操你妈", "草泥马"),
        8 if word.chars().count() > 2 => part("."),
        _ => word.to_owned(),
    }
}

/// Ordinary phrases in which such words stand by chance.
fn no_words(random: &mut Random) -> String {
    const PHRASES: [&str; 40] = [
        "路口交通信号灯",
        "窗口交费排队",
        "十字路口交叉处",
        "我妈妈的医保卡",
        "爸妈的养老金",
        "人口交流会",
        "港口交界处",
        "一次性交清学费",
        "恶性交通事故",
        "公益性交易平台",
        "多做爱心活动",
        "做爱国的人",
        "第三级片区管网",
        "这是下。贱卖了",
        "体操你妈妈也会",
        "长沙比武汉热",
        "流沙比例",
        "现代开发票据系统",
        "早操你们去吗",
        "今日你妈来过",
        "我妈的社保断了",
        "陪他妈的医药费",
        "智障儿童学校",
        "畜生粪便处理",
        "杂种优势的水稻",
        "每月每人口交三十元",
        "性交易场所查处",
        "进出口交货",
        "户口交由派出所",
        "二货车相撞",
        "沙雕塑像",
        "货款到发货时间",
        "下贱价处理",
        "请你妈妈来",
        "出入口交警指挥",
        "银行贷款发放",
        "发票开具慢",
        "免费公交卡",
        "鸡粪污染",
        "狗日夜叫",
    ];
    (*random.pick(&PHRASES)).to_owned()
}
