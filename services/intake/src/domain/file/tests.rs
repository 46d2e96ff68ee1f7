use std::{io::Cursor, time::Instant};

use image::GenericImageView as _;
use proptest::prelude::*;

use super::{samples::*, *};
use crate::domain::rule::Rule;

mod documents;
mod pictures;
mod videos;

fn limits() -> Limits {
    Limits {
        per_message: 5,
        image_bytes: 5 << 20,
        pdf_bytes: 10 << 20,
        video_bytes: 50 << 20,
        image_side: 12_000,
        image_pixels: 50_000_000,
        image_memory_bytes: 256 << 20,
    }
}

fn cleaned(bytes: &[u8]) -> Result<Picture, Rule> {
    clean_picture(bytes, MediaType::of(bytes).unwrap(), &limits())
}

fn video(bytes: &[u8]) -> Result<Vec<u8>, Rule> {
    let mut file = Cursor::new(bytes.to_vec());
    match clean_video(&mut file, bytes.len() as u64) {
        Ok(()) => Ok(file.into_inner()),
        Err(Fault::Rule(rule)) => Err(rule),
        Err(Fault::Io(error)) => panic!("{error}"),
    }
}

#[test]
fn the_first_bytes_tell_what_a_file_is() {
    for (bytes, expected) in [
        (jpeg(4, 4), Some(MediaType::Jpeg)),
        (png(4, 4), Some(MediaType::Png)),
        (webp(4, 4), Some(MediaType::Webp)),
        (pdf(), Some(MediaType::Pdf)),
        (mp4(), Some(MediaType::Mp4)),
        (gif(), None),
        (zip(), None),
        (SCRIPT.to_vec(), None),
        (b"RIFF\0\0\0\0WAVEfmt ".to_vec(), None),
        (cell(b"ftyp", b"qt  \0\0\0\0qt  "), None),
        (cell(b"ftyp", b"heic\0\0\0\0mif1heic"), None),
        (b" %PDF-1.7 not at the beginning".to_vec(), None),
        (b"<?xml version='1.0'?><svg/>".to_vec(), None),
    ] {
        assert_eq!(MediaType::of(&bytes), expected, "{bytes:?}");
    }
}

#[test]
fn pictures_come_out_as_they_went_in() {
    for (bytes, expected) in [
        (jpeg(40, 20), MediaType::Jpeg),
        (png(40, 20), MediaType::Png),
        (webp(40, 20), MediaType::Jpeg),
        (clear_webp(40, 20), MediaType::Webp),
    ] {
        let kept = cleaned(&bytes).unwrap();
        assert_eq!((kept.media_type, kept.width, kept.height), (expected, 40, 20));
        assert_eq!(MediaType::of(&kept.bytes), Some(expected));
        let picture = image::load_from_memory(&kept.bytes).unwrap();
        assert_eq!(picture.dimensions(), (40, 20));
    }
}

#[test]
fn a_photo_stands_upright_and_tells_no_place() {
    let photo = phone_photo(40, 20);
    assert!(holds(&photo, PLACE));
    let kept = cleaned(&photo).unwrap();
    assert_eq!((kept.width, kept.height), (20, 40));
    assert!(!holds(&kept.bytes, PLACE) && !holds(&kept.bytes, b"Exif"));
    // What was red on the left is red above.
    let picture = image::load_from_memory(&kept.bytes).unwrap().into_rgb8();
    assert!(picture.get_pixel(10, 4)[0] > 200 && picture.get_pixel(10, 36)[2] > 200);
}

#[test]
fn nothing_comes_through_behind_or_inside_of_a_picture() {
    for hidden in [zip(), SCRIPT.to_vec(), pdf()] {
        for picture in [jpeg(16, 16), png(16, 16)] {
            let kept = cleaned(&[picture, hidden.clone()].concat()).unwrap();
            assert!(!holds(&kept.bytes, &hidden));
        }
    }
    let plain = jpeg(16, 16);
    let comment = [&plain[..2], b"\xFF\xFE\0\x36", SCRIPT, &plain[2..]].concat();
    assert!(!holds(&cleaned(&comment).unwrap().bytes, b"script"));
}

