//! Plates and addresses, and what only looks like them.

use super::random::{Random, han, wide};

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
const LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";

/// A licence plate, in one of the ways in which people write it.
pub(crate) fn plate(random: &mut Random) -> String {
    let office = format!("{}{}", random.letter(PROVINCES), random.letter(LETTERS));
    let gap = random.pick(&["", "", "", "·", " ", "-", ".", "•"]);
    let mut serial = random.digits(5);
    if random.once_in(2) {
        let letter = random.letter(LETTERS).to_string();
        let at = usize::try_from(random.within(0, 5)).unwrap();
        serial.replace_range(at..=at, &letter);
    }
    let four = random.digits(4);
    match random.within(0, 18) {
        16 => format!("{office} {four} 挂"),
        17 => format!("{office}—{serial}"),
        0 => format!("{office}{gap}{}{}", random.letter("DF"), random.digits(5)),
        1 => format!("{office}{gap}{}{}", random.digits(5), random.letter("DF")),
        2 => format!(
            "{office}{gap}{}{}{}",
            random.letter("ABCDEFGHJK"),
            random.letter(LETTERS),
            four
        ),
        3 => format!("粤Z{gap}{four}{}", random.letter("港澳")),
        4 => format!("{office}{gap}{four}警"),
        5 => format!("{office}{gap}{four}{}", random.letter("学挂")),
        6 => wide(&format!("{office}{serial}")),
        7 => format!("{office}{gap}{serial}").to_lowercase(),
        8 => format!("WJ{}{four}{}", random.letter(PROVINCES), random.letter("0123456789XTJ")),
        9 => format!("使{}", random.digits(6)),
        10 => {
            let mut chars = office.chars();
            let (province, letter) = (chars.next().unwrap(), chars.next().unwrap());
            format!("{province} {letter}{serial}")
        }
        _ => format!("{office}{gap}{serial}"),
    }
}

/// Like a licence plate, and none.
pub(crate) fn no_plate(random: &mut Random) -> String {
    let province = random.letter(PROVINCES);
    let letter = random.letter(LETTERS);
    match random.within(0, 16) {
        0 => format!("{province}{}{}", random.letter("IO"), random.digits(5)),
        1 => format!("{}{letter}{}", random.letter("港台中国省市区电话号"), random.digits(5)),
        2 => format!("{letter}{}", random.digits(5)),
        3 => format!("{province}{letter}{}", random.digits(3)),
        4 => format!("{province}{letter}{}", random.digits(8)),
        5 => format!("G{}高速", random.within(1, 99)),
        6 => format!("K{}次列车", random.within(100, 999)),
        7 => format!("{province}{letter}****{}", random.digits(1)),
        8 => format!("{province}{letter}股上涨{}点", random.within(10, 99)),
        9 => format!("编号{letter}{}", random.digits(6)),
        10 => format!("{province}政发〔2023〕{}号", random.within(1, 99)),
        11 => format!("{province}A{}年", random.within(2010, 2026)),
        12 => format!("{}{}号线", random.pick(&["地铁", "轨道交通"]), random.within(1, 18)),
        13 => format!("在使用{}张", random.digits(6)),
        14 => format!("X{}县道", random.digits(3)),
        _ => format!("{}{letter}座", random.pick(&["商务楼", "写字楼", "大厦"])),
    }
}

fn street(random: &mut Random) -> String {
    let name = random.pick(&[
        "中山", "解放", "人民", "文昌", "和平", "建设", "青年", "西湖", "长江", "朝阳", "滨河",
        "学院",
    ]);
    format!("{name}{}", random.pick(&["路", "街", "大道", "东路", "北街"]))
}

fn estate(random: &mut Random) -> String {
    let name = random
        .pick(&["幸福", "阳光", "金色", "翡翠", "御景", "凤凰", "绿城", "紫荆", "水岸", "锦绣"]);
    format!("{name}{}", random.pick(&["花园", "小区", "家园", "华庭", "新村", "公寓", "里"]))
}

