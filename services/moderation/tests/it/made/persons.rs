//! Identity numbers and bank cards, right ones and wrong ones.

use super::random::{Random, grouped, han, parted, wide};

/// Long before anybody now living, so that no number is a living person's.
const YEARS: (u64, u64) = (1880, 1900);
const REGIONS: [&str; 20] = [
    "1101", "1201", "1303", "1402", "2102", "2201", "2301", "3101", "3205", "3301", "3401", "3502",
    "3701", "4101", "4301", "4403", "5001", "5101", "6101", "6501",
];

/// The check character of 17 digits.
fn check(digits: &str) -> char {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.chars().zip(WEIGHTS).map(|(c, w)| c.to_digit(10).unwrap() * w).sum();
    "10X98765432".chars().nth((sum % 11) as usize).unwrap()
}

/// Luhn's check digit.
fn luhn(digits: &str) -> char {
    let sum: u32 = digits.chars().rev().enumerate().fold(0, |sum, (at, c)| {
        let value = c.to_digit(10).unwrap() * if at % 2 == 0 { 2 } else { 1 };
        sum + value / 10 + value % 10
    });
    char::from_digit((10 - sum % 10) % 10, 10).unwrap()
}

fn other_than(random: &mut Random, right: char, of: &str) -> char {
    loop {
        let c = random.letter(of);
        if c != right {
            return c;
        }
    }
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

fn fifteen(random: &mut Random, month: u64) -> String {
    let (region, county) = (random.pick(&REGIONS), random.within(1, 30));
    let (year, day, last) = (random.within(20, 50), random.within(1, 29), random.digits(3));
    format!("{region}{county:02}{year:02}{month:02}{day:02}{last}")
}

/// An identity number, in one of the ways in which people write it.
pub(crate) fn identity(random: &mut Random) -> String {
    let digits = seventeen(random);
    let number = format!("{digits}{}", check(&digits));
    let sign = random.pick(&[" ", "-", ".", "·", "_", "—"]);
    let month = random.within(1, 13);
    match random.within(0, 16) {
        14 => grouped(&number, &[4, 4, 4, 4], sign),
        15 => grouped(&number, &[6, 8], "、"),
        0 => grouped(&number, &[6, 8], sign),
        1 => grouped(&number, &[6, 4, 4], sign),
        2 => grouped(&number, &[3, 3, 4, 4], sign),
        3 => parted(&number, sign),
        4 => wide(&number),
        5 => number.to_lowercase(),
        6 => han(random, &number),
        7 => grouped(&number, &[6, 8], "\u{200b}"),
        8 => number.replace('0', random.pick(&["o", "O"])),
        9 => fifteen(random, month),
        10 => wide(&fifteen(random, month)),
        _ => number,
    }
}

/// Like an identity number, and none.
pub(crate) fn no_identity(random: &mut Random) -> String {
    let digits = seventeen(random);
    let right = check(&digits);
    let with_check = |digits: String| {
        let check = check(&digits);
        format!("{digits}{check}")
    };
    match random.within(0, 13) {
        0 | 1 => format!("{digits}{}", other_than(random, right, "0123456789X")),
        2 => with_check(format!("{}{}{}", &digits[..10], random.within(13, 99), &digits[12..])),
        3 => with_check(format!("{}0230{}", &digits[..10], &digits[14..])),
        4 => {
            with_check(format!("{}{}", random.pick(&["99", "00", "16", "48", "77"]), &digits[2..]))
        }
        5 => format!("{}{}{}", &digits[..6], "*".repeat(8), &digits[14..]),
        6 => digits[..16].to_owned(),
        7 => format!("{digits}{right}{}", random.digits(3)).replace('X', "4"),
        8 => fifteen(random, 13 + digits.len() as u64 % 7),
        9 => format!(
            "91{}MA{}",
            random.digits(6),
            random.letters("0123456789ABCDEFGHJKLMNPQRTUWXY", 8)
        ),
        10 => format!("订单号{digits}{right}"),
        11 => format!("SF{}", random.digits(13)),
        _ => format!("运单{}", random.digits(15)),
    }
}

/// A bank card with a right check digit.
pub(crate) fn card(random: &mut Random) -> String {
    let (issuer, length) = match random.within(0, 12) {
        0 => (random.pick(&["4111", "4563", "4367"]), 16),
        1 => (random.pick(&["5187", "5264", "5544"]), 16),
        2 => ("3568", 16),
        3 => ("955880", 19),
        4 => ("6214", 17),
        5 => ("6215", 18),
        6 => (random.pick(&["6225", "6226", "6230"]), 16),
        _ => (random.pick(&["6217", "6222", "6228", "6212", "6231"]), 19),
    };
    let digits = format!("{issuer}{}", random.digits(length - 1 - issuer.len()));
    let number = format!("{digits}{}", luhn(&digits));
    match random.within(0, 10) {
        8 => format!("卡号{}", grouped(&number, &[6, 4, 4], " ")),
        9 => format!("卡号{}", parted(&number, " ")),
        0 | 1 => grouped(&number, &[4, 4, 4, 4], " "),
        2 => grouped(&number, &[4, 4, 4, 4], "-"),
        3 => wide(&number),
        4 => grouped(&number, &[6], " "),
        5 => grouped(&number, &[4, 4, 4, 4], "\u{200b}"),
        _ => number,
    }
}

/// Like a bank card, and none.
pub(crate) fn no_card(random: &mut Random) -> String {
    let length = usize::try_from(random.within(15, 19)).unwrap();
    let digits = format!("62{}", random.digits(length - 2));
    let right = luhn(&digits);
    let wrong = other_than(random, right, "0123456789");
    match random.within(0, 10) {
        0 | 1 => format!("{digits}{wrong}"),
        2 => grouped(&format!("{digits}{wrong}"), &[4, 4, 4, 4], " "),
        3 => format!("订单编号{digits}{right}"),
        4 => format!("流水号：{digits}{right}"),
        5 => format!("{digits}{right}{}", random.digits(4)),
        6 => format!("{} **** **** {}", &digits[..4], &digits[11..15]),
        7 => format!("2023{}", random.digits(10)),
        8 => format!("{}.{}元", random.digits(7), random.digits(2)),
        _ => random.digits(12),
    }
}