#[test]
fn a_decompression_bomb_costs_nothing() {
    let begin = Instant::now();
    for _ in 0..100 {
        assert!(matches!(cleaned(&bomb()), Err(Rule::PictureTooLarge { .. })));
    }
    assert!(begin.elapsed().as_millis() < 500, "{:?}", begin.elapsed());
    let small = Limits { image_pixels: 100, ..limits() };
    let refused = clean_picture(&png(11, 11), MediaType::Png, &small);
    assert!(matches!(refused, Err(Rule::PictureTooLarge { .. })));
    let little = Limits { image_memory_bytes: 1_000, ..limits() };
    let refused = clean_picture(&png(50, 50), MediaType::Png, &little);
    assert!(matches!(refused, Err(Rule::PictureTooLarge { .. })));
}

#[test]
fn what_is_no_whole_picture_is_refused() {
    let page = [b"\xFF\xD8\xFF".as_slice(), SCRIPT].concat();
    assert_eq!(cleaned(&page).unwrap_err(), Rule::PictureBroken);
    for whole in [jpeg(64, 64), phone_photo(64, 64), png(64, 64), webp(64, 64)] {
        for part in [whole.len() / 4, whole.len() / 2, whole.len() - 20] {
            assert_eq!(cleaned(&whole[..part.max(12)]).unwrap_err(), Rule::PictureBroken);
        }
    }
}

#[test]
fn a_document_does_nothing_by_itself_and_nothing_comes_after_it() {
    assert_eq!(check_pdf(&pdf()), Ok(()));
    let stream = b"4 0 obj\n<< /Length 6 >>\nstream\n/JS x \nendstream\nendobj\n";
    assert_eq!(check_pdf(&pdf_with(stream)), Ok(()), "compressed bytes mean nothing");
    assert_eq!(check_pdf(&pdf_with(&packed_objects(b"6 0 << /Type /Annot >>"))), Ok(()));
    let object = |it: &str| pdf_with(format!("4 0 obj\n<< {it} >>\nendobj\n").as_bytes());
    for (document, expected) in [
        ([pdf(), SCRIPT.to_vec()].concat(), Rule::PdfBroken),
        ([pdf(), zip()].concat(), Rule::PdfBroken),
        (pdf()[..80].to_vec(), Rule::PdfBroken),
        (b"%PDF-1.7\n%%EOF".to_vec(), Rule::PdfBroken),
        (b"%PDF-9.7\nstartxref 1 %%EOF".to_vec(), Rule::PdfBroken),
        (object("/OpenAction << /S /JavaScript /JS (app.alert(1)) >>"), Rule::PdfActive),
        (object("/S /JavaScript"), Rule::PdfActive),
        (object("/S /J#61vaScript"), Rule::PdfActive),
        (object("/S /Launch /F (cmd.exe)"), Rule::PdfActive),
        (object("/Type/EmbeddedFile"), Rule::PdfActive),
        (object("/Names << /EmbeddedFiles 4 0 R >>"), Rule::PdfActive),
        (object("/XFA 4 0 R"), Rule::PdfActive),
        (object("/Encrypt 4 0 R"), Rule::PdfLocked),
        (pdf_with(&packed_objects(b"6 0 << /S /JavaScript /JS (x) >>")), Rule::PdfActive),
        (
            pdf_with(b"4 0 obj\n<< /Type /ObjStm /Filter /LZWDecode >>\nstream\nxx\nendstream\n"),
            Rule::PdfBroken,
        ),
        (pdf_with(b"4 0 obj\n<< >>\nstream\nnever ended"), Rule::PdfBroken),
    ] {
        assert_eq!(check_pdf(&document), Err(expected), "{}", String::from_utf8_lossy(&document));
    }
}

