//! Tells each person once, on time.