/// An address to the door.
pub(crate) fn address(random: &mut Random) -> String {
    let (street, estate) = (street(random), estate(random));
    let (y, z, w) = (random.within(1, 400), random.within(1, 60), random.within(1, 7));
    let v = random.within(1, 33) * 100 + random.within(1, 9);
    let building = random.pick(&["栋", "幢", "号楼", "座", "#楼", "#"]);
    match random.within(0, 25) {
        22 => format!("{estate}{z}号楼{}单元{v}室", random.letter("东西")),
        23 => format!("{estate}{z}栋{w}单元{}楼{v}", v / 100),
        24 => format!("{estate}{z}#{v}"),
        0 | 1 => format!("{street}{y}号{z}{building}{w}单元{v}室"),
        2 => format!("{street}{y}号{z}栋{v}室"),
        3 => format!("{estate}{z}{building}{w}单元{v}"),
        4 => format!("{estate}{z}-{w}-{v}室"),
        5 => format!("{estate}{z}栋{w}-{v}"),
        6 => {
            let door = format!("{z}栋{w}单元{v}室");
            let door = han(random, &door);
            format!("{estate}{door}")
        }
        7 => format!("{estate}{}座{v}室", random.letter("ABCDEF")),
        8 => format!("{street}{y}弄{z}号{v}室"),
        9 => format!("{estate}{z} 栋 {w} 单元 {v} 室"),
        10 => format!("{estate}{z}号楼{w}门{v}"),
        11 => format!("{estate}{z}幢{w}单元{}楼{v}室", v / 100),
        12 => format!("{street}{y}号{v}室"),
        13 => format!("{estate}{z}栋{v}房"),
        14 => format!("{}村{w}组{z}号", random.pick(&["柳树", "石桥", "大塘", "王家", "上马"])),
        15 => wide(&format!("{estate}{z}栋{w}单元{v}室")),
        16 => format!("{street}{y}号院{z}号楼{w}单元{v}室"),
        17 => format!("{estate}{w}期{z}栋{v}室"),
        18 => format!("{estate}{z}栋，{w}单元，{v}室"),
        19 => format!("{street}{y}号{estate}{z}栋{w}单元{v}号"),
        20 => format!("{estate}{z}栋（{w}单元）{v}室"),
        _ => format!("{estate}{z}栋{w}单元{v}室"),
    }
}

/// Streets, buildings and counts that are nobody's door.
pub(crate) fn no_address(random: &mut Random) -> String {
    let (street, estate) = (street(random), estate(random));
    let (y, z, w) = (random.within(1, 400), random.within(1, 60), random.within(1, 7));
    match random.within(0, 24) {
        0 => format!("{street}与{}交叉口", self::street(random)),
        1 => format!("{street}{y}号"),
        2 => format!("{street}{y}号附近"),
        3 => format!("G{z}高速K{y}+{}", random.digits(3)),
        4 => format!("{y}国道{z}公里处"),
        5 => format!("{estate}{z}号楼电梯"),
        6 => format!("{estate}{z}栋楼下"),
        7 => format!("{estate}{z}栋{w}单元门禁"),
        8 => format!("共{z}栋楼{y}户"),
        9 => format!("{z}栋{w}单元共{}户", random.within(10, 90)),
        10 => format!("地铁{w}号线{w}号口"),
        11 => format!("{estate}{z}栋{}户业主", random.within(100, 900)),
        12 => format!("{z}号楼{}平方米", random.within(100, 9_999)),
        13 => format!("{estate}{w}期{z}栋2023年交付"),
        14 => format!("{y}路公交{z}站"),
        15 => format!("{estate}{z}幢{}层楼", random.within(6, 33)),
        16 => format!("{street}{w}段{y}米"),
        17 => format!("{}村{w}组村民{y}人", random.pick(&["柳树", "石桥", "大塘"])),
        18 => format!("{z}栋均价{}元", random.within(3_000, 30_000)),
        19 => format!("第{z}单元测验{}分", random.within(60, 100)),
        20 => format!("{street}小学{w}年级{z}班"),
        21 => format!("{street}{y}-{}号", y + random.within(1, 60)),
        22 => format!("{z}号楼{w}单元{}楼", random.within(1, 33)),
        _ => format!("{estate}{z}、{}号楼之间", z + 1),
    }
}
