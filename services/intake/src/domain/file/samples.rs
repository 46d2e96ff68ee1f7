//! Files for tests, made here: good ones, and such as somebody with bad intentions sends.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage, codecs::jpeg::JpegEncoder};

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

/// A picture that nothing makes short, through parts of which one sees.
pub(crate) fn noise(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut state = 1_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let picture = RgbaImage::from_fn(width, height, |_, _| Rgba([(); 4].map(|()| byte())));
    let picture = DynamicImage::from(picture);
    match format {
        ImageFormat::Jpeg => written(&picture.into_rgb8().into(), format),
        _ => written(&picture, format),
    }
}

/// A photo that was kept so badly that it is longer once it is written anew.
pub(crate) fn rough_photo(width: u32, height: u32) -> Vec<u8> {
    let photo = image::load_from_memory(&noise(width, height, ImageFormat::Jpeg)).unwrap();
    let mut bytes = Vec::new();
    photo.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 5)).unwrap();
    bytes
}

/// A JPEG that is short and wants much memory: grey, of as many components as are named in its scans,
/// each of which says nothing but that all its blocks are like the first.
pub(crate) fn slim_jpeg(progressive: bool, width: u16, height: u16, scans: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"\xFF\xD8".to_vec();
    let mut segment = |marker: u8, parts: &[&[u8]]| {
        let body = parts.concat();
        bytes.extend([0xFF, marker]);
        bytes.extend(u16::try_from(body.len() + 2).unwrap().to_be_bytes());
        bytes.extend(body);
    };
    segment(0xDB, &[&[0], &[1; 64]]);
    let components: Vec<u8> = scans.concat();
    let count = u8::try_from(components.len()).unwrap();
    let each: Vec<u8> = components.iter().flat_map(|id| [*id, 0x11, 0]).collect();
    let size = [8, height.to_be_bytes()[0], height.to_be_bytes()[1]];
    let frame = if progressive { 0xC2 } else { 0xC0 };
    segment(frame, &[&size, &width.to_be_bytes(), &[count], &each]);
    // Of one word each, of one bit: no difference, and nothing more in this block.
    for table in [0x00, 0x10] {
        segment(0xC4, &[&[table, 1], &[0; 15], &[0]]);
    }
    let blocks = usize::from(width.div_ceil(8)) * usize::from(height.div_ceil(8));
    for ids in scans {
        let each: Vec<u8> = ids.iter().flat_map(|id| [*id, 0]).collect();
        let last = if progressive { 0 } else { 63 };
        let head = [&[u8::try_from(ids.len()).unwrap()], each.as_slice(), &[0, last, 0]].concat();
        bytes.extend(b"\xFF\xDA");
        bytes.extend(u16::try_from(head.len() + 2).unwrap().to_be_bytes());
        bytes.extend(head);
        let bits = blocks * ids.len() * if progressive { 1 } else { 2 };
        bytes.extend(vec![0; bits.div_ceil(8)]);
    }
    bytes.extend(b"\xFF\xD9");
    bytes
}

/// A red picture of four pixels, packed with loss; with how much is seen of each of them, if it is said.
pub(crate) fn lossy_webp(clear: Option<[u8; 4]>) -> Vec<u8> {
    let frame = b"\xD0\x01\0\x9D\x01\x2A\x02\0\x02\0\x02\0\x34\x25\xA0\x02\x74\xBA\x01\xF8\0\x03\
        \xB0\0\xFE\xF0\xC4\x0B\xFF\x20\xB9\x61\x75\xC8\xD7\xFF\x20\x3F\xE4\x07\xFC\x80\xFF\xF8\xF2\0\0\0";
    let chunk = |kind: &[u8; 4], body: &[u8]| {
        let length = u32::try_from(body.len()).unwrap();
        let even = vec![0; body.len() % 2];
        [kind.as_slice(), &length.to_le_bytes(), body, &even].concat()
    };
    let frame = chunk(b"VP8 ", frame);
    let chunks = match clear {
        None => frame,
        Some(each) => {
            let head = chunk(b"VP8X", &[0x10, 0, 0, 0, 1, 0, 0, 1, 0, 0]);
            [head, chunk(b"ALPH", &[&[0], each.as_slice()].concat()), frame].concat()
        }
    };
    chunk(b"RIFF", &[b"WEBP".as_slice(), &chunks].concat())
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
    packed_as("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", objects)
}

/// A stream that is packed, with a dictionary that says so, or does not.
pub(crate) fn packed_as(dictionary: &str, objects: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    // What is too short is only put into an envelope, in which it could be read.
    packer.write_all(&[objects, &[b' '; 200]].concat()).unwrap();
    let packed = packer.finish().unwrap();
    assert!(objects.len() < 8 || !holds(&packed, objects));
    let head = format!("5 0 obj\n<< /Length {} {dictionary} >>\nstream\n", packed.len());
    [head.as_bytes(), &packed, b"\nendstream\nendobj\n"].concat()
}

/// A box of an MP4.
pub(crate) fn cell(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes(), kind.as_slice(), body].concat()
}

/// A track, and where its chunks are in the content of a video, each with the lengths of its samples.
pub(crate) struct Strip<'s> {
    pub(crate) kind: &'s [u8; 4],
    pub(crate) chunks: Vec<(usize, Vec<usize>)>,
}

/// Numbers as the tables of an MP4 have them.
fn words(all: impl IntoIterator<Item = usize>) -> Vec<u8> {
    all.into_iter().flat_map(|it| u32::try_from(it).unwrap().to_be_bytes()).collect()
}

