//! Videos: the boxes of an MP4 (ISO/IEC 14496-12) are walked, and every box that is not needed to
//! play it is emptied in its place, so that no offset changes. That takes away where it was filmed,
//! by whom and with what, and whatever else was hidden there. Tracks of text are emptied as a whole,
//! and of the content everything that is no part of a picture or a sound: cameras write places into
//! both. Pictures and sounds stay as they are.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom, Write},
};

use self::spans::Spans;
use super::OTHERS;
use crate::domain::rule::Rule;

mod fragments;
mod spans;
mod tables;

/// Brands of which one must be named (ISO/IEC 14496-12, annex E; the registry of mp4ra.org).
const BRANDS: [&[u8; 4]; 12] = [
    b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ",
    b"3gp4", b"3gp5",
];
/// What a track may be: pictures and sounds. Others measure: where, how fast.
const PLAYED: [&[u8; 4]; 2] = [b"vide", b"soun"];
/// What is taken out: texts beside the picture. Drones and cameras of cars write there where they
/// are, every second.
const TEXTS: [&[u8; 4]; 3] = [b"text", b"sbtl", b"subt"];
/// How many boxes are walked, those of a track or a fragment twice.
const MOST_BOXES: usize = 100_000;
/// The longest list of brands.
const MOST_BRANDS: u64 = 1_024;
/// How much is emptied at a time.
const ZEROS: [u8; 16_384] = [0; 16_384];

/// Why a video is not taken.
#[derive(Debug)]
pub enum Fault {
    /// It breaks a rule.
    Rule(Rule),
    /// It could not be read or written.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { broken() } else { Self::Io(error) }
    }
}

fn broken() -> Fault {
    Fault::Rule(Rule::VideoBroken)
}

/// What is done with a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    Enter,
    Empty,
}

/// A box: where it begins, where its content begins, and where both end.
#[derive(Debug, Clone, Copy)]
struct Cell {
    kind: [u8; 4],
    start: u64,
    body: u64,
    end: u64,
}

/// The file as a whole, as a parent.
const FILE: [u8; 4] = [0; 4];

/// What is to be done with a box inside of another.
fn fate(parent: [u8; 4], kind: [u8; 4]) -> Fate {
    let (enter, keep): (&[&[u8; 4]], &[&[u8; 4]]) = match &parent {
        &FILE => (&[b"moov", b"moof"], &[b"ftyp", b"mdat", b"sidx", b"styp", b"mfra"]),
        b"moov" => (&[b"trak", b"mvex"], &[b"mvhd", b"iods"]),
        // `tref` would name tracks that are no longer there.
        b"trak" => (&[b"mdia"], &[b"tkhd", b"edts"]),
        b"mdia" => (&[b"minf"], &[b"mdhd", b"hdlr", b"elng"]),
        b"minf" => (&[b"stbl"], &[b"vmhd", b"smhd", b"nmhd", b"sthd", b"gmhd", b"hdlr", b"dinf"]),
        b"stbl" => (
            &[],
            &[
                b"stsd", b"stts", b"ctts", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss",
                b"stsh", b"sdtp", b"sbgp", b"sgpd", b"cslg", b"subs", b"padb", b"stdp",
            ],
        ),
        b"mvex" => (&[], &[b"mehd", b"trex", b"leva"]),
        b"moof" => (&[b"traf"], &[b"mfhd"]),
        b"traf" => (&[], &[b"tfhd", b"trun", b"tfdt", b"sdtp", b"sbgp", b"sgpd", b"subs"]),
        _ => (&[], &[]),
    };
    if enter.contains(&&kind) {
        Fate::Enter
    } else if keep.contains(&&kind) {
        Fate::Keep
    } else {
        Fate::Empty
    }
}

