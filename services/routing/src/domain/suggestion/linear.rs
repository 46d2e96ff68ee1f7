//! Linear machines, one for each label against all others: support vectors with squared loss, by dual
//! coordinate descent (Hsieh et al., 2008), which needs no step size and no more memory than its rows.

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

/// What an error costs against large weights.
pub(super) struct Costs {
    /// Of each label, at a row that has it.
    pub(super) own: Vec<f32>,
    /// At a row that has another one.
    pub(super) others: f32,
}

/// The most rounds over all rows.
const ROUNDS: usize = 20;
/// Rounds end when no row moves the machine by more than this.
const SMALL: f32 = 0.1;

/// Learns one machine for each label, all in one walk over the rows: of each column in turn the weight
/// for each label, and at last those of a constant 1. `right` are the labels of the rows; `seed` decides the
/// order of the rows.
pub(super) fn learn(
    rows: &Rows,
    columns: usize,
    right: &[usize],
    costs: &Costs,
    seed: u64,
) -> Vec<f32> {
    let labels = costs.own.len();
    let constant = columns * labels;
    let mut weights = vec![0_f32; constant + labels];
    let mut alphas = vec![0_f32; rows.len() * labels];
    let squares: Vec<f32> = (0..rows.len())
        .map(|at| rows.row(at).1.iter().map(|value| value * value).sum::<f32>() + 1.0)
        .collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut random = seed | 1;
    let (mut products, mut steps) = (vec![0_f32; labels], vec![0_f32; labels]);
    for _ in 0..ROUNDS {
        shuffle(&mut order, &mut random);
        let (mut most, mut least) = (f32::MIN, f32::MAX);
        for &at in &order {
            let (cols, values) = rows.row(at);
            products.copy_from_slice(&weights[constant..]);
            for (col, value) in cols.iter().zip(values) {
                let from = *col as usize * labels;
                for (product, weight) in products.iter_mut().zip(&weights[from..from + labels]) {
                    *product += weight * value;
                }
            }
            for label in 0..labels {
                let own = right[at] == label;
                let (side, cost) = if own { (1.0, costs.own[label]) } else { (-1.0, costs.others) };
                let diagonal = 0.5 / cost;
                let alpha = &mut alphas[at * labels + label];
                let gradient = side * products[label] - 1.0 + diagonal * *alpha;
                let projected = if *alpha == 0.0 { gradient.min(0.0) } else { gradient };
                most = most.max(projected);
                least = least.min(projected);
                let before = *alpha;
                if projected.abs() > 1e-9 {
                    *alpha = (before - gradient / (squares[at] + diagonal)).max(0.0);
                }
                steps[label] = (*alpha - before) * side;
            }
            if steps.iter().any(|step| *step != 0.0) {
                for (col, value) in cols.iter().zip(values) {
                    let from = *col as usize * labels;
                    for (weight, step) in weights[from..from + labels].iter_mut().zip(&steps) {
                        *weight += step * value;
                    }
                }
                for (weight, step) in weights[constant..].iter_mut().zip(&steps) {
                    *weight += step;
                }
            }
        }
        if most - least < SMALL {
            break;
        }
    }
    weights
}
