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
/// What holds other objects says so, or where the first of them is and how many there are.
const OBJECT_STREAM: &[u8] = b"ObjStm";
const OBJECTS: [&[u8]; 2] = [b"First", b"N"];
/// The names of the one way of packing that is looked into, also the short one of pictures in a page.
const DEFLATED: [&[u8]; 2] = [b"FlateDecode", b"Fl"];
/// What says how something is packed.
const FILTER: [&[u8]; 2] = [b"Filter", b"FFilter"];
/// What is never said of a stream of objects that honest programs write, and would hide names from us:
/// other ways of packing (ISO 32000-2, 7.4), also a second one above the first; parameters, by which
/// bytes are only differences (7.4.4.4).
const HIDING: [&[u8]; 18] = [
    b"DecodeParms",
    b"DP",
    b"FDecodeParms",
    b"ASCIIHexDecode",
    b"AHx",
    b"ASCII85Decode",
    b"A85",
    b"LZWDecode",
    b"LZW",
    b"RunLengthDecode",
    b"RL",
    b"CCITTFaxDecode",
    b"CCF",
    b"JBIG2Decode",
    b"DCTDecode",
    b"DCT",
    b"JPXDecode",
    b"Crypt",
];
/// How much of the end must tell where the objects are.
const TAIL: usize = 1_024;
/// How many streams may seem to begin before one ends.
const MOST_BEGUN: usize = 8;
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
    // Since where it lies open, and how many streams seem to have begun since.
    let (mut start, mut begun) = (0, 0);
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], b"stream").map(|at| from + at) {
        from = at + b"stream".len();
        if bytes[..at].ends_with(b"end") {
            // Where nothing has begun, it is a word in a text.
            if begun > 0 {
                (start, begun) = (from, 0);
            }
            continue;
        }
        let open = &bytes[start..at];
        let Some(content) = begins(open, &bytes[from..]) else { continue };
        // One that is a text in the dictionary of the next must not hide it.
        begun += 1;
        if begun > MOST_BEGUN {
            return Err(Rule::PdfBroken);
        }
        look(open, true)?;
        let content = &content[..find(content, b"endstream").ok_or(Rule::PdfBroken)?];
        look(content, false)?;
        if holds_objects(open) {
            match packing(open)? {
                Packing::Plain => look(content, true)?,
                Packing::Deflated => look(&inflate(content, &mut left)?, true)?,
            }
        }
    }
    look(&bytes[start..], true)
}

/// What is in a stream that begins with the word before `after`. Its line ends there; some programs
/// leave a blank before the end, or write half of it.
fn begins<'b>(open: &[u8], after: &'b [u8]) -> Option<&'b [u8]> {
    let blanks = after.iter().take_while(|it| matches!(it, b' ' | b'\t')).count();
    let line = &after[blanks..];
    if blanks > 0 && !open.trim_ascii_end().ends_with(b">>") {
        return None;
    }
    line.strip_prefix(b"\r\n")
        .or_else(|| line.strip_prefix(b"\n"))
        .or_else(|| line.strip_prefix(b"\r"))
}

/// Whether a stream may hold objects. All that lies open before it is asked whether it says so, and not
/// its dictionary alone: where that begins, an odd one could make us mistake.
fn holds_objects(open: &[u8]) -> bool {
    if names(open).any(|name| name == OBJECT_STREAM) {
        return true;
    }
    // Its type may be said elsewhere, but not these.
    let own = dictionary(open).unwrap_or(open);
    OBJECTS.iter().all(|key| names(own).any(|name| name == *key))
}

enum Packing {
    Plain,
    Deflated,
}

/// How a stream of objects is packed.
fn packing(open: &[u8]) -> Result<Packing, Rule> {
    let any = |of: &[&[u8]]| names(open).any(|name| of.contains(&name.as_slice()));
    let deflated = names(open).filter(|name| DEFLATED.contains(&name.as_slice())).count();
    match deflated {
        _ if any(&HIDING) => Err(Rule::PdfBroken),
        0 if !any(&FILTER) => Ok(Packing::Plain),
        1 => Ok(Packing::Deflated),
        // It is packed twice, or its packing is said elsewhere.
        _ => Err(Rule::PdfBroken),
    }
}

/// The dictionary at the end of what lies open; `None` if there is none, or it can't be told where it
/// begins. Texts and comments in it mean nothing (7.2, 7.3).
fn dictionary(open: &[u8]) -> Option<&[u8]> {
    let (mut at, mut depth, mut start, mut found) = (0, 0_usize, 0, None);
    while let Some(&byte) = open.get(at) {
        let rest = &open[at..];
        let length = match byte {
            b'%' => rest.iter().position(|it| matches!(it, b'\r' | b'\n')).unwrap_or(rest.len()),
            b'(' => text(rest)?,
            b'<' if rest.starts_with(b"<<") => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
                2
            }
            b'<' => rest.iter().position(|it| *it == b'>')? + 1,
            b'>' if rest.starts_with(b">>") => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    found = Some(start..at + 2);
                }
                2
            }
            _ if byte.is_ascii_whitespace() || byte == 0 => 1,
            _ => {
                // Behind the dictionary there is nothing else.
                if depth == 0 {
                    found = None;
                }
                1
            }
        };
        at += length;
    }
    open.get(found?)
}

/// How long a text is, with the brackets around it (7.3.4.2).
fn text(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
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
