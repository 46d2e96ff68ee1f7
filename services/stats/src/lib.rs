//! Counts, so that anyone can count again.
