//! Chance that is the same in every run.

/// A source of chance with a seed.
pub(crate) struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` on, below `to`.
    pub(crate) fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }

    /// Whether something happens once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.within(0, times) == 0
    }

    /// One of some.
    pub(crate) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.within(0, of.len() as u64)).unwrap();
        of[at]
    }

    /// One of some characters.
    pub(crate) fn letter(&mut self, of: &str) -> char {
        let all: Vec<char> = of.chars().collect();
        all[usize::try_from(self.within(0, all.len() as u64)).unwrap()]
    }

    /// So many digits.
    pub(crate) fn digits(&mut self, many: usize) -> String {
        (0..many).map(|_| self.letter("0123456789")).collect()
    }

    /// So many characters of some.
    pub(crate) fn letters(&mut self, of: &str, many: u64) -> String {
        (0..many).map(|_| self.letter(of)).collect()
    }
}

/// Digits and letters in full width.
pub(crate) fn wide(text: &str) -> String {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(wide).collect()
}

/// Digits as Han numerals of one of three kinds.
pub(crate) fn han(random: &mut Random, text: &str) -> String {
    let kind = random.pick(&[
        "零一二三四五六七八九",
        "〇一二三四五六七八九",
        "零壹贰叁肆伍陆柒捌玖",
        "零幺二三四五六七八九",
    ]);
    let numerals: Vec<char> = kind.chars().collect();
    text.chars().map(|c| c.to_digit(10).map_or(c, |digit| numerals[digit as usize])).collect()
}

/// A text with a sign between its characters.
pub(crate) fn parted(text: &str, sign: &str) -> String {
    let chars: Vec<String> = text.chars().map(String::from).collect();
    chars.join(sign)
}

/// A text cut into groups of these lengths, with a sign between them; the last takes the rest.
pub(crate) fn grouped(text: &str, lengths: &[usize], sign: &str) -> String {
    let mut rest = text;
    let mut groups = Vec::new();
    for length in lengths {
        let (group, after) = rest.split_at((*length).min(rest.len()));
        groups.push(group);
        rest = after;
    }
    groups.push(rest);
    groups.retain(|group| !group.is_empty());
    groups.join(sign)
}
