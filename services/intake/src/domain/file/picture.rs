//! Pictures are taken apart to their pixels and written anew: nothing that was hidden beside the
//! pixels comes through, neither where and by what they were taken nor another file behind them.

use std::io::{self, Cursor, Write};

use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
        webp::WebPEncoder,
    },
    metadata::Orientation,
};

use self::memory::Shape;
use super::{Limits, MediaType};
use crate::domain::rule::Rule;

mod memory;

/// How well photos are kept, of 100; less well if they would be too long.
const QUALITIES: [u8; 2] = [88, 70];
/// How many times [`Limits::image_bytes`] a picture may have once it is written anew. A photo that was
/// kept less well than we keep it becomes longer, and a WebP with transparency many times.
const LONGER: u64 = 2;
/// How many times [`Limits::image_bytes`] a decoder may take for what lies beside the pixels of a PNG.
const BESIDE: u64 = 4;
/// The marker that ends a JPEG (ITU-T T.81, B.1.1.3), and that of its first scan.
const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
const START_OF_SCAN: u8 = 0xDA;

/// A picture that was written anew.
#[derive(Debug)]
pub struct Picture {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What they are: a WebP through which nothing is seen becomes a JPEG, because WebP can be written
    /// here only without loss, which makes a photo many times longer.
    pub media_type: MediaType,
    /// Its width, as people see it.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// Reads a picture and writes it anew, upright, with nothing but its pixels. Its size is known from
/// its first bytes, before anything is decoded, and so is the memory that it takes.
///
/// # Errors
/// [`Rule::PictureTooLarge`], [`Rule::PictureBroken`]; [`Rule::FileTooLarge`] if it is far longer once
/// it is written anew.
pub fn clean(bytes: &[u8], media_type: MediaType, limits: &Limits) -> Result<Picture, Rule> {
    let too_large =
        || Rule::PictureTooLarge { side: limits.image_side, pixels: limits.image_pixels };
    let why = |error: ImageError| match error {
        ImageError::Limits(_) => too_large(),
        _ => Rule::PictureBroken,
    };
    let format = match media_type {
        MediaType::Jpeg => ImageFormat::Jpeg,
        MediaType::Png => ImageFormat::Png,
        MediaType::Webp => ImageFormat::WebP,
        MediaType::Pdf | MediaType::Mp4 => return Err(Rule::PictureBroken),
    };
    if format == ImageFormat::Jpeg && !is_whole_jpeg(bytes) {
        return Err(Rule::PictureBroken);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut caps = image::Limits::default();
    caps.max_image_width = Some(limits.image_side);
    caps.max_image_height = Some(limits.image_side);
    // A profile of colours of a PNG is unpacked before its pixels are.
    let beside = limits.image_bytes.saturating_mul(BESIDE);
    caps.max_alloc = Some(limits.image_memory_bytes.min(beside));
    reader.limits(caps);
    let mut decoder = reader.into_decoder().map_err(why)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.image_pixels {
        return Err(too_large());
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let shape = Shape { width, height, colour: decoder.color_type(), orientation };
    let needed = memory::needed(bytes, media_type, shape).ok_or(Rule::PictureBroken)?;
    if needed > limits.image_memory_bytes {
        return Err(too_large());
    }
    let mut picture = plain(DynamicImage::from_decoder(decoder).map_err(why)?, media_type);
    picture.apply_orientation(orientation);
    let most = usize::try_from(limits.image_bytes.saturating_mul(LONGER)).unwrap_or(usize::MAX);
    let written = write(&picture, media_type, most).map_err(why)?;
    written.ok_or(Rule::FileTooLarge { max: limits.image_bytes })
}

/// Eight bits a channel, which is all that a screen shows; and none for transparency in a WebP through
/// which nothing is seen.
fn plain(picture: DynamicImage, was: MediaType) -> DynamicImage {
    match picture {
        DynamicImage::ImageRgba8(pixels)
            if was == MediaType::Webp && pixels.pixels().all(|it| it[3] == u8::MAX) =>
        {
            DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(pixels).into_rgb8())
        }
        plain @ (DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_)) => plain,
        other if other.color().has_alpha() => DynamicImage::ImageRgba8(other.into_rgba8()),
        other if other.color().has_color() => DynamicImage::ImageRgb8(other.into_rgb8()),
        other => DynamicImage::ImageLuma8(other.into_luma8()),
    }
}

/// Writes it; `None` if it is longer than `most`.
fn write(
    picture: &DynamicImage,
    was: MediaType,
    most: usize,
) -> Result<Option<Picture>, ImageError> {
    let (width, height) = (picture.width(), picture.height());
    let bounded = || Bounded { bytes: Vec::new(), most, full: false };
    let (media_type, bytes) = match was {
        MediaType::Webp if picture.color().has_alpha() => {
            let mut to = bounded();
            let done = picture.write_with_encoder(WebPEncoder::new_lossless(&mut to));
            (MediaType::Webp, to.end(done)?)
        }
        MediaType::Png => {
            let mut to = bounded();
            let (packing, filter) = (CompressionType::Default, FilterType::Adaptive);
            let encoder = PngEncoder::new_with_quality(&mut to, packing, filter);
            let done = picture.write_with_encoder(encoder);
            (MediaType::Png, to.end(done)?)
        }
        _ => {
            let mut written = None;
            for quality in QUALITIES {
                let mut to = bounded();
                let encoder = JpegEncoder::new_with_quality(&mut to, quality);
                let done = picture.write_with_encoder(encoder);
                written = to.end(done)?;
                if written.is_some() {
                    break;
                }
            }
            (MediaType::Jpeg, written)
        }
    };
    Ok(bytes.map(|bytes| Picture { bytes, media_type, width, height }))
}

/// Bytes that are written, but no more of them than `most`.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    full: bool,
}

impl Bounded {
    /// What was written; `None` if it was too much.
    fn end(self, done: Result<(), ImageError>) -> Result<Option<Vec<u8>>, ImageError> {
        match done {
            _ if self.full => Ok(None),
            Ok(()) => Ok(Some(self.bytes)),
            Err(error) => Err(error),
        }
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.most - self.bytes.len() {
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a JPEG has its end: decoders fill up what is missing with grey, and its sender would not
/// learn that half of the photo is not there.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(0xFF), Some(&START_OF_SCAN)) => break,
            // Markers may have fill bytes before them.
            (Some(0xFF), Some(0xFF)) => at += 1,
            (Some(0xFF), Some(_)) => {
                let (Some(&high), Some(&low)) = (bytes.get(at + 2), bytes.get(at + 3)) else {
                    return false;
                };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
            }
            _ => return false,
        }
    }
    // In a scan, 0xFF is followed by zero or a restart marker.
    bytes[at..].windows(2).any(|pair| pair == END_OF_IMAGE)
}
