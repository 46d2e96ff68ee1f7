//! Pictures are taken apart to their pixels and written anew: nothing that was hidden beside the
//! pixels comes through, neither where and by what they were taken nor another file behind them.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
        webp::WebPEncoder,
    },
    metadata::Orientation,
};

use super::{Limits, MediaType};
use crate::domain::rule::Rule;

/// How well photos are kept, of 100.
const QUALITY: u8 = 88;
/// The marker that ends a JPEG (ITU-T T.81, B.1.1.3), and that of its first scan.
const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
const START_OF_SCAN: u8 = 0xDA;

/// A picture that was written anew.
#[derive(Debug)]
pub struct Picture {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What they are: a WebP without transparency becomes a JPEG, because WebP can be written here
    /// only without loss, which makes a photo many times longer.
    pub media_type: MediaType,
    /// Its width, as people see it.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// Reads a picture and writes it anew, upright, with nothing but its pixels. Its size is known from
/// its first bytes, before anything is decoded.
///
/// # Errors
/// [`Rule::PictureTooLarge`], [`Rule::PictureBroken`].
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
    caps.max_alloc = Some(limits.image_memory_bytes);
    reader.limits(caps);
    let mut decoder = reader.into_decoder().map_err(why)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.image_pixels || decoder.total_bytes() > limits.image_memory_bytes {
        return Err(too_large());
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(why)?;
    picture.apply_orientation(orientation);
    write(plain(picture), media_type).map_err(why)
}

/// Eight bits a channel, which is all that a screen shows.
fn plain(picture: DynamicImage) -> DynamicImage {
    match picture {
        plain @ (DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_)) => plain,
        other if other.color().has_alpha() => DynamicImage::ImageRgba8(other.into_rgba8()),
        other if other.color().has_color() => DynamicImage::ImageRgb8(other.into_rgb8()),
        other => DynamicImage::ImageLuma8(other.into_luma8()),
    }
}

fn write(picture: DynamicImage, was: MediaType) -> Result<Picture, ImageError> {
    let (width, height) = (picture.width(), picture.height());
    let opaque = !picture.color().has_alpha();
    let mut bytes = Vec::new();
    let media_type = match was {
        MediaType::Webp if !opaque => {
            picture.write_with_encoder(WebPEncoder::new_lossless(&mut bytes))?;
            MediaType::Webp
        }
        MediaType::Png => {
            let encoder = PngEncoder::new_with_quality(
                &mut bytes,
                CompressionType::Default,
                FilterType::Adaptive,
            );
            picture.write_with_encoder(encoder)?;
            MediaType::Png
        }
        _ => {
            picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
            MediaType::Jpeg
        }
    };
    Ok(Picture { bytes, media_type, width, height })
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
