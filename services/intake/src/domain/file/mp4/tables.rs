//! Where the samples of a track are: its tables say how many there are in each chunk, how long each
//! sample is and where each chunk begins (ISO/IEC 14496-12, 8.7).

use std::io::{Read, Seek, SeekFrom, Write};

use super::{Cell, Fault, Walk, broken, one, one_or_none};

/// How many bytes of a table are read at a time.
const READ: u64 = 4_096;

/// Numbers that follow each other in a file, read a few at a time.
#[derive(Debug)]
pub(super) struct Numbers {
    at: u64,
    end: u64,
    read: Vec<u8>,
    next: usize,
}

impl Numbers {
    pub(super) fn new(at: u64, end: u64) -> Self {
        Self { at, end, read: Vec::new(), next: 0 }
    }

    /// Whether so many bytes are still to come.
    pub(super) fn has(&self, bytes: u64) -> bool {
        let read = self.read.len() - self.next;
        self.end.saturating_sub(self.at).saturating_add(read as u64) >= bytes
    }

    /// The next one, of so many bytes.
    ///
    /// # Errors
    /// The table ends before it.
    pub(super) fn take<F: Read + Seek>(&mut self, file: &mut F, width: u8) -> Result<u64, Fault> {
        let mut number = 0;
        for _ in 0..width {
            if self.next == self.read.len() {
                let length = READ.min(self.end.saturating_sub(self.at));
                if length == 0 {
                    return Err(broken());
                }
                self.read.resize(usize::try_from(length).unwrap_or_default(), 0);
                file.seek(SeekFrom::Start(self.at))?;
                file.read_exact(&mut self.read)?;
                (self.at, self.next) = (self.at + length, 0);
            }
            number = (number << 8) | u64::from(self.read[self.next]);
            self.next += 1;
        }
        Ok(number)
    }
}

/// How long the samples are that are still to come.
struct Sizes {
    left: u32,
    kind: Kind,
}

enum Kind {
    /// All the same.
    Same(u32),
    /// Each of so many bytes.
    Each(Numbers, u8),
    /// Two in a byte, of which the second may wait.
    Halves(Numbers, Option<u8>),
}

impl Sizes {
    /// How long the next samples are, all together.
    fn take<F: Read + Seek>(&mut self, file: &mut F, samples: u32) -> Result<u64, Fault> {
        self.left = self.left.checked_sub(samples).ok_or_else(broken)?;
        let mut sum = 0;
        match &mut self.kind {
            Kind::Same(size) => sum = u64::from(samples) * u64::from(*size),
            // Each is in the file, and so there are not too many.
            Kind::Each(numbers, width) => {
                for _ in 0..samples {
                    sum += numbers.take(file, *width)?;
                }
            }
            Kind::Halves(numbers, waiting) => {
                for _ in 0..samples {
                    sum += match waiting.take() {
                        Some(half) => u64::from(half),
                        None => {
                            let both = numbers.take(file, 1)?;
                            *waiting = Some(u8::try_from(both & 0xF).unwrap_or_default());
                            both >> 4
                        }
                    };
                }
            }
        }
        Ok(sum)
    }
}

impl<F: Read + Write + Seek> Walk<'_, F> {
    /// Notes where the samples of a track are that is kept.
    pub(super) fn samples(&mut self, tables: &[Cell]) -> Result<(), Fault> {
        let (chunks, width) = match one_or_none(tables, b"stco")? {
            Some(short) if one_or_none(tables, b"co64")?.is_none() => (short, 4),
            Some(_) => return Err(broken()),
            None => (one(tables, b"co64")?, 8),
        };
        let mut sizes = self.sizes(tables)?;
        let (mut offsets, chunks) = self.table(chunks, 4)?;
        let (mut runs, mut more) = self.table(one(tables, b"stsc")?, 4)?;
        // Each run says from which chunk on how many samples are in each.
        let (mut begins, mut coming, mut samples) = (0, 0, None);
        for chunk in 1..=chunks {
            if begins < chunk && more > 0 {
                begins = self.word(&mut runs)?;
                coming = self.word(&mut runs)?;
                self.word(&mut runs)?;
                more -= 1;
                if begins < chunk {
                    return Err(broken());
                }
            }
            if begins == chunk {
                samples = Some(coming);
            }
            let length = sizes.take(self.file, samples.ok_or_else(broken)?)?;
            self.used.add(offsets.take(self.file, width)?, length)?;
        }
        if sizes.left > 0 || more > 0 || begins > chunks { Err(broken()) } else { Ok(()) }
    }

    fn sizes(&mut self, tables: &[Cell]) -> Result<Sizes, Fault> {
        let (cell, compact) = match one_or_none(tables, b"stsz")? {
            Some(plain) if one_or_none(tables, b"stz2")?.is_none() => (plain, false),
            Some(_) => return Err(broken()),
            None => (one(tables, b"stz2")?, true),
        };
        let (mut numbers, said) = self.table(cell, 4)?;
        let left = self.word(&mut numbers)?;
        let kind = match (compact, said) {
            (false, 0) => Kind::Each(numbers, 4),
            (false, size) => Kind::Same(size),
            // Three bytes of it are reserved.
            (true, said) => match said & 0xFF {
                4 => Kind::Halves(numbers, None),
                8 => Kind::Each(numbers, 1),
                16 => Kind::Each(numbers, 2),
                _ => return Err(broken()),
            },
        };
        Ok(Sizes { left, kind })
    }

    /// A table and its first number, which stands `skip` bytes behind its beginning.
    pub(super) fn table(&mut self, cell: Cell, skip: u64) -> Result<(Numbers, u32), Fault> {
        let mut numbers = Numbers::new(cell.body.saturating_add(skip), cell.end);
        let first = self.word(&mut numbers)?;
        Ok((numbers, first))
    }

    pub(super) fn word(&mut self, numbers: &mut Numbers) -> Result<u32, Fault> {
        u32::try_from(numbers.take(self.file, 4)?).map_err(|_| broken())
    }
}
