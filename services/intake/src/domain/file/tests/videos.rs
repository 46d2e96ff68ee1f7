//! Places that cameras write between what is played, and tables that lie.

use proptest::prelude::*;

use super::{super::samples::*, Rule, video};

fn at(bytes: &[u8], word: &[u8]) -> usize {
    bytes.windows(word.len()).position(|it| it == word).unwrap()
}

/// Bytes with others so far behind the first place of a word, or before it.
fn patched(bytes: &[u8], word: &[u8], skip: isize, to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = (at(&bytes, word) + word.len()).checked_add_signed(skip).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn nothing_is_left_of_texts_and_of_what_is_between_pictures_and_sounds() {
    let came = dashcam_video();
    assert!(holds(&came, PLACE) && holds(&came, b"freeGPS "));
    let kept = video(&came).unwrap();
    assert_eq!(kept.len(), came.len());
    assert!(!holds(&kept, PLACE) && !holds(&kept, b"freeGPS ") && !holds(&kept, b"text"));
    for second in 1..=4 {
        let picture = [second; 50];
        assert_eq!(at(&kept, &picture), at(&came, &picture));
    }
    let sounds = |bytes: &[u8]| bytes.windows(20).filter(|it| *it == [0xAA; 20]).count();
    assert_eq!(sounds(&kept), 4);
    assert_eq!(video(&kept).unwrap(), kept, "there is nothing left to be emptied");
}

#[test]
fn nothing_is_left_of_texts_in_fragments_either() {
    let came = fragmented_video();
    let kept = video(&came).unwrap();
    assert_eq!(kept.len(), came.len());
    assert!(holds(&came, PLACE) && !holds(&kept, PLACE));
    let starts = |bytes: &[u8], of: &[u8]| {
        let found = bytes.windows(of.len()).enumerate().filter(|(_, it)| *it == of);
        found.map(|(at, _)| at).collect::<Vec<_>>()
    };
    for played in [[5; 80].as_slice(), &[6; 30]] {
        assert_eq!(starts(&kept, played).len(), 3);
        assert_eq!(starts(&kept, played), starts(&came, played));
    }
    assert_eq!(starts(&kept, b"traf").len(), 6);
    assert_eq!(video(&kept).unwrap(), kept);
}

#[test]
fn tables_that_do_not_agree_are_refused() {
    let film_of = |chunks| film(&[Strip { kind: b"vide", chunks }], &[7; 100], &[], &[]);
    let whole = film_of(vec![(0, vec![10, 10]), (50, vec![50])]);
    video(&whole).unwrap();
    video(&film_of(vec![(50, vec![50]), (0, vec![60]), (20, vec![5])])).unwrap();
    let most = u32::MAX.to_be_bytes();
    for (number, bytes) in [
        film_of(Vec::new()),
        film_of(vec![(0, vec![0])]),
        // Out of the content, to the end and to the beginning; and far behind it.
        film_of(vec![(90, vec![11])]),
        film_of(vec![(100, vec![1])]),
        film_of(vec![(1 << 30, vec![1])]),
        patched(&whole, b"stco", 8, &[0; 4]),
        // Where the content's own head is.
        patched(&whole, b"stco", 8, &u32::try_from(at(&whole, b"mdat")).unwrap().to_be_bytes()),
        // More samples than there are, fewer, and more than the box has.
        patched(&whole, b"stsc", 12, &[0, 0, 0, 3]),
        patched(&whole, b"stsc", 12, &[0, 0, 0, 1]),
        patched(&whole, b"stsc", 12, &most),
        patched(&whole, b"stsz", 8, &most),
        patched(&whole, b"stsz", 12, &most),
        patched(&whole, b"stco", 4, &most),
        patched(&whole, b"stsc", 4, &most),
        // Runs that begin at no chunk, behind all, and not in their order.
        patched(&whole, b"stsc", 8, &[0, 0, 0, 0]),
        patched(&whole, b"stsc", 8, &[0, 0, 0, 2]),
        patched(&whole, b"stsc", 20, &[0, 0, 0, 1]),
        patched(&whole, b"stsc", 20, &[0, 0, 0, 3]),
        // Two of a kind.
        patched(&whole, b"tkhd", -4, b"hdlr"),
        patched(&whole, b"stsd", -4, b"stco"),
        patched(&whole, b"stsd", -4, b"co64"),
        patched(&whole, b"stsd", -4, b"stz2"),
        // Sizes that are all the same, and too much.
        patched(&whole, b"stsz", 4, &[0, 0, 0, 51]),
        patched(&whole, b"stsz", 4, &most),
        patched(&patched(&whole, b"stsz", 4, &most), b"stsz", 8, &most),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(video(&bytes).unwrap_err(), Rule::VideoBroken, "{number}");
    }
    for needed in [b"tkhd", b"mdia", b"hdlr", b"minf", b"stbl", b"stsc", b"stsz", b"stco"] {
        let without = patched(&whole, needed, -4, b"none");
        assert_eq!(video(&without).unwrap_err(), Rule::VideoBroken, "{needed:?}");
    }
    let twice = |kind| Strip { kind, chunks: vec![(0, vec![10])] };
    let both = film(&[twice(b"vide"), twice(b"soun")], &[7; 100], &[], &[]);
    video(&both).unwrap();
    let second = both.windows(4).rposition(|it| it == b"tkhd").unwrap() + 16;
    let same = [&both[..second], &[0, 0, 0, 1], &both[second + 4..]].concat();
    assert_eq!(video(&same).unwrap_err(), Rule::VideoBroken, "two tracks of one name");
}

#[test]
fn tables_may_be_written_in_several_ways() {
    let strip = Strip { kind: b"vide", chunks: vec![(0, vec![10, 10]), (50, vec![50])] };
    let whole = film(&[strip], &[7; 100], &[], &[]);
    let left = |bytes: &[u8]| -> Vec<usize> {
        let kept = video(bytes).unwrap();
        let begins = at(&kept, b"mdat") + 4;
        (0..100).filter(|it| kept[begins + it] == 7).collect()
    };
    let of =
        |first: usize, second: usize| -> Vec<usize> { (0..first).chain(50..50 + second).collect() };
    assert_eq!(left(&whole), of(20, 50));
    assert_eq!(left(&patched(&whole, b"stsz", 4, &[0, 0, 0, 12])), of(24, 12));
    for (bits, sizes, expected) in [
        (4, [0xA9, 0x5F, 0, 0, 0, 0], of(19, 5)),
        (8, [11, 12, 13, 0, 0, 0], of(23, 13)),
        (16, [0, 3, 0, 4, 0, 5], of(7, 5)),
    ] {
        let bytes = patched(&whole, b"stsz", 4, &[0, 0, 0, bits]);
        let bytes = patched(&bytes, b"stsz", 12, &sizes);
        assert_eq!(left(&patched(&bytes, b"stsz", -4, b"stz2")), expected, "{bits} bits");
    }
    // One offset of eight bytes where there were two of four.
    let strip = Strip { kind: b"vide", chunks: vec![(0, vec![10]), (0, vec![10])] };
    let mut long = film(&[strip], &[7; 100], &[], &[]);
    for (word, skip) in [(b"stsc", 4), (b"stsz", 8), (b"stco", 4)] {
        long = patched(&long, word, skip, &[0, 0, 0, 1]);
    }
    long = patched(&patched(&long, b"stco", 8, &[0; 4]), b"stco", -4, b"co64");
    assert_eq!(left(&long), of(10, 0));
    for far in [[0xFF; 4], [0, 0, 0, 1]] {
        let far = patched(&long, b"co64", 8, &far);
        assert_eq!(video(&far).unwrap_err(), Rule::VideoBroken);
    }
}

#[test]
fn fragments_that_do_not_agree_are_refused() {
    let whole = fragmented_video();
    let most = u32::MAX.to_be_bytes();
    let moof = at(&whole, b"moof") - 4;
    let moov = at(&whole, b"moov") - 4;
    let first = [&whole[..moov], &whole[moof..], &whole[moov..moof]].concat();
    for (number, bytes) in [
        // Before the index.
        first,
        // Of a track that is not there, and one whose samples' size nothing says.
        patched(&whole, b"tfhd", 4, &[0, 0, 0, 9]),
        patched(&whole, b"trex", 4, &[0, 0, 0, 9]),
        patched(&whole, b"trex", 4, &[0, 0, 0, 2]),
        // Before the file, and behind it.
        patched(&whole, b"trun", 8, &i32::MIN.to_be_bytes()),
        patched(&whole, b"trun", 8, &i32::MAX.to_be_bytes()),
        // More samples than can be there, or than are said to.
        patched(&whole, b"trun", 4, &most),
        patched(&whole, b"trun", 2, &[2]),
        patched(&patched(&whole, b"trun", 2, &[1]), b"trun", 4, &most),
        // Without a head, and with two.
        patched(&whole, b"tfhd", -4, b"none"),
        patched(&whole, b"tfdt", -4, b"tfhd"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(video(&bytes).unwrap_err(), Rule::VideoBroken, "{number}");
    }
}

/// What lies in a video one after the other: whose it is (pictures, sounds, texts, nobody's), and how
/// long its samples are.
fn layout() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
    let piece = (0..4_usize, prop::collection::vec(0..40_usize, 1..4));
    prop::collection::vec(piece, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every byte of a picture or a sound stays as it was, and every other one is empty.
    #[test]
    fn what_is_played_stays_and_nothing_else(pieces in layout()) {
        let mut strips =
            [b"vide", b"soun", b"sbtl"].map(|kind| Strip { kind, chunks: Vec::new() });
        let (mut content, mut expected) = (Vec::new(), Vec::new());
        for (whose, samples) in pieces {
            if let Some(strip) = strips.get_mut(whose) {
                strip.chunks.push((content.len(), samples.clone()));
            }
            for _ in 0..samples.iter().sum() {
                let byte = u8::try_from(content.len() % 251).unwrap() + 1;
                expected.push(if whose < 2 { byte } else { 0 });
                content.push(byte);
            }
        }
        prop_assume!(expected.iter().any(|it| *it != 0));
        let came = film(&strips, &content, &[], &[]);
        let kept = video(&came).unwrap();
        let begins = at(&came, b"mdat") + 4;
        prop_assert_eq!(&kept[begins..], expected.as_slice());
        prop_assert_eq!(video(&kept).unwrap(), kept);
    }
}
