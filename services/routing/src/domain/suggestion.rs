//! Which domain or office a text is for, told by a model that is trained on decided cases.
//!
//! The model is linear: what a text says for a label is the sum of what its pieces say, so each
//! suggestion is explained by the pieces that decided. Its probabilities are measured on texts that
//! it was not trained on, and so is the threshold below which it is not sure.
//!
//! A model keeps hashes of pieces that at least two texts have, and never a text.

pub mod calibration;
pub mod features;
mod fitting;
pub mod form;
pub mod groups;
mod linear;

pub use fitting::{folds, measured};

use features::{BREAK, Piece, Read, Span, field};

/// A text to be told where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// Its title.
    pub title: &'a str,
    /// What it says.
    pub body: &'a str,
}

/// A text whose label is decided.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// The text.
    pub text: Text<'a>,
    /// Its label, e.g. a domain's code.
    pub label: &'a str,
    /// What near-identical texts have in common; never some of them are learnt from and others
    /// measured on.
    pub group: usize,
}

/// How a model is made.
#[derive(Debug, Clone, Copy)]
pub struct Training {
    /// Decides the order in which examples are seen; the same seed and examples give the same model.
    pub seed: u64,
    /// The most pieces that are kept; what says least goes first.
    pub most_pieces: usize,
    /// Of what the model calls sure, at least this share is to be right.
    pub sure_share: f64,
}

impl Default for Training {
    fn default() -> Self {
        Self { seed: 20_260_501, most_pieces: 400_000, sure_share: 0.95 }
    }
}

/// Why no model can be made of examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooFew {
    /// There are fewer than two labels.
    #[error("a model needs two labels")]
    Labels,
    /// A label has fewer groups of examples than [`FOLDS`].
    #[error("a label has too few examples")]
    Examples,
}

/// Into how many parts examples are cut, each of which is measured by a model of the others.
pub const FOLDS: usize = 4;

/// What is known of a piece.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    piece: Piece,
    /// How rare it is (idf).
    rare: f32,
    /// How much it tells labels apart.
    telling: f32,
}

/// A trained model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    labels: Vec<String>,
    known: Vec<Known>,
    /// Of each known piece the weight for each label.
    weights: Vec<f32>,
    /// Of each label what it has without any piece.
    begins: Vec<f32>,
    /// What scores are multiplied with before they become probabilities.
    sharpness: f32,
    figures: Figures,
}

/// What was measured while a model was made, on texts that it was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// How many examples.
    pub examples: usize,
    /// The mean of the labels' F1.
    pub macro_f1: f64,
    /// The share of examples whose first suggestion is right.
    pub accuracy: f64,
    /// By how much probabilities are off (expected calibration error).
    pub ece: f64,
    /// From which probability on it is sure.
    pub sure_from: f64,
    /// The share of examples of which it is sure.
    pub sure: f64,
}

/// A label and how probable it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion<'m> {
    /// The label.
    pub label: &'m str,
    /// 0 to 1; those of all labels sum up to 1.
    pub probability: f64,
}

/// A word that spoke for a label.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The word, in lower case and half width.
    pub word: String,
    /// Its share of all that spoke for the label, 0 to 1.
    pub share: f64,
    /// Where it spoke.
    pub spans: Vec<Span>,
}

/// Entries of a text: the place of a piece among the known ones, and its value.
type Entries = Vec<(usize, f32)>;

impl Model {
    /// Trains a model.
    ///
    /// # Errors
    /// If there are too few examples.
    pub fn train(examples: &[Example<'_>], training: &Training) -> Result<Self, TooFew> {
        fitting::train(examples, training)
    }

    /// Its labels.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(String::as_str)
    }

