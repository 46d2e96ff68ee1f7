use super::*;

/// Characters of ordinary frequency, by chance that repeats itself.
fn letters(seed: u64, length: usize) -> Vec<char> {
    let mut state = seed;
    let mut next = || {
        state = mixed(state);
        state
    };
    (0..length)
        .map(|_| {
            // Some are far more frequent than others.
            let code = (next() % 3_000) * (next() % 1_000) / 1_000;
            char::from_u32(0x4e00 + u32::try_from(code).unwrap()).unwrap()
        })
        .collect()
}

/// Every tenth character is another one.
fn changed(letters: &[char], seed: u64) -> Vec<char> {
    let mut changed = letters.to_vec();
    let mut state = seed;
    for _ in 0..letters.len() / 10 {
        state = mixed(state);
        let at = usize::try_from(state % letters.len() as u64).unwrap();
        changed[at] = char::from_u32(0x6e00 + u32::try_from(state >> 50).unwrap() % 500).unwrap();
    }
    changed
}

#[test]
fn a_text_of_which_a_tenth_was_changed_is_found_and_is_like_the_original() {
    let mut found = 0;
    for seed in 0..300 {
        let text = letters(seed, 60 + usize::try_from(seed).unwrap());
        let one = Fingerprint::of_letters(&text);
        let other = Fingerprint::of_letters(&changed(&text, seed));
        found += usize::from(one.meets(&other) && one.likeness(&other.signature) >= 0.5);
    }
    assert!(found >= 285, "{found} of 300");
}

#[test]
fn other_texts_are_not_alike() {
    let prints: Vec<_> =
        (0..300).map(|seed| Fingerprint::of_letters(&letters(seed, 200))).collect();
    let alike = prints
        .iter()
        .enumerate()
        .flat_map(|(at, one)| prints[at + 1..].iter().map(move |other| (one, other)))
        .filter(|(one, other)| one.meets(other) && one.likeness(&other.signature) >= 0.5)
        .count();
    assert_eq!(alike, 0);
}

#[test]
fn signs_and_width_make_no_difference_and_a_short_text_has_no_fingerprint() {
    let variants = Variants::new(&[]);
    let of = |body: &str| {
        Fingerprint::of(&Text { body: body.to_owned(), ..Text::default() }, &variants, 10)
    };
    assert_eq!(of("The lamp at our gate is broken."), of("ＴＨＥ lamp, at our gate... is broken"));
    assert_eq!(of("too short"), None);
    assert!(of("The lamp at our gate is broken.").is_some());
}
