//! Where the samples of fragments are (ISO/IEC 14496-12, 8.8): a fragment has tables of its own, and
//! what they leave out stands in the index.

use std::io::{Read, Seek, Write};

use super::{Cell, Fate, Fault, Walk, broken, fate, one};

/// What a fragment's head may say (8.8.7).
const BASE: u32 = 0x1;
const DESCRIPTION: u32 = 0x2;
const DURATION: u32 = 0x8;
const SIZE: u32 = 0x10;
const BASE_IS_FRAGMENT: u32 = 0x2_0000;
/// What a run may say of itself (8.8.8).
const OFFSET: u32 = 0x1;
const FIRST_FLAGS: u32 = 0x4;
/// What it may say of each sample: how long it is shown, how many bytes it has, and two more,
/// in this order.
const EACH_SIZE: u32 = 0x200;
const EACH: [u32; 4] = [0x100, EACH_SIZE, 0x400, 0x800];

/// What the head of a fragment of one track says.
struct Head {
    played: bool,
    /// Where offsets are counted from.
    base: u64,
    /// How long a sample is that does not say it.
    size: Option<u32>,
}

impl<F: Read + Write + Seek> Walk<'_, F> {
    /// Notes how long the samples of a track are that do not say it.
    pub(super) fn default_size(&mut self, cell: Cell) -> Result<(), Fault> {
        let (mut numbers, id) = self.table(cell, 4)?;
        self.word(&mut numbers)?;
        self.word(&mut numbers)?;
        let size = self.word(&mut numbers)?;
        if self.sizes.insert(id, size).is_some() { Err(broken()) } else { Ok(()) }
    }

    /// A fragment: what is kept of it, and where its samples are.
    pub(super) fn fragment(&mut self, cell: Cell) -> Result<(), Fault> {
        // The index says which tracks there are, and so it comes first.
        if self.indexes == 0 {
            return Err(broken());
        }
        // Where the next track's samples begin if it does not say it: behind those of the one before.
        // Unknown behind one that is taken out, for players would no longer find it.
        let mut begin = Some(cell.start);
        for part in self.parts(cell)? {
            match fate(cell.kind, part.kind) {
                Fate::Enter => begin = self.part_of_track(part, cell.start, begin)?,
                Fate::Keep => {}
                Fate::Empty => self.empty(part)?,
            }
        }
        Ok(())
    }

    /// What a fragment has of one track. Gives where its samples end.
    fn part_of_track(
        &mut self,
        cell: Cell,
        fragment: u64,
        begin: Option<u64>,
    ) -> Result<Option<u64>, Fault> {
        let parts = self.parts(cell)?;
        let head = self.head(one(&parts, b"tfhd")?, fragment, begin)?;
        if !head.played {
            self.empty(cell)?;
            return Ok(None);
        }
        let mut at = head.base;
        for run in parts.iter().filter(|it| &it.kind == b"trun") {
            at = self.run(*run, &head, at)?;
        }
        self.inside(cell.kind, cell.body, cell.end)?;
        Ok(Some(at))
    }

    fn head(&mut self, cell: Cell, fragment: u64, begin: Option<u64>) -> Result<Head, Fault> {
        let (mut numbers, flags) = self.table(cell, 0)?;
        let id = self.word(&mut numbers)?;
        let played = *self.tracks.get(&id).ok_or_else(broken)?;
        let base = if flags & BASE != 0 {
            Some(numbers.take(self.file, 8)?)
        } else if flags & BASE_IS_FRAGMENT != 0 {
            Some(fragment)
        } else {
            begin
        };
        for before in [DESCRIPTION, DURATION] {
            if flags & before != 0 {
                self.word(&mut numbers)?;
            }
        }
        let size = if flags & SIZE != 0 {
            Some(self.word(&mut numbers)?)
        } else {
            self.sizes.get(&id).copied()
        };
        // What is taken out needs none.
        let base = if played { base.ok_or_else(broken)? } else { 0 };
        Ok(Head { played, base, size })
    }

    /// Notes where the samples of a run are; gives where they end.
    fn run(&mut self, cell: Cell, head: &Head, at: u64) -> Result<u64, Fault> {
        let (mut numbers, flags) = self.table(cell, 0)?;
        let samples = self.word(&mut numbers)?;
        let mut start = at;
        if flags & OFFSET != 0 {
            // It may point backwards.
            let offset = i64::from(self.word(&mut numbers)?.cast_signed());
            start = head.base.checked_add_signed(offset).ok_or_else(broken)?;
        }
        if flags & FIRST_FLAGS != 0 {
            self.word(&mut numbers)?;
        }
        let words: u64 = EACH.iter().map(|it| u64::from(flags & it != 0)).sum();
        if !numbers.has(u64::from(samples) * words * 4) {
            return Err(broken());
        }
        let length = if flags & EACH_SIZE == 0 {
            u64::from(samples) * u64::from(head.size.ok_or_else(broken)?)
        } else {
            let mut sum: u64 = 0;
            for _ in 0..samples {
                for what in EACH {
                    let said = if flags & what == 0 { 0 } else { self.word(&mut numbers)? };
                    sum += if what == EACH_SIZE { u64::from(said) } else { 0 };
                }
            }
            sum
        };
        self.used.add(start, length)?;
        start.checked_add(length).ok_or_else(broken)
    }
}
