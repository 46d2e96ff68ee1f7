//! Telephone numbers of persons, and numbers that are public or none.

use super::random::{Random, grouped, han, parted, wide};

/// A mobile number, in one of the ways in which people write it.
pub(crate) fn mobile(random: &mut Random) -> String {
    let number = format!("1{}{}", random.letter("3456789"), random.digits(9));
    let sign = random.pick(&[" ", "-", ".", "·", "—", "_", "  "]);
    match random.within(0, 29) {
        26 => format!("{}-{}", grouped(&number[..7], &[3], "."), &number[7..]),
        27 => han(random, &grouped(&number, &[3, 4], " ")),
        28 => format!("+86 ({}) {}-{}", &number[..3], &number[3..7], &number[7..]),
        0 | 1 => grouped(&number, &[3, 4], sign),
        2 => grouped(&number, &[3], sign),
        3 => grouped(&number, &[3, 3], sign),
        4 => grouped(&number, &[4, 4], sign),
        5 => grouped(&number, &[7], sign),
        6 => parted(&number, sign),
        7 => format!("+86{number}"),
        8 => format!("+86 {number}"),
        9 => format!("86-{number}"),
        10 => format!("+86-{}", grouped(&number, &[3, 4], "-")),
        11 => format!("0086 {number}"),
        12 => format!("（+86）{number}"),
        13 => wide(&number),
        14 => han(random, &number),
        15 => grouped(&number, &[3, 4], random.pick(&["*", "/", "、", "，", "~", "|"])),
        16 => number.replace('0', random.pick(&["o", "O", "〇", "零"])),
        17 => number.replace('1', random.pick(&["l", "I", "一"])).replace('0', "o"),
        18 => {
            let middle = han(random, &number[3..7]);
            format!("{}{middle}{}", &number[..3], &number[7..])
        }
        19 => grouped(&number, &[3, 4], "\u{200b}"),
        20 => number.chars().map(|c| format!("{c}\u{fe0f}\u{20e3}")).collect(),
        21 => grouped(&number, &[5], random.pick(&[" ", "-"])),
        22 => format!("({}){}", &number[..3], &number[3..]),
        _ => number,
    }
}

/// Like a mobile number, and none.
pub(crate) fn no_mobile(random: &mut Random) -> String {
    let number = format!("1{}{}", random.letter("3456789"), random.digits(9));
    match random.within(0, 18) {
        0 => format!("1{}{}", random.letter("012"), random.digits(9)),
        1 => number[..10].to_owned(),
        2 => format!("{number}{}", random.within(2, 10)),
        3 => format!("{}****{}", &number[..3], &number[7..]),
        4 => format!("{number}元"),
        5 => format!("{}.{}", random.within(20, 120), number),
        6 => format!("HT-2023-{number}"),
        7 => format!("工单号{number}"),
        8 => format!("{}{number}", random.letters("ABCDEFGHKLMN", 2)),
        9 => format!("（2023）浙0106民初{}号", random.digits(5)),
        10 => format!("〔2023〕{}号", random.within(1, 200)),
        11 => format!(
            "2023年{}月{}日{}:{:02}",
            random.within(1, 13),
            random.within(1, 29),
            random.within(8, 18),
            random.within(0, 60)
        ),
        12 => format!("{}万元", random.within(100, 99_999)),
        13 => format!("192.168.{}.{}", random.within(0, 255), random.within(0, 255)),
        14 => format!("2023{}{}", random.digits(4), random.digits(5)),
        15 => format!("{}路公交车", random.within(1, 999)),
        16 => format!("第{}条第{}款", random.within(1, 300), random.within(1, 9)),
        _ => format!("{number}{}", random.digits(8)),
    }
}

/// An area code, and how many digits follow it.
fn area(random: &mut Random) -> (&'static str, usize) {
    match random.within(0, 10) {
        0 => ("010", 8),
        1 => ("021", 8),
        2 => ("027", 8),
        3 => ("0571", 8),
        4 => ("0755", 8),
        5 => ("0591", 8),
        6 => ("0731", 8),
        7 => ("0913", 7),
        8 => ("0372", 7),
        _ => ("0475", 7),
    }
}

