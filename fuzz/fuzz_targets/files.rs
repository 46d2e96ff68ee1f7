//! What strangers upload: whatever the bytes are, looking into them ends, takes no more memory than the
//! limits say, and gives something that can be looked into again.

#![no_main]

use std::{io::Cursor, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use liuyan_intake::domain::{
    file::{HEAD, Limits, MediaType, check_pdf, clean_picture, clean_video},
    rule::Rule,
};

#[path = "../../services/intake/src/domain/file/samples.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod samples;

/// Good files, to be spoilt.
static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    vec![
        samples::phone_photo(24, 16),
        samples::png(24, 16),
        samples::webp(24, 16),
        samples::clear_webp(24, 16),
        samples::pdf(),
        samples::pdf_with(&samples::packed_objects(b"1 0 obj << /Type /Page >> endobj")),
        samples::mp4(),
        samples::phone_video(),
        samples::dashcam_video(),
        samples::fragmented_video(),
        samples::lossy_webp(Some([255, 255, 0, 255])),
        samples::slim_jpeg(true, 24, 16, &[&[1, 2, 3, 4]]),
        samples::slim_jpeg(false, 24, 16, &[&[1], &[2], &[3]]),
    ]
});

/// A file of which the first byte says what it begins as: a good one, in which the next bytes change
/// others, four at a time (where, and to what), or just the bytes.
fn made_of(bytes: &[u8]) -> Vec<u8> {
    let Some((first, rest)) = bytes.split_first() else { return Vec::new() };
    let Some(good) = GOOD.get(usize::from(*first)) else { return rest.to_vec() };
    let mut file = good.clone();
    for edit in rest.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (file.len() + 1);
        match edit[2] {
            0..=199 if at < file.len() => file[at] = edit[3],
            200..=219 => file.truncate(at),
            220..=239 => file.insert(at, edit[3]),
            _ => file.push(edit[3]),
        }
    }
    file
}

/// Smaller than those of the service, so that a run tries many.
const LIMITS: Limits = Limits {
    per_message: 5,
    image_bytes: 1 << 20,
    pdf_bytes: 1 << 20,
    video_bytes: 1 << 20,
    image_side: 256,
    image_pixels: 1 << 16,
    image_memory_bytes: 16 << 20,
};

fuzz_target!(|bytes: &[u8]| {
    let bytes = made_of(bytes);
    let bytes = bytes.as_slice();
    let head = &bytes[..bytes.len().min(HEAD)];
    let kind = MediaType::of(head);
    assert_eq!(kind, MediaType::of(bytes), "the first bytes tell");
    match kind {
        None => {}
        Some(kind @ (MediaType::Jpeg | MediaType::Png | MediaType::Webp)) => {
            let Ok(once) = clean_picture(bytes, kind, &LIMITS) else { return };
            assert_eq!(MediaType::of(&once.bytes), Some(once.media_type));
            let again = match clean_picture(&once.bytes, once.media_type, &LIMITS) {
                // Packed without loss it is longer, and its tables may be so, too.
                Err(Rule::PictureTooLarge { .. }) if once.media_type == MediaType::Webp => return,
                again => again.unwrap(),
            };
            assert_eq!((again.width, again.height), (once.width, once.height));
        }
        Some(MediaType::Pdf) => {
            let _ = check_pdf(bytes);
        }
        Some(MediaType::Mp4) => {
            let length = bytes.len() as u64;
            let mut once = Cursor::new(bytes.to_vec());
            if clean_video(&mut once, length).is_err() {
                return;
            }
            let mut again = once.clone();
            assert_eq!(again.get_ref().len(), bytes.len(), "it is emptied in its place");
            clean_video(&mut again, length).unwrap();
            assert_eq!(again.get_ref(), once.get_ref(), "what is clean stays as it is");
        }
    }
});
