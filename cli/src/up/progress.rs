//! What a person sees while the board comes up.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Output;

/// How often the mark turns.
const TURN: Duration = Duration::from_millis(120);

/// A line that tells what is being done; nothing for programs.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Shows itself on the terminal's error stream, so that the output stays clean.
    pub(super) fn new(output: Output) -> Self {
        if output == Output::Json {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TURN);
        Self(bar)
    }

    /// Tells what comes now. Without a terminal every step is a line of its own.
    #[expect(clippy::print_stderr, reason = "a log of the steps, where no terminal shows the bar")]
    pub(super) fn say(&self, step: &str) {
        if self.0.is_hidden() {
            eprintln!("liuyan: {step}");
        } else {
            self.0.set_message(step.to_owned());
        }
    }

    /// Tells something that is to stay on the screen.
    #[expect(clippy::print_stderr, reason = "a note for whoever looks, also without a terminal")]
    pub(super) fn note(&self, note: &str) {
        if self.0.is_hidden() {
            eprintln!("liuyan: {note}");
        } else {
            self.0.println(note);
        }
    }

    /// Takes the line away.
    pub(super) fn done(&self) {
        self.0.finish_and_clear();
    }
}
