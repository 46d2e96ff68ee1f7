//! Journeys: the whole board, as `liuyan up` runs it, seen from outside. Each test is a story.

mod board;
mod losing;
mod otlp;
mod rights;
mod traces;