/// A landline, in one of the ways in which people write it.
pub(crate) fn landline(random: &mut Random) -> String {
    let (area, length) = area(random);
    let local = format!("{}{}", random.letter("2345678"), random.digits(length - 1));
    let halves = grouped(&local, &[length - 4], random.pick(&[" ", "-"]));
    let extension = random.within(1, 9_999);
    match random.within(0, 21) {
        18 => format!("电话{}", han(random, &format!("{area}{local}"))),
        19 => format!("({area}-{local})"),
        20 => format!("{area} - {local}"),
        0 => format!("({area}){local}"),
        1 => format!("（{area}）{local}"),
        2 => format!("{area} {local}"),
        3 => format!("{area}-{local}-{extension}"),
        4 => format!("{area}-{local}转{extension}"),
        5 => format!("{area}-{local} 转 {extension}"),
        6 => format!("{area}-{local}分机{extension}"),
        7 => format!("{area}-{local} ext. {extension}"),
        8 => format!("+86-{}-{local}", &area[1..]),
        9 => format!("+86 {area} {local}"),
        10 => wide(&format!("{area}-{local}")),
        11 => format!("{area}-{halves}"),
        12 => format!("{area}—{local}"),
        13 => format!("电话{local}"),
        14 => format!("座机号码：{halves}"),
        15 => format!("联系电话{area}{local}"),
        16 => format!("{area}－{local}转分机{extension}"),
        _ => format!("{area}-{local}"),
    }
}

/// Public numbers, and what only looks like a landline.
pub(crate) fn no_landline(random: &mut Random) -> String {
    match random.within(0, 24) {
        0 => format!(
            "拨打{}",
            random.pick(&["12345", "12315", "110", "119", "120", "122", "12369", "12333", "12328"])
        ),
        1 => format!("{}-{}", area(random).0, random.pick(&["12345", "12315", "96345", "95598"])),
        2 => format!(
            "客服{}",
            random.pick(&["95588", "95533", "10086", "10010", "10000", "95598", "96110"])
        ),
        3 => format!("400-{}-{}", random.digits(3), random.digits(4)),
        4 => format!("400{}", random.digits(7)),
        5 => format!("800-{}-{}", random.digits(3), random.digits(4)),
        6 => format!("热线400 {} {}", random.digits(3), random.digits(4)),
        7 => format!(
            "20{}-{:02}-{:02}",
            random.within(10, 26),
            random.within(1, 13),
            random.within(1, 29)
        ),
        8 => format!("{}元", random.digits(8)),
        9 => format!("编号{}", random.digits(8)),
        10 => format!("邮编3{}", random.digits(5)),
        11 => format!("{}-{}年", random.within(1990, 2010), random.within(2011, 2026)),
        12 => format!("0.{}", random.digits(8)),
        13 => format!("（2022）沪{}执{}号", random.digits(4), random.digits(4)),
        14 => format!(
            "20{}{:02}{:02}",
            random.within(10, 26),
            random.within(1, 13),
            random.within(1, 29)
        ),
        15 => format!("{}号楼{}单元", random.within(1, 30), random.within(1, 6)),
        16 => format!("合同编号{}-{}", random.digits(4), random.digits(7)),
        17 => format!(
            "{}:{}-{}:{}",
            random.within(8, 12),
            random.within(10, 60),
            random.within(13, 18),
            random.within(10, 60)
        ),
        18 => format!("户号{}", random.digits(10)),
        19 => format!("{}平方米", random.digits(7)),
        20 => format!("GB{}-2020", random.digits(5)),
        21 => format!("K{}+{}处", random.within(10, 900), random.digits(3)),
        22 => format!("{}-****{}", area(random).0, random.digits(4)),
        _ => random.digits(8),
    }
}
