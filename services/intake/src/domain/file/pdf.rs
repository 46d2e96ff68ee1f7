//! Documents: whether a PDF is one from its first byte to its last, and does nothing by itself.
//!
//! This is no full reader of PDF. What lies open is looked at, and what lies in compressed object
//! streams (ISO 32000-2, 7.5.7), where newer programs put everything. A document that could do
//! something is refused and not mended.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use crate::domain::rule::Rule;

/// Names of what acts or carries other files; found anywhere, for no chance makes them.
const ACTIVE: [&[u8]; 7] = [
    b"JavaScript",
    b"Launch",
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"RichMedia",
    b"ImportData",
    b"SubmitForm",
];
/// The same, too short to be looked for among compressed bytes.
const ACTIVE_SHORT: [&[u8]; 2] = [b"JS", b"XFA"];
/// What tells of encryption.
const LOCKED: &[u8] = b"Encrypt";
/// What holds other objects.
const OBJECT_STREAM: &[u8] = b"ObjStm";
/// How far back the dictionary of a stream is looked for.
const DICTIONARY: usize = 2_048;
/// How much of the end must tell where the objects are.
const TAIL: usize = 1_024;
/// How much may come out of all object streams.
const MOST_INFLATED: u64 = 32 << 20;

/// Looks at a whole document.
///
/// # Errors
/// [`Rule::PdfBroken`], [`Rule::PdfLocked`], [`Rule::PdfActive`].
pub fn check(bytes: &[u8]) -> Result<(), Rule> {
    let version = bytes.strip_prefix(b"%PDF-").and_then(|rest| rest.first());
    if !matches!(version, Some(b'1' | b'2')) {
        return Err(Rule::PdfBroken);
    }
    let whole = bytes.trim_ascii_end();
    let tail = &whole[whole.len().saturating_sub(TAIL)..];
    if !whole.ends_with(b"%%EOF") || find(tail, b"startxref").is_none() {
        return Err(Rule::PdfBroken);
    }
    let mut left = MOST_INFLATED;
    let mut rest = bytes;
    while let Some(at) = find(rest, b"stream") {
        let (open, stream) = rest.split_at(at);
        look(open, true)?;
        let stream = &stream[b"stream".len()..];
        // What is no beginning of a stream is a word in a text.
        let begins = stream.strip_prefix(b"\r\n").or_else(|| stream.strip_prefix(b"\n"));
        let Some(content) = begins else {
            rest = stream;
            continue;
        };
        let end = find(content, b"endstream").ok_or(Rule::PdfBroken)?;
        look(&content[..end], false)?;
        let dictionary = &open[open.len().saturating_sub(DICTIONARY)..];
        let dictionary = rfind(dictionary, b"obj").map_or(dictionary, |at| &dictionary[at..]);
        let mut names = names(dictionary);
        if names.any(|name| name == OBJECT_STREAM) && !is_plain(dictionary) {
            let inflated = inflate(&content[..end], &mut left)?;
            look(&inflated, true)?;
        }
        rest = &content[end + b"endstream".len()..];
    }
    look(rest, true)
}

fn is_plain(dictionary: &[u8]) -> bool {
    names(dictionary).all(|name| name != b"Filter")
}

fn inflate(content: &[u8], left: &mut u64) -> Result<Vec<u8>, Rule> {
    let mut inflated = Vec::new();
    let read = ZlibDecoder::new(content).take(*left).read_to_end(&mut inflated);
    *left = left.saturating_sub(inflated.len() as u64);
    // One that is packed in another way can't be looked into.
    if read.is_err() || *left == 0 { Err(Rule::PdfBroken) } else { Ok(inflated) }
}

fn look(bytes: &[u8], open: bool) -> Result<(), Rule> {
    for name in names(bytes) {
        if name == LOCKED {
            return Err(Rule::PdfLocked);
        }
        if ACTIVE.contains(&name.as_slice()) || (open && ACTIVE_SHORT.contains(&name.as_slice())) {
            return Err(Rule::PdfActive);
        }
    }
    Ok(())
}

/// All names, with what is written as `#4A` in them put back (ISO 32000-2, 7.3.5). No name that is
/// looked for is longer than what is read of each.
fn names(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    const LONGEST: usize = 64;
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    starts.map(move |(at, _)| {
        let mut name = Vec::new();
        let mut rest = &bytes[at + 1..];
        while let Some((&byte, after)) = rest.split_first() {
            if !byte.is_ascii_graphic() || b"/<>[](){}%".contains(&byte) || name.len() >= LONGEST {
                break;
            }
            rest = after;
            let escaped = (byte == b'#').then(|| hex_byte(after)).flatten();
            name.push(escaped.unwrap_or(byte));
            if escaped.is_some() {
                rest = &rest[2..];
            }
        }
        name
    })
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    // Only places with the first letter are compared.
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == word[0]) {
        if bytes[from + at..].starts_with(word) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

fn rfind(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|it| it == word)
}
