//! What sealing promises.

use liuyan_kit::seal::{DataKey, Error, Keyring};

const PLACE: &[u8] = b"vault/1/phone";

#[test]
fn what_is_sealed_is_unsealed_at_its_place_only() {
    let ring = Keyring::generate();
    let sealed = ring.seal(PLACE, b"secret");
    assert_eq!(ring.open_sealed(PLACE, &sealed).unwrap(), b"secret");
    assert!(matches!(ring.open_sealed(b"vault/2/phone", &sealed), Err(Error::Broken)));
    assert!(!sealed.windows(6).any(|window| window == b"secret"));
}

#[test]
fn no_byte_of_a_record_can_be_changed() {
    let ring = Keyring::generate();
    let sealed = ring.seal(PLACE, b"secret");
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        assert!(ring.open_sealed(PLACE, &changed).is_err(), "byte {place}");
    }
    for length in 0..sealed.len() {
        assert!(ring.open_sealed(PLACE, &sealed[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn the_same_text_never_looks_the_same() {
    let ring = Keyring::generate();
    assert_ne!(ring.seal(PLACE, b"secret"), ring.seal(PLACE, b"secret"));
}

#[test]
fn old_records_can_be_read_after_a_rotation_and_are_told_apart() {
    let mut ring = Keyring::generate();
    let (old, index) = (ring.seal(PLACE, b"secret"), ring.blind_index(b"phone:1"));
    ring.rotate();
    let new = ring.seal(PLACE, b"secret");
    assert_eq!(ring.open_sealed(PLACE, &old).unwrap(), b"secret");
    assert!(ring.is_outdated(&old) && !ring.is_outdated(&new));
    assert_eq!(ring.blind_index(b"phone:1"), index);

    let without_old: String = ring
        .to_text()
        .lines()
        .filter(|line| !line.starts_with("key 1 "))
        .map(|line| format!("{line}\n"))
        .collect();
    let ring = Keyring::parse(&without_old).unwrap();
    assert!(matches!(ring.open_sealed(PLACE, &old), Err(Error::UnknownKey(1))));
    assert_eq!(ring.open_sealed(PLACE, &new).unwrap(), b"secret");
}

#[test]
fn a_data_key_erases_what_it_sealed_when_it_goes() {
    let ring = Keyring::generate();
    let key = DataKey::generate();
    let sealed = key.seal(PLACE, b"secret");
    let wrapped = ring.wrap(b"key/1", &key);
    let key = ring.unwrap(b"key/1", &wrapped).unwrap();
    assert_eq!(key.open(PLACE, &sealed).unwrap(), b"secret");
    assert!(DataKey::generate().open(PLACE, &sealed).is_err());
    assert!(ring.open_sealed(PLACE, &sealed).is_err(), "the ring alone cannot read it");
    assert!(ring.unwrap(b"key/2", &wrapped).is_err(), "a wrapped key belongs to its place");
}

#[test]
fn a_ring_survives_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring");
    let mut ring = Keyring::generate();
    ring.rotate();
    std::fs::write(&path, format!("# keys of the vault\n\n{}", ring.to_text().as_str())).unwrap();
    let sealed = ring.seal(PLACE, b"secret");
    let read = Keyring::open(&path).unwrap();
    assert_eq!(read.open_sealed(PLACE, &sealed).unwrap(), b"secret");
    assert_eq!(read.blind_index(b"x"), ring.blind_index(b"x"));
    assert!(!format!("{read:?}").contains(&ring.to_text()[6..20]), "keys are not shown");
}

#[test]
fn a_damaged_ring_is_refused_by_line() {
    let text = Keyring::generate().to_text();
    let (key, index) = text.split_once('\n').unwrap();
    assert!(matches!(Keyring::parse(index), Err(Error::Lacks("key"))));
    assert!(matches!(Keyring::parse(key), Err(Error::Lacks("index"))));
    for line in ["key one AAAA", "key 2 AAAA", "key 2", "lock 2 x", key, index.trim()] {
        let text = format!("{}{line}\n", text.as_str());
        assert!(matches!(Keyring::parse(&text), Err(Error::Line(3))), "{line}");
    }
}
