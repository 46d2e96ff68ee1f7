//! Values that a detector must find, and values that only look like them.

use super::random::Random;

const REGIONS: [&str; 12] = [
    "1101", "1201", "1305", "2102", "3205", "3301", "3501", "4301", "4403", "5101", "6101", "6501",
];
const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
const LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const HAN: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
/// Long before anybody now living, so that no number is a living person's.
const YEARS: (usize, usize) = (1880, 1900);

/// The check character of 17 digits.
fn check(digits: &str) -> char {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.chars().zip(WEIGHTS).filter_map(|(c, w)| Some(c.to_digit(10)? * w)).sum();
    ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'][(sum % 11) as usize]
}

fn luhn(digits: &str) -> char {
    let sum: u32 = digits
        .chars()
        .rev()
        .enumerate()
        .filter_map(|(at, c)| {
            let doubled = c.to_digit(10)? * if at % 2 == 0 { 2 } else { 1 };
            Some(doubled / 10 + doubled % 10)
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

fn seventeen(random: &mut Random) -> String {
    format!(
        "{}{:02}{}{:02}{:02}{}",
        random.pick(&REGIONS),
        random.within(1, 30),
        random.within(YEARS.0, YEARS.1),
        random.within(1, 13),
        random.within(1, 29),
        random.digits(3)
    )
}

/// A valid identity number, perhaps written in an unusual way.
pub(crate) fn identity(random: &mut Random) -> String {
    if random.below(6) == 0 {
        return format!(
            "{}{:02}{:02}{:02}{:02}{}",
            random.pick(&REGIONS),
            random.within(1, 30),
            random.within(30, 99),
            random.within(1, 13),
            random.within(1, 29),
            random.digits(3)
        );
    }
    let digits = seventeen(random);
    let number = format!("{digits}{}", check(&digits));
    match random.below(8) {
        0 => format!("{} {} {}", &number[..6], &number[6..14], &number[14..]),
        1 => wide(&number),
        2 => number.to_lowercase(),
        3 => format!("{}-{}-{}", &number[..6], &number[6..14], &number[14..]),
        _ => number,
    }
}

/// Something like an identity number that is none.
pub(crate) fn no_identity(random: &mut Random) -> String {
    let digits = seventeen(random);
    match random.below(7) {
        0 => {
            let wrong = loop {
                let c = random.pick_char("0123456789X");
                if c != check(&digits) {
                    break c;
                }
            };
            format!("{digits}{wrong}")
        }
        1 => {
            let digits = format!("{}13{}", &digits[..10], &digits[12..]);
            format!("{digits}{}", check(&digits))
        }
        2 => {
            let digits = format!("{}0230{}", &digits[..10], &digits[14..]);
            format!("{digits}{}", check(&digits))
        }
        3 => {
            let digits = format!("99{}", &digits[2..]);
            format!("{digits}{}", check(&digits))
        }
        4 => format!("{digits}{}{}", check(&digits).to_digit(10).unwrap_or(7), random.digits(2)),
        5 => format!("{}{}", random.within(3, 10), &digits[..16]),
        _ => format!("{}********{}", &digits[..6], &digits[14..]),
    }
}

/// A mobile number in one of many ways.
pub(crate) fn mobile(random: &mut Random) -> String {
    let number = format!("1{}{}", random.pick_char("3456789"), random.digits(9));
    let (a, b, c) = (&number[..3], &number[3..7], &number[7..]);
    match random.below(14) {
        0 => format!("{a} {b} {c}"),
        1 => format!("{a}-{b}-{c}"),
        2 => format!("+86 {number}"),
        3 => format!("0086-{number}"),
        4 => wide(&number),
        5 => number.chars().map(han).collect(),
        6 => number.chars().map(|c| format!("{c} ")).collect::<String>().trim().to_owned(),
        7 => format!("{a}\u{200b}{b}\u{200b}{c}"),
        8 => format!("{a}{}{c}", b.chars().map(han).collect::<String>()),
        9 => format!("{a}.{b}.{c}"),
        10 => format!("{a}{}", format!("{b}{c}").replace('0', "o")),
        11 => format!("{a}*{b}*{c}"),
        _ => number,
    }
}

/// Something like a mobile number that is none.
pub(crate) fn no_mobile(random: &mut Random) -> String {
    let number = format!("1{}{}", random.pick_char("3456789"), random.digits(9));
    match random.below(9) {
        0 => format!("10{}", random.digits(9)),
        1 => format!("12{}", random.digits(9)),
        2 => number[..10].to_owned(),
        3 => format!("{number}{}", random.digits(1)),
        4 => format!("{number}{}", random.digits(9)),
        5 => format!("{}****{}", &number[..3], &number[7..]),
        6 => format!("116.{number}"),
        7 => format!("HT{number}"),
        _ => format!("{number}.50元"),
    }
}

/// A landline with its area code, perhaps with an extension.
pub(crate) fn landline(random: &mut Random) -> String {
    let (area, length) =
        *random.pick(&[("010", 8), ("021", 8), ("0571", 8), ("0755", 8), ("0913", 7), ("0375", 7)]);
    let local = format!("{}{}", random.pick_char("2345678"), random.digits(length - 1));
    match random.below(8) {
        0 => format!("({area}){local}"),
        1 => format!("（{area}）{local}"),
        2 => format!("{area} {local}"),
        3 => format!("{area}-{local}-{}", random.digits(4)),
        4 => format!("{area}-{local}转{}", random.digits(3)),
        5 => format!("+86-{}-{local}", &area[1..]),
        _ => format!("{area}-{local}"),
    }
}

/// Something like a landline that is none, or a hotline.
pub(crate) fn no_landline(random: &mut Random) -> String {
    match random.below(8) {
        0 => "12345".into(),
        1 => format!("0571-{}", random.pick(&["12345", "96345", "12319"])),
        2 => format!("{}.{}", random.within(1, 200), random.digits(8)),
        3 => format!("20{}-{}", random.within(10, 26), random.digits(6)),
        4 => format!(
            "{}-{}-{}",
            random.within(2001, 2026),
            random.within(1, 13),
            random.within(1, 29)
        ),
        5 => format!("0.{}", random.digits(8)),
        6 => format!("{}元", random.within(1_000_000, 99_999_999)),
        _ => random.digits(6),
    }
}

/// A bank card with a known issuer.
pub(crate) fn card(random: &mut Random) -> String {
    let (start, length) = *random.pick(&[
        ("622202", 19),
        ("621700", 19),
        ("622848", 19),
        ("621559", 18),
        ("622588", 16),
        ("6230", 19),
        ("4111", 16),
        ("5187", 16),
        ("356833", 16),
    ]);
    let body = format!("{start}{}", random.digits(length - 1 - start.len()));
    let number = format!("{body}{}", luhn(&body));
    match random.below(4) {
        0 => {
            let chars: Vec<char> = number.chars().collect();
            let groups: Vec<String> = chars.chunks(4).map(|four| four.iter().collect()).collect();
            groups.join(" ")
        }
        1 => wide(&number),
        _ => number,
    }
}

/// Something like a card that is none.
pub(crate) fn no_card(random: &mut Random) -> String {
    let body = format!("6222{}", random.digits(14));
    match random.below(4) {
        0 => {
            let right = luhn(&body).to_digit(10).unwrap_or_default();
            let wrong = (right as usize + random.within(1, 10)) % 10;
            format!("{body}{wrong}")
        }
        1 => format!(
            "20{:02}{:02}{:02}{}",
            random.within(10, 26),
            random.within(1, 13),
            random.within(1, 29),
            random.digits(8)
        ),
        2 => format!("{body}{}", random.digits(6)),
        _ => format!("6222 **** **** {}", random.digits(4)),
    }
}

/// A licence plate.
pub(crate) fn plate(random: &mut Random) -> String {
    let province = random.pick_char(PROVINCES);
    let office = random.pick_char("ABCDEFG");
    let serial = random.digits(5);
    match random.below(10) {
        0 => format!("{province}{office}D{serial}"),
        1 => format!("{province}{office}{serial}F"),
        2 => format!("{province}{office}·{serial}"),
        3 => format!("{province}{office} {serial}"),
        4 => format!("{province}{office}{}警", &serial[..4]),
        5 => format!("{province}{office}{}学", &serial[..4]),
        6 => format!("粤Z{}{}", &serial[..4], random.pick_char("港澳")),
        7 => format!("{province}{office}{}{}", random.pick_char(LETTERS), &serial[..4]),
        8 => format!("{province}{office}{serial}").to_lowercase(),
        _ => format!("{province}{office}{serial}"),
    }
}

/// Something like a plate that is none.
pub(crate) fn no_plate(random: &mut Random) -> String {
    let province = random.pick_char(PROVINCES);
    match random.below(6) {
        0 => format!("{province}I{}", random.digits(5)),
        1 => format!("{province}A{}", random.digits(4)),
        2 => format!("{province}A{}", random.digits(8)),
        3 => format!("A{}", random.digits(5)),
        4 => format!("{province}G{}高速", random.within(1, 99)),
        _ => format!("{province}{}", random.digits(5)),
    }
}

/// An e-mail address.
pub(crate) fn email(random: &mut Random) -> String {
    let names = ["zhang.san", "li_si", "wang-5", "a1b2c3", "office+street"];
    let hosts = ["example.com", "mail.example.cn", "example.org", "example.com.cn"];
    let (name, host) = (*random.pick(&names), *random.pick(&hosts));
    let name = format!("{name}{}", random.digits(2));
    match random.below(5) {
        0 => wide(&format!("{name}@{host}")),
        1 => format!("{name}(at){host}"),
        2 => format!("{name}#{host}"),
        _ => format!("{name}@{host}"),
    }
}

/// Something like an address of mail that is none.
pub(crate) fn no_email(random: &mut Random) -> String {
    (*random.pick(&[
        "@所有人",
        "user@host",
        "5@10元",
        "A#楼",
        "https://example.com/?id=7",
        "3#2.5元",
    ]))
    .to_owned()
}

/// An address to the door.
pub(crate) fn address(random: &mut Random) -> String {
    let (building, unit, room) = (
        random.within(1, 40),
        random.within(1, 5),
        random.within(1, 30) * 100 + random.within(1, 5),
    );
    match random.below(9) {
        0 => format!("{building}栋{unit}单元{room}"),
        1 => format!("{building}幢{room}室"),
        2 => format!("{building}号楼{unit}单元{room}室"),
        3 => format!("{building}弄{unit}号{room}室"),
        4 => format!("{building}-{unit}-{room}室").replacen('-', "号", 1),
        5 => format!("{building}#楼{room}房"),
        6 => format!("{unit}组{building}号"),
        7 => format!("{}栋{}单元{room}室", HAN[random.within(1, 10)], HAN[unit]),
        _ => format!("{building}栋{unit}单元{room}室"),
    }
}

/// A place that is no one's door.
pub(crate) fn no_address(random: &mut Random) -> String {
    let number = random.within(2, 90);
    match random.below(7) {
        0 => format!("{number}栋电梯"),
        1 => format!("幸福路{number}号门口"),
        2 => format!("{number}号线501路公交"),
        3 => format!("{number}栋105户人家"),
        4 => format!("{number}号楼12层楼道"),
        5 => format!("办事大厅{number}02室"),
        _ => format!("{number}单元的楼道灯"),
    }
}

fn wide(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '!'..='~' => char::from_u32(c as u32 + 0xfee0).unwrap_or(c),
            c => c,
        })
        .collect()
}

fn han(c: char) -> char {
    c.to_digit(10).map_or(c, |digit| HAN[digit as usize])
}
