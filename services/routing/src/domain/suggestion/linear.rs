//! A linear machine with two sides: support vectors with squared loss, by dual coordinate descent
//! (Hsieh et al., 2008), which needs no step size and no more memory than its rows.

/// Rows of sparse values, each with entries by column.
#[derive(Debug, Default)]
pub(super) struct Rows {
    ends: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl Rows {
    /// Adds a row.
    pub(super) fn push(&mut self, entries: Vec<(usize, f32)>) {
        for (column, value) in entries {
            self.columns.push(column as u32);
            self.values.push(value);
        }
        self.ends.push(self.columns.len());
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn row(&self, at: usize) -> (&[u32], &[f32]) {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        (&self.columns[start..self.ends[at]], &self.values[start..self.ends[at]])
    }
}

/// Puts items into an order that the seed decides; the seed is not 0.
pub(super) fn shuffle<T>(items: &mut [T], seed: &mut u64) {
    for at in (1..items.len()).rev() {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        items.swap(at, (*seed % (at as u64 + 1)) as usize);
    }
}

/// The most rounds over all rows.
const ROUNDS: usize = 20;
/// Rounds end when no row moves the machine by more than this.
const SMALL: f32 = 0.1;

/// Learns weights, the last of which is for a constant 1, that are positive for rows of this side.
/// `cost` is what an error costs against large weights; `seed` decides the order of the rows.
pub(super) fn learn(rows: &Rows, columns: usize, ours: &[bool], cost: f32, seed: u64) -> Vec<f32> {
    let mut weights = vec![0_f32; columns + 1];
    let mut alphas = vec![0_f32; rows.len()];
    let diagonal = 0.5 / cost;
    let squares: Vec<f32> = (0..rows.len())
        .map(|at| rows.row(at).1.iter().map(|value| value * value).sum::<f32>() + 1.0 + diagonal)
        .collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut random = seed | 1;
    for _ in 0..ROUNDS {
        shuffle(&mut order, &mut random);
        let (mut most, mut least) = (f32::MIN, f32::MAX);
        for &at in &order {
            let side = if ours[at] { 1.0 } else { -1.0 };
            let (cols, values) = rows.row(at);
            let product: f32 =
                cols.iter().zip(values).map(|(col, value)| weights[*col as usize] * value).sum();
            let gradient = side * (product + weights[columns]) - 1.0 + diagonal * alphas[at];
            let projected = if alphas[at] == 0.0 { gradient.min(0.0) } else { gradient };
            most = most.max(projected);
            least = least.min(projected);
            if projected.abs() > 1e-9 {
                let before = alphas[at];
                alphas[at] = (before - gradient / squares[at]).max(0.0);
                let step = (alphas[at] - before) * side;
                for (col, value) in cols.iter().zip(values) {
                    weights[*col as usize] += step * value;
                }
                weights[columns] += step;
            }
        }
        if most - least < SMALL {
            break;
        }
    }
    weights
}
