//! A model as bytes, and back.
//!
//! All numbers are little-endian. Of pieces only the distance to the one before is kept; weights are
//! kept as sixteenth bits of the largest of their label, which costs no figure that is measured.

use super::{Figures, Known, Model, features::Piece};

/// What the bytes begin with; the last one is the version of this form.
const BEGINS: [u8; 4] = *b"LYM\x01";
/// What the larger ones of rarity and telling are taken to be at most.
const LARGEST: f32 = 32.0;
/// The most labels that are read.
const MOST_LABELS: usize = 1_000;

/// Why bytes are no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// They are of another form.
    #[error("these bytes are no model of this form")]
    Form,
    /// They end too early, or too late.
    #[error("the bytes of the model are not whole")]
    Length,
}

impl Model {
    /// The model as bytes; the same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let labels = self.labels.len();
        let mut bytes = BEGINS.to_vec();
        put_count(&mut bytes, labels);
        for label in &self.labels {
            put_count(&mut bytes, label.len());
            bytes.extend(label.as_bytes());
        }
        bytes.extend(self.sharpness.to_le_bytes());
        let Figures { examples, macro_f1, accuracy, ece, sure_from, sure } = self.figures;
        put_count(&mut bytes, examples);
        for figure in [macro_f1, accuracy, ece, sure_from, sure] {
            bytes.extend(figure.to_le_bytes());
        }
        let largest = self.largest();
        for number in self.begins.iter().chain(&largest) {
            bytes.extend(number.to_le_bytes());
        }
        put_count(&mut bytes, self.known.len());
        let mut before: Piece = 0;
        for (known, weights) in self.known.iter().zip(self.weights.chunks(labels.max(1))) {
            put_count(&mut bytes, (known.piece - before) as usize);
            before = known.piece;
            for number in [known.rare, known.telling] {
                let part = (number / LARGEST).clamp(0.0, 1.0) * f32::from(u16::MAX);
                bytes.extend((part.round() as u16).to_le_bytes());
            }
            for (weight, largest) in weights.iter().zip(&largest) {
                let part = weight / largest * f32::from(i16::MAX);
                bytes.extend((part.round() as i16).to_le_bytes());
            }
        }
        bytes
    }

    /// The model of bytes.
    ///
    /// # Errors
    /// If they are none.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut from = Reader(bytes.strip_prefix(&BEGINS).ok_or(Damaged::Form)?);
        let labels = from.count()?;
        if labels > MOST_LABELS {
            return Err(Damaged::Form);
        }
        let mut names = Vec::with_capacity(labels);
        for _ in 0..labels {
            let length = from.count()?;
            let name = from.take(length)?.to_vec();
            names.push(String::from_utf8(name).map_err(|_| Damaged::Form)?);
        }
        let sharpness = from.single()?;
        let examples = from.count()?;
        let figures = Figures {
            examples,
            macro_f1: from.double()?,
            accuracy: from.double()?,
            ece: from.double()?,
            sure_from: from.double()?,
            sure: from.double()?,
        };
        let begins = (0..labels).map(|_| from.single()).collect::<Result<Vec<f32>, _>>()?;
        let largest = (0..labels).map(|_| from.single()).collect::<Result<Vec<f32>, _>>()?;
        let many = from.count()?;
        // Each takes at least so many bytes: nothing is made room for that cannot be there.
        if many.saturating_mul(5 + 2 * labels) > from.0.len() {
            return Err(Damaged::Length);
        }
        let (mut known, mut weights) = (Vec::with_capacity(many), Vec::new());
        weights.reserve_exact(many * labels);
        let mut piece: Piece = 0;
        for _ in 0..many {
            let more = Piece::try_from(from.count()?).map_err(|_| Damaged::Form)?;
            piece = piece.checked_add(more).ok_or(Damaged::Form)?;
            let rare = f32::from(from.word()?) / f32::from(u16::MAX) * LARGEST;
            let telling = f32::from(from.word()?) / f32::from(u16::MAX) * LARGEST;
            known.push(Known { piece, rare, telling });
            for largest in &largest {
                let part = f32::from(from.word()?.cast_signed());
                weights.push(part / f32::from(i16::MAX) * largest);
            }
        }
        if !from.0.is_empty() {
            return Err(Damaged::Length);
        }
        Ok(Self { labels: names, known, weights, begins, sharpness, figures })
    }

    /// Of each label the largest weight, never 0.
    fn largest(&self) -> Vec<f32> {
        let labels = self.labels.len();
        let mut largest = vec![f32::MIN_POSITIVE; labels];
        for weights in self.weights.chunks(labels.max(1)) {
            for (largest, weight) in largest.iter_mut().zip(weights) {
                *largest = largest.max(weight.abs());
            }
        }
        largest
    }
}

/// A number in as few groups of seven bits as it needs.
fn put_count(bytes: &mut Vec<u8>, mut count: usize) {
    while count >= 0x80 {
        bytes.push((count & 0x7f) as u8 | 0x80);
        count >>= 7;
    }
    bytes.push(count as u8);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Damaged::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        self.take(N)?.try_into().map_err(|_| Damaged::Length)
    }

    fn count(&mut self) -> Result<usize, Damaged> {
        let mut count = 0_usize;
        for group in 0..5 {
            let [byte] = self.array()?;
            count |= usize::from(byte & 0x7f) << (7 * group);
            if byte < 0x80 {
                return Ok(count);
            }
        }
        Err(Damaged::Form)
    }

    fn word(&mut self) -> Result<u16, Damaged> {
        self.array().map(u16::from_le_bytes)
    }

    fn single(&mut self) -> Result<f32, Damaged> {
        self.array().map(f32::from_le_bytes)
    }

    fn double(&mut self) -> Result<f64, Damaged> {
        self.array().map(f64::from_le_bytes)
    }
}
