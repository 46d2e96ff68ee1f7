//! What a picture takes, and how long it becomes.

use std::time::Instant;

use image::ImageFormat;

use super::{super::samples::*, Limits, MediaType, Picture, Rule, clean_picture, cleaned, limits};

/// What becomes of a picture with so much memory.
fn with_memory(bytes: &[u8], image_memory_bytes: u64) -> Result<Picture, Rule> {
    let limits = Limits { image_memory_bytes, ..limits() };
    clean_picture(bytes, MediaType::of(bytes).unwrap(), &limits)
}

/// With this much memory it is taken, and with a byte less it is too large.
fn takes(bytes: &[u8], memory: u64) {
    with_memory(bytes, memory).unwrap();
    let refused = with_memory(bytes, memory - 1);
    assert!(matches!(refused, Err(Rule::PictureTooLarge { .. })), "{refused:?}");
}

#[test]
fn a_photo_that_comes_in_many_scans_is_counted_with_all_that_is_kept_of_it() {
    let pixels = 7_071 * 7_071;
    let photo = slim_jpeg(true, 7_071, 7_071, &[&[1, 2, 3, 4]]);
    assert!(photo.len() < 500_000 && pixels < limits().image_pixels);
    assert!(pixels * 3 < limits().image_memory_bytes, "its pixels alone would fit");
    let begin = Instant::now();
    assert!(matches!(cleaned(&photo), Err(Rule::PictureTooLarge { .. })));
    assert!(begin.elapsed().as_secs() < 2, "{:?}", begin.elapsed());
    // Coefficients of two bytes each, of whole blocks, and the pixels.
    takes(&slim_jpeg(true, 61, 50, &[&[1, 2, 3, 4]]), 64 * 56 * 4 * 2 + 61 * 50 * 3);
    takes(&slim_jpeg(true, 64, 64, &[&[1]]), 64 * 64 * 2 + 64 * 64);
}

#[test]
fn a_photo_whose_colours_come_one_after_the_other_is_counted_so_too() {
    takes(&slim_jpeg(false, 64, 64, &[&[1], &[2], &[3]]), 64 * 64 * 3 * 2 + 64 * 64 * 3);
    takes(&slim_jpeg(false, 64, 64, &[&[1, 2, 3]]), 64 * 64 * 3);
}

#[test]
fn a_header_elsewhere_than_we_look_is_counted_too() {
    // Of a first segment of four bytes the decoder reads five, with the next marker's first half. So it
    // looks for a header inside of that segment.
    let real = slim_jpeg(true, 64, 64, &[&[1, 2, 3, 4]]);
    let shown = slim_jpeg(false, 64, 64, &[&[1, 2, 3]]);
    let inside = [&[0; 3], &real[2..real.len() - 2]].concat();
    let length = u16::try_from(inside.len() + 2).unwrap().to_be_bytes();
    let segments = [b"\xFF\xE0\0\x06....\xFF\xE5".as_slice(), &length, &inside].concat();
    let photo = [&shown[..2], &segments, &shown[2..]].concat();
    assert!(matches!(with_memory(&photo, 20_000), Err(Rule::PictureTooLarge { .. })));
}

#[test]
fn what_is_turned_converted_or_packed_needs_room_for_both() {
    takes(&phone_photo(64, 32), 64 * 32 * 3 * 2);
    takes(&png(64, 64), 64 * 64 * 3 * 2);
    takes(&noise(64, 64, ImageFormat::Png), 64 * 64 * 4 * 2);
}

#[test]
fn a_webp_is_counted_with_its_planes_its_canvas_and_its_tables() {
    takes(&lossy_webp(None), 2 * 2 * 3 + 16 * 16 * 3 / 2);
    takes(&lossy_webp(Some([255, 0, 255, 255])), 16 * 16 * 13);
    let clear = clear_webp(40, 20);
    let stream = u64::from(u32::from_le_bytes(clear[16..20].try_into().unwrap()));
    takes(&clear, 48 * 32 * 13 + stream * 512);
}

#[test]
fn a_webp_through_which_nothing_is_seen_becomes_a_photo() {
    let kept = cleaned(&lossy_webp(Some([255; 4]))).unwrap();
    assert_eq!(kept.media_type, MediaType::Jpeg);
    let kept = cleaned(&lossy_webp(Some([255, 255, 0, 255]))).unwrap();
    assert_eq!(kept.media_type, MediaType::Webp);
}

#[test]
fn a_picture_becomes_no_more_than_twice_as_long_as_one_may_be() {
    for bytes in [noise(64, 64, ImageFormat::WebP), noise(64, 64, ImageFormat::Png)] {
        let media_type = MediaType::of(&bytes).unwrap();
        let most = cleaned(&bytes).unwrap().bytes.len() as u64;
        let fits = Limits { image_bytes: most.div_ceil(2), ..limits() };
        clean_picture(&bytes, media_type, &fits).unwrap();
        let image_bytes = most.div_ceil(2) - 1;
        let refused = clean_picture(&bytes, media_type, &Limits { image_bytes, ..limits() });
        assert_eq!(refused.unwrap_err(), Rule::FileTooLarge { max: image_bytes });
    }
}

#[test]
fn a_photo_that_would_be_too_long_is_kept_less_well() {
    let photo = rough_photo(200, 200);
    let well = cleaned(&photo).unwrap().bytes.len() as u64;
    assert!(well > photo.len() as u64 * 3 / 2, "{well} of {}", photo.len());
    let with = |image_bytes| {
        let limits = Limits { image_bytes, ..limits() };
        clean_picture(&photo, MediaType::Jpeg, &limits).map(|it| it.bytes.len() as u64)
    };
    assert!(with(well / 2 - 1).unwrap() < well - 1);
    assert_eq!(with(well / 20).unwrap_err(), Rule::FileTooLarge { max: well / 20 });
}
