//! Where an office is.

/// A division and those above it, the highest first, from its code of GB/T 2260: the first two
/// digits name the province, the first four the prefecture. For events that do not say it.
pub fn path_of(code: &str) -> Vec<String> {
    if code.len() != 6 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
        return if code.is_empty() { Vec::new() } else { vec![code.to_owned()] };
    }
    let mut path = vec![format!("{}0000", &code[..2])];
    for next in [format!("{}00", &code[..4]), code.to_owned()] {
        if path.last() != Some(&next) {
            path.push(next);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_tells_what_is_above() {
        assert_eq!(path_of("350102"), ["350000", "350100", "350102"]);
        assert_eq!(path_of("350100"), ["350000", "350100"]);
        assert_eq!(path_of("350000"), ["350000"]);
        assert_eq!(path_of(""), Vec::<String>::new());
        assert_eq!(path_of("x1"), ["x1"]);
    }
}