fn track(strip: &Strip<'_>, id: usize, content: usize) -> Vec<u8> {
    let chunks = &strip.chunks;
    let runs = chunks.iter().zip(1..).flat_map(|((_, samples), at)| [at, samples.len(), 1]);
    let offsets = chunks.iter().map(|(at, _)| content + at);
    let sizes: Vec<usize> = chunks.iter().flat_map(|(_, samples)| samples.clone()).collect();
    let tables = [
        cell(b"stsd", &[0; 8]),
        cell(b"stsc", &[words([0, chunks.len()]), words(runs)].concat()),
        cell(b"stsz", &[words([0, 0, sizes.len()]), words(sizes)].concat()),
        cell(b"stco", &[words([0, chunks.len()]), words(offsets)].concat()),
    ];
    let handler = [&[0; 8], strip.kind.as_slice(), &[0; 13]].concat();
    let table = cell(b"stbl", &tables.concat());
    let media = [cell(b"mdhd", &[0; 24]), cell(b"hdlr", &handler), cell(b"minf", &table)];
    let head = cell(b"tkhd", &[words([0, 0, 0, id]), vec![0; 68]].concat());
    let name = cell(b"udta", &cell(b"name", SCRIPT));
    cell(b"trak", &[head, cell(b"mdia", &media.concat()), name].concat())
}

/// A video of these tracks, with more boxes in its index and behind its content.
pub(crate) fn film(
    strips: &[Strip<'_>],
    content: &[u8],
    in_index: &[u8],
    behind: &[u8],
) -> Vec<u8> {
    let brands = cell(b"ftyp", b"isom\0\0\x02\0isomiso2mp41");
    let index = |begins| {
        let tracks = strips.iter().zip(1..).flat_map(|(it, id)| track(it, id, begins));
        let tracks: Vec<u8> = tracks.collect();
        cell(b"moov", &[cell(b"mvhd", &[0; 100]), tracks, in_index.to_vec()].concat())
    };
    // How long the index is does not depend on where the content begins.
    let begins = brands.len() + index(0).len() + 8;
    [brands, index(begins), cell(b"mdat", content), behind.to_vec()].concat()
}

/// A video with a second track of this kind, with more boxes in its index and behind it. All of its
/// content is used.
pub(crate) fn mp4_of(track_kind: &[u8; 4], in_index: &[u8], behind: &[u8]) -> Vec<u8> {
    let halves =
        |kind, at| Strip { kind, chunks: vec![(at, vec![900, 100]), (at + 1_000, vec![1_000])] };
    let strips = [halves(b"vide", 0), halves(track_kind, 2_000)];
    film(&strips, &[7; 4_000], in_index, behind)
}

/// What a camera of a car writes between pictures and sounds, and into a track of texts.
pub(crate) fn dashcam_video() -> Vec<u8> {
    let fix = [b"\0\0\0\x40freeGPS ".as_slice(), PLACE].concat();
    let mut content = Vec::new();
    let mut strips = [b"vide", b"soun", b"text"].map(|kind| Strip { kind, chunks: Vec::new() });
    for second in 0..4_u8 {
        for (strip, part) in strips.iter_mut().zip([&[second + 1; 50][..], &[0xAA; 20], PLACE]) {
            strip.chunks.push((content.len(), vec![part.len() - 8, 8]));
            content.extend_from_slice(part);
            content.extend_from_slice(&fix);
        }
    }
    film(&strips, &content, &[], &[])
}

/// A video in fragments: pictures, a text with the place, and another place that no table names. The
/// parts of a fragment say in different ways where their samples are.
pub(crate) fn fragmented_video() -> Vec<u8> {
    let empty = |kind| Strip { kind, chunks: Vec::new() };
    let size = |id, size| cell(b"trex", &words([0, id, 1, 0, size, 0]));
    let extends = cell(b"mvex", &[size(1, 40), size(2, PLACE.len()), size(3, 0)].concat());
    let strips = [empty(b"vide"), empty(b"text"), empty(b"soun")];
    let mut bytes = film(&strips, &[], &extends, &[]);
    let content = [[5; 80].as_slice(), PLACE, &[6; 30], PLACE].concat();
    for number in 0..3 {
        let fragment = |begins: usize| {
            let part = |head: &[u8], runs: &[u8]| {
                cell(
                    b"traf",
                    &[cell(b"tfhd", head), cell(b"tfdt", &[0; 8]), runs.to_vec()].concat(),
                )
            };
            let begins = begins + 8;
            // Two samples, each in a run of its own; the second follows the first.
            let runs = [cell(b"trun", &words([1, 1, begins])), cell(b"trun", &words([0, 1]))];
            let pictures = part(&words([0x2_0000, 1]), &runs.concat());
            let texts = part(&words([0x2_0000, 2]), &cell(b"trun", &words([1, 1, begins + 80])));
            let sounds = words([0x301, 2, begins + 80 + PLACE.len(), 9, 10, 9, 20]);
            let sounds = part(&words([0x2_0000, 3]), &cell(b"trun", &sounds));
            let head = cell(b"mfhd", &words([0, number]));
            cell(b"moof", &[head, pictures, texts, sounds].concat())
        };
        bytes.extend(fragment(fragment(0).len()));
        bytes.extend(cell(b"mdat", &content));
    }
    bytes
}

pub(crate) fn mp4() -> Vec<u8> {
    mp4_of(b"soun", &[], &[])
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
