//! Codes that prove who reads an endpoint: 128 bits in base32 (RFC 4648, 6), as people copy them.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// 128 bits by five, rounded up.
const LENGTH: usize = 26;

/// The code of some bytes.
pub fn encode(bytes: [u8; 16]) -> String {
    let number = u128::from_be_bytes(bytes);
    // The last letter has three bits, padded with zeros.
    (0..LENGTH)
        .map(|at| {
            let shift = 128_i32 - 5 * (i32::try_from(at).unwrap_or_default() + 1);
            let five = if shift >= 0 { number >> shift } else { number << -shift };
            char::from(ALPHABET[usize::try_from(five & 31).unwrap_or_default()])
        })
        .collect()
}

/// A code as somebody typed it: case, spaces and hyphens do not matter. Never longer than a code.
pub fn tidy(text: &str) -> String {
    let letters = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
    letters.take(LENGTH + 1).collect::<String>().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_all_bits_and_only_plain_letters() {
        // RFC 4648, 10: "foobar" begins MZXW6YTBOI.
        let code = encode(*b"foobarfoobarfoob");
        assert!(code.starts_with("MZXW6YTBO"), "{code}");
        assert_eq!(code.len(), LENGTH);
        assert_eq!(encode([0; 16]), "A".repeat(26));
        assert_eq!(encode([0xff; 16]), format!("{}4", "7".repeat(25)));
        let mut last = [0; 16];
        last[15] = 1;
        assert_ne!(encode(last), encode([0; 16]));
    }

    #[test]
    fn spelling_does_not_matter() {
        assert_eq!(tidy(" mzxw-6ytb oi"), "MZXW6YTBOI");
        assert_eq!(tidy(&"a".repeat(1_000)).len(), LENGTH + 1);
    }
}