/// Walks a video of `length` bytes and empties what is not needed. It takes some ten megabytes of
/// memory at most, whatever the tables of the video say.
///
/// # Errors
/// What is wrong with it, or why it could not be read.
pub fn clean<F: Read + Write + Seek>(file: &mut F, length: u64) -> Result<(), Fault> {
    let mut walk = Walk {
        file,
        boxes: 0,
        films: 0,
        indexes: 0,
        contents: Vec::new(),
        tracks: BTreeMap::new(),
        sizes: BTreeMap::new(),
        used: Spans::default(),
    };
    let first = walk.cell(0, length, true)?;
    if &first.kind != b"ftyp" {
        return Err(broken());
    }
    walk.brands(first)?;
    walk.inside(FILE, 0, length)?;
    // One index, something in it, and what it is about.
    if walk.indexes != 1 || walk.films == 0 || walk.contents.is_empty() {
        return Err(broken());
    }
    walk.empty_between()?;
    walk.file.flush()?;
    Ok(())
}

struct Walk<'f, F> {
    file: &'f mut F,
    boxes: usize,
    films: usize,
    indexes: usize,
    /// The boxes with the pictures and sounds, in their order.
    contents: Vec<Cell>,
    /// Whether the track of each id is played.
    tracks: BTreeMap<u32, bool>,
    /// How long a sample of each track is that does not say it, in fragments.
    sizes: BTreeMap<u32, u32>,
    /// Where the samples of what is played are.
    used: Spans,
}