    /// What was measured when it was made.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// All labels, the most probable first.
    pub fn suggest(&self, text: &Text<'_>) -> Vec<Suggestion<'_>> {
        let entries = self.entries(&Read::new(text).counts());
        let probabilities = calibration::probabilities(&self.scores(&entries), self.sharpness);
        let mut ranked: Vec<Suggestion<'_>> = self
            .labels
            .iter()
            .zip(probabilities)
            .map(|(label, probability)| Suggestion { label, probability })
            .collect();
        ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        ranked
    }

    /// Whether a suggestion may be followed without a person's look.
    pub fn is_sure(&self, suggestion: &Suggestion<'_>) -> bool {
        suggestion.probability >= self.figures.sure_from
    }

    /// Up to `most` words of a text that spoke for a label, the loudest first; none for a label
    /// that it does not know.
    pub fn reasons(&self, text: &Text<'_>, label: &str, most: usize) -> Vec<Reason> {
        let Some(label) = self.labels.iter().position(|known| known == label) else {
            return Vec::new();
        };
        let read = Read::new(text);
        let counts = read.counts();
        let entries = self.entries(&counts);
        let chars: Vec<char> = read.chars().collect();
        let mut speaks = vec![0_f32; chars.len()];
        read.pieces(|piece, at, length| {
            let Some(known) = self.place(piece) else { return };
            let Ok(entry) = entries.binary_search_by_key(&known, |(place, _)| *place) else {
                return;
            };
            let Ok(count) = counts.binary_search_by_key(&piece, |(piece, _)| *piece) else {
                return;
            };
            let weight = self.weights[known * self.labels.len() + label];
            let said = weight * entries[entry].1 / (counts[count].1 as f32 * length as f32);
            for char in &mut speaks[at..at + length] {
                *char += said;
            }
        });
        loudest(&read, &chars, &speaks, most)
    }

    /// Where a piece is among the known ones.
    fn place(&self, piece: Piece) -> Option<usize> {
        self.known.binary_search_by_key(&piece, |known| known.piece).ok()
    }

    fn entries(&self, counts: &[(Piece, u32)]) -> Entries {
        entries(&self.known, counts)
    }

    fn scores(&self, entries: &Entries) -> Vec<f32> {
        let labels = self.labels.len();
        let mut scores = self.begins.clone();
        for (place, value) in entries {
            let weights = &self.weights[place * labels..(place + 1) * labels];
            for (score, weight) in scores.iter_mut().zip(weights) {
                *score += weight * value;
            }
        }
        scores
    }
}

/// A text as a vector of length 1: pieces count by the logarithm of how often they are there, by
/// how rare they are, each field as much as the others, and by how much they tell labels apart.
fn entries(known: &[Known], counts: &[(Piece, u32)]) -> Entries {
    let mut fields = [0_f32; features::FIELDS];
    let mut entries = Vec::with_capacity(counts.len());
    let mut from = 0;
    for (piece, count) in counts {
        // Both are in order of pieces, so that each search begins where the last one ended.
        match known[from..].binary_search_by_key(piece, |known| known.piece) {
            Ok(found) => {
                let place = from + found;
                let value = (1.0 + (*count as f32).ln()) * known[place].rare;
                fields[field(*piece)] += value * value;
                entries.push((place, value));
                from = place + 1;
            }
            Err(beside) => from += beside,
        }
    }
    let mut length = 0_f32;
    for (place, value) in &mut entries {
        let Known { piece, telling, .. } = known[*place];
        let field = field(piece);
        *value *= telling * features::WEIGHTS[field] / fields[field].sqrt();
        length += *value * *value;
    }
    let length = length.sqrt().max(f32::MIN_POSITIVE);
    for (_, value) in &mut entries {
        *value /= length;
    }
    entries
}

/// The longest word that is shown, in characters.
const WORD: usize = 4;

/// The parts of a text that spoke loudest, without overlaps and repetitions.
fn loudest(read: &Read, chars: &[char], speaks: &[f32], most: usize) -> Vec<Reason> {
    let all: f32 = speaks.iter().filter(|said| **said > 0.0).sum();
    let usual = all / speaks.len().max(1) as f32;
    let mut words: Vec<(f32, usize, usize)> = Vec::new();
    for length in 2..=WORD {
        for (at, window) in chars.windows(length).enumerate() {
            if window.contains(&BREAK) {
                continue;
            }
            let said: f32 = speaks[at..at + length].iter().map(|said| said - usual).sum();
            words.push((said, at, length));
        }
    }
    words.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut reasons: Vec<Reason> = Vec::new();
    for (said, at, length) in words {
        if reasons.len() == most || said <= 0.0 {
            break;
        }
        if taken.iter().any(|(from, until)| at < *until && at + length > *from) {
            continue;
        }
        taken.push((at, at + length));
        let word: String = chars[at..at + length].iter().collect();
        let share = f64::from(speaks[at..at + length].iter().sum::<f32>() / all);
        match reasons.iter_mut().find(|reason| reason.word == word) {
            Some(reason) => {
                reason.share += share;
                reason.spans.push(read.span(at, length));
            }
            None => {
                let spans = vec![read.span(at, length)];
                reasons.push(Reason { word, share, spans });
            }
        }
    }
    reasons
}

#[cfg(test)]
mod tests;
