//! Files for tests, made here: good ones, and such as somebody with bad intentions sends.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// What a place leaves in a picture or a video; never to be found in what is kept.
pub(crate) const PLACE: &[u8] = b"+39.9042+116.4074/";
/// What a web page would do.
pub(crate) const SCRIPT: &[u8] = b"<html><script>alert(document.domain)</script></html>";

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A picture that is red on the left and blue on the right.
fn picture(width: u32, height: u32) -> DynamicImage {
    let colour = |x, _| if x < width / 2 { Rgb([250, 10, 10]) } else { Rgb([10, 10, 250]) };
    RgbImage::from_fn(width, height, colour).into()
}

pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    written(&picture(width, height), ImageFormat::Jpeg)
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    written(&picture(width, height), ImageFormat::Png)
}

pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
    written(&picture(width, height), ImageFormat::WebP)
}

/// A WebP through which one sees.
pub(crate) fn clear_webp(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbaImage::from_pixel(width, height, Rgba([10, 200, 10, 100]));
    written(&picture.into(), ImageFormat::WebP)
}

/// A photo as a phone takes it: turned by a quarter (orientation 6), with a place in its EXIF.
pub(crate) fn phone_photo(width: u32, height: u32) -> Vec<u8> {
    // TIFF 6.0, little-endian: one directory with the orientation, and a text with the place.
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    tiff.extend(2_u16.to_le_bytes());
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let mut entry = tag.to_le_bytes().to_vec();
        entry.extend(kind.to_le_bytes());
        entry.extend(count.to_le_bytes());
        entry.extend(value.to_le_bytes());
        entry
    };
    tiff.extend(entry(0x0112, 3, 1, 6));
    tiff.extend(entry(0x010E, 2, u32::try_from(PLACE.len()).unwrap() + 1, 38));
    tiff.extend(0_u32.to_le_bytes());
    tiff.extend(PLACE);
    tiff.push(0);
    let mut segment = b"Exif\0\0".to_vec();
    segment.extend(tiff);
    let plain = jpeg(width, height);
    let length = u16::try_from(segment.len() + 2).unwrap();
    [&plain[..2], b"\xFF\xE1", &length.to_be_bytes(), &segment, &plain[2..]].concat()
}

/// A PNG of a few bytes that says it has 50,000 times 50,000 pixels.
pub(crate) fn bomb() -> Vec<u8> {
    let mut header = 50_000_u32.to_be_bytes().to_vec();
    header.extend(50_000_u32.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1A\n".to_vec();
    for (kind, data) in
        [(b"IHDR", header.as_slice()), (b"IDAT", &[0x78, 0x9C, 1, 0]), (b"IEND", &[])]
    {
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let chunk = [kind.as_slice(), data].concat();
        bytes.extend(&chunk);
        bytes.extend(crc(&chunk).to_be_bytes());
    }
    bytes
}

/// CRC-32 of ISO 3309, as PNG (W3C, annex D) has it.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
        }
    }
    !crc
}

/// A GIF of one pixel.
pub(crate) fn gif() -> Vec<u8> {
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF!\xF9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
        .to_vec()
}

/// An empty archive, as programs find it at the end of any file.
pub(crate) fn zip() -> Vec<u8> {
    [b"PK\x05\x06".as_slice(), &[0; 18]].concat()
}

/// A document of one empty page, with more objects in it.
pub(crate) fn pdf_with(more: &[u8]) -> Vec<u8> {
    [
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
          2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
          3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>\nendobj\n"
            .as_slice(),
        more,
        b"trailer\n<< /Root 1 0 R /Size 4 >>\nstartxref\n9\n%%EOF\n",
    ]
    .concat()
}

pub(crate) fn pdf() -> Vec<u8> {
    pdf_with(b"")
}

/// A stream of objects, packed as newer programs do.
pub(crate) fn packed_objects(objects: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(objects).unwrap();
    let packed = packer.finish().unwrap();
    let head = format!(
        "5 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length {} >>\nstream\n",
        packed.len()
    );
    [head.as_bytes(), &packed, b"\nendstream\nendobj\n"].concat()
}

/// A box of an MP4.
pub(crate) fn cell(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes(), kind.as_slice(), body].concat()
}

fn track(kind: &[u8; 4], more: &[u8]) -> Vec<u8> {
    let handler = [&[0; 8], kind.as_slice(), &[0; 13]].concat();
    let table = cell(b"stbl", &cell(b"stsd", &[0; 8]));
    let media = [cell(b"mdhd", &[0; 24]), cell(b"hdlr", &handler), cell(b"minf", &table)].concat();
    cell(b"trak", &[cell(b"tkhd", &[0; 84]), cell(b"mdia", &media), more.to_vec()].concat())
}

/// A video of one track of this kind, with more boxes in its index and behind it.
pub(crate) fn mp4_of(track_kind: &[u8; 4], in_index: &[u8], behind: &[u8]) -> Vec<u8> {
    let index = [
        cell(b"mvhd", &[0; 100]),
        track(b"vide", &cell(b"udta", &cell(b"name", SCRIPT))),
        if track_kind == b"vide" { Vec::new() } else { track(track_kind, &[]) },
        in_index.to_vec(),
    ];
    [
        cell(b"ftyp", b"isom\0\0\x02\0isomiso2mp41"),
        cell(b"moov", &index.concat()),
        cell(b"mdat", &[7; 4_000]),
        behind.to_vec(),
    ]
    .concat()
}

pub(crate) fn mp4() -> Vec<u8> {
    mp4_of(b"vide", &[], &[])
}

/// A video as a phone takes it: with the place where, the maker's own box, and free space that is
/// not empty.
pub(crate) fn phone_video() -> Vec<u8> {
    let place = [&[0, 18, 0x15, 0xC7], PLACE].concat();
    let in_index = [
        cell(b"udta", &cell(b"\xA9xyz", &place)),
        cell(b"meta", &[&[0; 4], PLACE].concat()),
        cell(b"loci", PLACE),
    ]
    .concat();
    let behind =
        [cell(b"uuid", &[&[9; 16], PLACE].concat()), cell(b"free", SCRIPT), cell(b"skip", &zip())]
            .concat();
    mp4_of(b"soun", &in_index, &behind)
}

/// Whether a part stands somewhere in bytes.
pub(crate) fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}
