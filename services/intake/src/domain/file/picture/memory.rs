//! How much memory a picture takes while it is read and written anew. Decoders count little of what
//! they need beside the pixels, and so it is counted here, from their sources (zune-jpeg 0.5,
//! png 0.18, image-webp 0.2), before anything is decoded. What grows with one side of a picture only
//! is left out, and so are the file as it came and as it is kept.

use image::{ColorType, metadata::Orientation};

use crate::domain::file::MediaType;

/// Bytes of a coefficient, and coefficients of a block (ITU-T T.81, A.3).
const COEFFICIENT: u64 = 2;
const BLOCK: u64 = 64;
/// The marker of a frame in which each block comes in many scans (B.1.1.3), and that of a scan.
const PROGRESSIVE: u8 = 0xC2;
const SCAN: u8 = 0xDA;
/// Bytes of a pixel of a WebP that has more than a plain lossy frame: its pixels, those of a frame or
/// of its transparency, and a canvas on which the frame is put; or its pixels, a copy of them and what
/// is written without loss.
const WEBP_PIXEL: u64 = 13;
/// Memory of tables that one byte of a lossless stream can ask for: some seventy bits make a table of
/// 4 kB, and there may be five times 65,536 of them in a picture of any size.
const WEBP_TABLES: u64 = 512;

/// What is known of a picture before it is decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) colour: ColorType,
    pub(super) orientation: Orientation,
}

impl Shape {
    fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Bytes of its pixels as they are decoded.
    fn decoded(self) -> u64 {
        self.pixels() * u64::from(self.colour.bytes_per_pixel())
    }

    /// Bytes of its pixels as they are written.
    fn written(self) -> u64 {
        let channels = match (self.colour.has_alpha(), self.colour.has_color()) {
            (true, _) => 4,
            (false, true) => 3,
            (false, false) => 1,
        };
        self.pixels() * channels
    }

    /// What it takes once it is decoded: to make eight bits a channel of it, and to turn it.
    fn prepared(self) -> u64 {
        let turned = !matches!(
            self.orientation,
            Orientation::NoTransforms
                | Orientation::Rotate180
                | Orientation::FlipHorizontal
                | Orientation::FlipVertical
        );
        let (decoded, written) = (self.decoded(), self.written());
        let converting = if decoded == written { decoded } else { decoded + written };
        converting.max(if turned { 2 * written } else { written })
    }
}

/// How many bytes a picture takes at most; `None` if it can't be a picture.
pub(super) fn needed(bytes: &[u8], of: MediaType, shape: Shape) -> Option<u64> {
    match of {
        MediaType::Jpeg => {
            let coefficients = coefficients(bytes, shape.width, shape.height)?;
            Some(shape.prepared().max(shape.decoded() + coefficients))
        }
        // What it is packed into is collected before it is written.
        MediaType::Png => Some(shape.prepared().max(2 * shape.written())),
        MediaType::Webp => {
            // The planes of a frame are whole blocks of 16 times 16.
            let side = |it: u32| u64::from(it.next_multiple_of(16));
            let padded = side(shape.width) * side(shape.height);
            if bytes.get(12..16) == Some(b"VP8 ".as_slice()) {
                return Some(shape.decoded() + padded * 3 / 2);
            }
            Some(padded * WEBP_PIXEL + longest_lossless(bytes) * WEBP_TABLES)
        }
        MediaType::Pdf | MediaType::Mp4 => None,
    }
}

/// Bytes of the coefficients that are kept of a whole JPEG: none if each row can be finished before
/// the next one; `None` if there is no frame of this size.
///
/// A decoder may find its headers elsewhere than we would, and so every place counts that could be
/// one.
fn coefficients(bytes: &[u8], width: u32, height: u32) -> Option<u64> {
    // Whether there is a scan of so many components.
    let mut scans = [false; 5];
    for window in bytes.windows(4) {
        if let &[SCAN, 0, length, parts @ 1..=4] = window
            && length == 6 + 2 * parts
        {
            scans[usize::from(parts)] = true;
        }
    }
    let mut most = None;
    for (at, window) in bytes.windows(9).enumerate() {
        let &[marker @ 0xC0..=PROGRESSIVE, 0, length, 8, y, y_low, x, x_low, parts @ 1..=4] =
            window
        else {
            continue;
        };
        let size = (u16::from_be_bytes([x, x_low]), u16::from_be_bytes([y, y_low]));
        if length != 8 + 3 * parts || (u32::from(size.0), u32::from(size.1)) != (width, height) {
            continue;
        }
        let Some(parts_of) = bytes.get(at + 9..at + 9 + 3 * usize::from(parts)) else { continue };
        let apart = (1..).zip(&scans[1..]).any(|(of, there)| *there && of != parts);
        let blocks =
            if marker == PROGRESSIVE || apart { blocks(parts_of, width, height) } else { 0 };
        most = most.max(Some(blocks * BLOCK * COEFFICIENT));
    }
    most
}

/// Blocks of all components, each of which has three bytes; the second are its sampling factors.
fn blocks(parts: &[u8], width: u32, height: u32) -> u64 {
    let factors = parts.chunks(3).map(|it| (it[1] >> 4, it[1] & 0xF));
    let across = factors.clone().map(|it| it.0).max().unwrap_or(1).max(1);
    let down = factors.clone().map(|it| it.1).max().unwrap_or(1).max(1);
    let groups = u64::from(width.div_ceil(u32::from(across) * 8))
        * u64::from(height.div_ceil(u32::from(down) * 8));
    groups * factors.map(|it| u64::from(it.0) * u64::from(it.1)).sum::<u64>()
}

/// How long the longest stream is that is packed without loss, be it pixels or their transparency; at
/// every place that could be one.
fn longest_lossless(bytes: &[u8]) -> u64 {
    let length = |at: usize| {
        let all = bytes.get(at + 8..)?;
        let said = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().ok()?);
        // Transparency may be there as it is.
        let packed = &bytes[at..at + 4] == b"VP8L" || all.first()? & 0b11 != 0;
        packed.then(|| u64::from(said).min(all.len() as u64))
    };
    let found = bytes.windows(4).enumerate();
    let found = found.filter(|(_, it)| matches!(*it, b"VP8L" | b"ALPH"));
    found.filter_map(|(at, _)| length(at)).max().unwrap_or_default()
}
