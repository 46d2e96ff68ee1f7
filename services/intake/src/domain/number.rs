//! What an author holds: the public number and the access code, in Crockford's base 32.

use std::fmt;

/// Crockford's alphabet: no I, L, O and U.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols of a number before its check character; 60 bits.
const NUMBER_SYMBOLS: usize = 12;
/// Symbols of an access code; 50 bits.
const CODE_SYMBOLS: usize = 10;

/// The value of a symbol, however a person writes it.
fn value(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let symbol = u8::try_from(u32::from(symbol)).ok()?;
    SYMBOLS.iter().position(|&known| known == symbol).and_then(|at| u8::try_from(at).ok())
}

/// The values of exactly `N` symbols; case, white space and hyphens do not matter.
fn values<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut values = [0; N];
    let mut symbols = text.chars().filter(|c| !c.is_whitespace() && !is_hyphen(*c));
    for slot in &mut values {
        *slot = value(symbols.next()?)?;
    }
    symbols.next().is_none().then_some(values)
}

/// The hyphen, and what word processors and Chinese input methods put in its place.
fn is_hyphen(character: char) -> bool {
    matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' | '\u{FF0D}')
}

/// The `N` symbols of the lowest `5 × N` bits, the highest first.
fn symbols<const N: usize>(bits: u64) -> [u8; N] {
    let mut values = [0; N];
    let mut rest = bits;
    for slot in values.iter_mut().rev() {
        *slot = (rest & 31) as u8;
        rest >>= 5;
    }
    values
}

fn write_symbols(f: &mut fmt::Formatter<'_>, values: &[u8]) -> fmt::Result {
    values
        .iter()
        .try_for_each(|&at| fmt::Write::write_char(f, char::from(SYMBOLS[usize::from(at)])))
}

/// Multiplies by a primitive element of GF(32), whose polynomial is x⁵ + x² + 1.
fn times_alpha(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 0b10_0000 == 0 { doubled } else { doubled ^ 0b10_0101 }
}

/// Each symbol has a weight of its own, a power of the primitive element. Every single wrong
/// symbol and every swap of two symbols is therefore noticed, and the check character is a symbol
/// like the others, which Crockford's modulo 37 would not give.
fn check(values: &[u8]) -> u8 {
    values.iter().fold(0, |sum, value| times_alpha(sum ^ value))
}

/// The public number of a message: 60 random bits and a check character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number([u8; NUMBER_SYMBOLS + 1]);

impl Number {
    /// Makes a number of the lowest 60 bits.
    pub fn from_bits(bits: u64) -> Self {
        let data = symbols::<NUMBER_SYMBOLS>(bits);
        let mut all = [0; NUMBER_SYMBOLS + 1];
        all[..NUMBER_SYMBOLS].copy_from_slice(&data);
        all[NUMBER_SYMBOLS] = check(&data);
        Self(all)
    }

    /// Reads a number as a person writes it; `None` if it can't be one.
    pub fn parse(text: &str) -> Option<Self> {
        let all = values::<{ NUMBER_SYMBOLS + 1 }>(text)?;
        (check(&all[..NUMBER_SYMBOLS]) == all[NUMBER_SYMBOLS]).then_some(Self(all))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in self.0[..NUMBER_SYMBOLS].chunks(4) {
            write_symbols(f, group)?;
            f.write_str("-")?;
        }
        write_symbols(f, &self.0[NUMBER_SYMBOLS..])
    }
}

/// The secret that, with the number, gives access: 50 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccessCode([u8; CODE_SYMBOLS]);

impl AccessCode {
    /// Makes a code of the first 50 bits of a keyed hash.
    pub fn from_hash(hash: &[u8; 32]) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        Self(symbols(u64::from_be_bytes(first) >> 14))
    }

    /// Reads a code as a person writes it; `None` if it can't be one.
    pub fn parse(text: &str) -> Option<Self> {
        values(text).map(Self)
    }

    /// What is hashed: the symbols without hyphen.
    pub fn bytes(&self) -> [u8; CODE_SYMBOLS] {
        self.0.map(|at| SYMBOLS[usize::from(at)])
    }
}

impl fmt::Display for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_symbols(f, &self.0[..5])?;
        f.write_str("-")?;
        write_symbols(f, &self.0[5..])
    }
}

impl fmt::Debug for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn a_number_looks_the_same_for_ever() {
        assert_eq!(Number::from_bits(0).to_string(), "0000-0000-0000-0");
        assert_eq!(Number::from_bits(0x0123_4567_89AB_CDEF).to_string(), "28T5-CY4T-QKFF-4");
    }

    #[test]
    fn an_access_code_looks_the_same_for_ever() {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&0x0123_4567_89AB_CDEF_u64.to_be_bytes());
        let code = AccessCode::from_hash(&hash);
        assert_eq!(code.to_string(), "04HMA-SW9NF");
        assert_eq!(AccessCode::parse("o4hma sw9nf"), Some(code));
        assert_eq!(format!("{code:?}"), "AccessCode(…)");
    }

    proptest! {
        #[test]
        fn a_number_is_read_back_however_it_is_written(bits in any::<u64>()) {
            let number = Number::from_bits(bits);
            let shown = number.to_string();
            for written in [
                shown.clone(),
                shown.to_lowercase(),
                shown.replace('-', ""),
                shown.replace('-', " "),
                shown.replace('0', "o").replace('1', "l"),
                shown.replace('1', "I").replace('-', "\u{2014}"),
            ] {
                prop_assert_eq!(Number::parse(&written), Some(number));
            }
        }

        #[test]
        fn one_wrong_symbol_is_noticed(bits in any::<u64>(), at in 0_usize..13, by in 1_u8..32) {
            let mut wrong = Number::from_bits(bits);
            wrong.0[at] ^= by;
            prop_assert!(Number::parse(&wrong.to_string()).is_none());
        }

        #[test]
        fn two_swapped_symbols_are_noticed(bits in any::<u64>(), a in 0_usize..13, b in 0_usize..13) {
            let right = Number::from_bits(bits);
            let mut wrong = right;
            wrong.0.swap(a, b);
            prop_assert!(wrong == right || Number::parse(&wrong.to_string()).is_none());
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "28T5-CY4T-QKFF",
            "28T5-CY4T-QKFF-5",
            "28T5-CY4T-QKFF-46",
            "28T5-CY4T-NKFU-6",
            "留言",
        ] {
            assert_eq!(Number::parse(text), None, "{text:?}");
        }
    }
}