#[test]
fn a_video_tells_no_place_and_stays_as_long_as_it_was() {
    let came = phone_video();
    assert!(holds(&came, PLACE) && holds(&came, SCRIPT));
    let kept = video(&came).unwrap();
    assert_eq!(kept.len(), came.len());
    for gone in [PLACE, SCRIPT, b"PK\x05\x06", b"udta", b"meta", b"loci", b"uuid", b"\xA9xyz"] {
        assert!(!holds(&kept, gone), "{}", String::from_utf8_lossy(gone));
    }
    // What is played is where it was.
    let at = |bytes: &[u8]| bytes.windows(4).position(|it| it == b"mdat").unwrap();
    assert_eq!(at(&kept), at(&came));
    assert!(holds(&kept, &[7; 4_000]));
    assert_eq!(video(&kept).unwrap(), kept, "there is nothing left to be emptied");
}

#[test]
fn what_is_no_whole_video_is_refused() {
    let whole = mp4();
    assert!(video(&whole).is_ok());
    let mut long = whole.clone();
    long[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    for (bytes, expected) in [
        (whole[..whole.len() - 1].to_vec(), Rule::VideoBroken),
        (whole[..200].to_vec(), Rule::VideoBroken),
        ([whole.clone(), SCRIPT.to_vec()].concat(), Rule::VideoBroken),
        ([whole.clone(), zip()].concat(), Rule::VideoBroken),
        ([whole.clone(), vec![0; 3]].concat(), Rule::VideoBroken),
        ([whole.clone(), whole.clone()].concat(), Rule::VideoBroken),
        (long, Rule::VideoBroken),
        (cell(b"ftyp", b"abcd\0\0\0\0abcd"), Rule::VideoBroken),
        (cell(b"ftyp", b"isom\0\0\0\0isom"), Rule::VideoBroken),
        (mp4_of(b"meta", &[], &[]), Rule::VideoMeasures),
        (mp4_of(b"camm", &[], &[]), Rule::VideoMeasures),
    ] {
        assert_eq!(video(&bytes).unwrap_err(), expected);
    }
}

/// Something like a file: the beginning of a good one, then whatever.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let good = prop::sample::select(vec![
        Vec::new(),
        jpeg(9, 7),
        phone_photo(9, 7),
        png(9, 7),
        webp(9, 7),
        lossy_webp(Some([255, 255, 0, 255])),
        slim_jpeg(true, 9, 7, &[&[1, 2, 3, 4]]),
        slim_jpeg(false, 9, 7, &[&[1], &[2], &[3]]),
        bomb(),
        pdf_with(&packed_objects(b"6 0 << /A 1 >>")),
        phone_video(),
        dashcam_video(),
        fragmented_video(),
    ]);
    let noise = prop::collection::vec(any::<u8>(), 0..200);
    let places = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
    (good, any::<prop::sample::Index>(), noise, places).prop_map(|(good, at, noise, places)| {
        let cut = if good.is_empty() { 0 } else { at.index(good.len() + 1) };
        let mut bytes = [&good[..cut], &noise].concat();
        for (place, byte) in places {
            if !bytes.is_empty() {
                let at = place.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever comes, it is told what it is or refused, in a time that does not grow beyond it.
    #[test]
    fn no_file_makes_it_panic(bytes in anything()) {
        let small = Limits { image_pixels: 1_000_000, image_memory_bytes: 8 << 20, ..limits() };
        match MediaType::of(&bytes) {
            Some(MediaType::Pdf) => drop(check_pdf(&bytes)),
            Some(MediaType::Mp4) => drop(video(&bytes)),
            Some(picture) => drop(clean_picture(&bytes, picture, &small)),
            None => {
                drop(check_pdf(&bytes));
                drop(video(&bytes));
            }
        }
    }

    /// A video that passes has no place in it, wherever its boxes are cut.
    #[test]
    fn a_video_that_passes_has_no_place_in_it(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = phone_video();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(kept) = video(&bytes) {
            // A changed letter of the place itself is still one, but not in the index.
            let index = kept.windows(4).position(|it| it == b"mdat").unwrap_or(kept.len());
            prop_assert!(!holds(&kept[..index], PLACE));
        }
    }
}