impl<F: Read + Write + Seek> Walk<'_, F> {
    /// The box that begins here, inside of what ends at `limit`.
    fn cell(&mut self, start: u64, limit: u64, last_may_be_open: bool) -> Result<Cell, Fault> {
        self.boxes += 1;
        if self.boxes > MOST_BOXES {
            return Err(broken());
        }
        let [size, kind] = self.read_two(start)?;
        let (body, end) = match u32::from_be_bytes(size) {
            // To the end of the file.
            0 if last_may_be_open => (start + 8, Some(limit)),
            1 => {
                let [high, low] = self.read_two(start + 8)?;
                let long = (u64::from(u32::from_be_bytes(high)) << 32)
                    | u64::from(u32::from_be_bytes(low));
                (start + 16, start.checked_add(long))
            }
            size => (start + 8, start.checked_add(u64::from(size))),
        };
        match end {
            Some(end) if body <= end && end <= limit => Ok(Cell { kind, start, body, end }),
            _ => Err(broken()),
        }
    }

    fn read_two(&mut self, at: u64) -> Result<[[u8; 4]; 2], Fault> {
        self.file.seek(SeekFrom::Start(at))?;
        let mut both = [[0; 4]; 2];
        for one in &mut both {
            self.file.read_exact(one)?;
        }
        Ok(both)
    }

    fn number(&mut self, at: u64) -> Result<u32, Fault> {
        Ok(u32::from_be_bytes(self.read_two(at)?[0]))
    }

    /// The boxes inside of one.
    fn parts(&mut self, of: Cell) -> Result<Vec<Cell>, Fault> {
        let (mut parts, mut at) = (Vec::new(), of.body);
        while at < of.end {
            let part = self.cell(at, of.end, false)?;
            at = part.end;
            parts.push(part);
        }
        Ok(parts)
    }

    fn inside(&mut self, parent: [u8; 4], start: u64, end: u64) -> Result<(), Fault> {
        let mut at = start;
        while at < end {
            let cell = self.cell(at, end, parent == FILE)?;
            match (fate(parent, cell.kind), &cell.kind) {
                (Fate::Enter, b"trak") => self.track(cell)?,
                (Fate::Enter, b"moof") => self.fragment(cell)?,
                (Fate::Enter, _) => {
                    self.indexes += usize::from(&cell.kind == b"moov");
                    // The table of fates has an end, and so has this.
                    self.inside(cell.kind, cell.body, cell.end)?;
                }
                (Fate::Keep, _) => self.kept(cell)?,
                (Fate::Empty, _) => self.empty(cell)?,
            }
            at = cell.end;
        }
        Ok(())
    }

    fn kept(&mut self, cell: Cell) -> Result<(), Fault> {
        match &cell.kind {
            b"ftyp" if cell.start != 0 => Err(broken()),
            b"mdat" => {
                self.contents.push(cell);
                Ok(())
            }
            b"trex" => self.default_size(cell),
            _ => Ok(()),
        }
    }

    /// A track: what it is decides whether it is kept.
    fn track(&mut self, cell: Cell) -> Result<(), Fault> {
        let parts = self.parts(cell)?;
        let head = one(&parts, b"tkhd")?;
        let media = self.parts(one(&parts, b"mdia")?)?;
        let handler = one(&media, b"hdlr")?;
        if handler.end - handler.body < 12 {
            return Err(broken());
        }
        let [_, kind] = self.read_two(handler.body + 4)?;
        let played = PLAYED.contains(&&kind);
        if !played && !TEXTS.contains(&&kind) {
            return Err(Fault::Rule(Rule::VideoMeasures));
        }
        let id = self.track_id(head)?;
        if self.tracks.insert(id, played).is_some() {
            return Err(broken());
        }
        if !played {
            return self.empty(cell);
        }
        self.films += usize::from(&kind == b"vide");
        let information = self.parts(one(&media, b"minf")?)?;
        let tables = self.parts(one(&information, b"stbl")?)?;
        self.samples(&tables)?;
        self.inside(cell.kind, cell.body, cell.end)
    }

    fn track_id(&mut self, head: Cell) -> Result<u32, Fault> {
        let long = self.number(head.body)? >> 24 != 0;
        // Two times stand before it, of four or eight bytes each.
        let at = head.body + if long { 20 } else { 12 };
        if at + 4 > head.end { Err(broken()) } else { self.number(at) }
    }

    fn brands(&mut self, first: Cell) -> Result<(), Fault> {
        let length = first.end - first.body;
        if !(8..=MOST_BRANDS).contains(&length) || !length.is_multiple_of(4) {
            return Err(broken());
        }
        self.file.seek(SeekFrom::Start(first.body))?;
        let mut brands = vec![0; usize::try_from(length).unwrap_or(0)];
        self.file.read_exact(&mut brands)?;
        let is = |known: &[&[u8; 4]], brand: &[u8]| known.iter().any(|it| it.as_slice() == brand);
        // The second word is a version.
        let mut all = brands.chunks(4).enumerate().filter(|(n, _)| *n != 1).map(|(_, it)| it);
        if is(&OTHERS, &brands[..4]) || !all.any(|brand| is(&BRANDS, brand)) {
            return Err(broken());
        }
        Ok(())
    }

    /// Leaves free space where a box was.
    fn empty(&mut self, cell: Cell) -> Result<(), Fault> {
        self.file.seek(SeekFrom::Start(cell.start + 4))?;
        self.file.write_all(b"free")?;
        self.blank(cell.body, cell.end)
    }

    /// Empties all content that is no part of a picture or a sound.
    fn empty_between(&mut self) -> Result<(), Fault> {
        let used = std::mem::take(&mut self.used).sorted();
        if used.is_empty() {
            return Err(broken());
        }
        let mut used = used.into_iter().peekable();
        for content in std::mem::take(&mut self.contents) {
            let mut at = content.body;
            while let Some(span) = used.next_if(|it| it.start < content.end) {
                if span.start < at || span.end > content.end {
                    return Err(broken());
                }
                self.blank(at, span.start)?;
                at = span.end;
            }
            self.blank(at, content.end)?;
        }
        // What is left is behind all content.
        if used.next().is_some() { Err(broken()) } else { Ok(()) }
    }

    fn blank(&mut self, start: u64, end: u64) -> Result<(), Fault> {
        let mut left = end - start;
        if left > 0 {
            self.file.seek(SeekFrom::Start(start))?;
        }
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(ZEROS.len()).min(ZEROS.len());
            self.file.write_all(&ZEROS[..now])?;
            left -= now as u64;
        }
        Ok(())
    }
}

/// The only one of its kind: of two, players may choose the other.
fn one(cells: &[Cell], kind: &[u8; 4]) -> Result<Cell, Fault> {
    one_or_none(cells, kind)?.ok_or_else(broken)
}

fn one_or_none(cells: &[Cell], kind: &[u8; 4]) -> Result<Option<Cell>, Fault> {
    let mut found = cells.iter().filter(|it| &it.kind == kind);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(broken()),
        (first, None) => Ok(first.copied()),
    }
}
