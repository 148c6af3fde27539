//! A bar on the terminal for work that takes long. Nothing is drawn where standard error is no terminal, so that
//! scripts and logs never see it. Results go to standard output, which a bar never touches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;

/// Work in fewer bytes than this has no bar: it is done before anybody has read one.
const BYTES_MIN: u64 = 4 << 20;

/// Work in fewer pieces than this has none either.
const PIECES_MIN: u64 = 20;

/// How far the work is.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Work of so many bytes.
    pub fn bytes(total: u64, what: &'static str) -> Self {
        let form = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        Self::shown(total >= BYTES_MIN, total, form, what)
    }

    /// Work of so many pieces.
    pub fn pieces(total: u64, what: &'static str) -> Self {
        Self::shown(total >= PIECES_MIN, total, "{msg} {bar:30} {human_pos}/{human_len} {per_sec} {eta}", what)
    }

    fn shown(is_long: bool, total: u64, form: &str, what: &'static str) -> Self {
        if !is_long {
            return Self { bar: ProgressBar::hidden() };
        }
        let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
        // Standard error draws only where it is a terminal.
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        Self { bar: bar.with_style(style).with_message(what) }
    }

    /// So much more is done.
    pub fn advance(&self, by: u64) {
        self.bar.inc(by);
    }

    /// How much is done.
    pub fn position(&self) -> u64 {
        self.bar.position()
    }

    /// Goes back, or on, to where the work is.
    pub fn set(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Prints a result without tearing the bar.
    ///
    /// # Errors
    /// Those of the writing.
    pub fn print<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Says something to people beside the results.
    pub fn remark(&self, line: &str) {
        // Nothing can be done for somebody who closed standard error.
        self.bar.suspend(|| drop(writeln!(std::io::stderr(), "{line}")));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_has_no_bar_but_is_counted() {
        let progress = Progress::bytes(10, "short");

        progress.advance(4);
        assert!(progress.bar.is_hidden());
        assert_eq!(progress.position(), 4);
    }

    #[test]
    fn the_forms_of_the_bars_are_well_formed() {
        for progress in [Progress::bytes(BYTES_MIN, "b"), Progress::pieces(PIECES_MIN, "p")] {
            assert_eq!(progress.bar.message(), if progress.bar.length() == Some(BYTES_MIN) { "b" } else { "p" });
        }
        assert!(ProgressStyle::with_template("{msg} {bar:30} {human_pos}/{human_len} {per_sec} {eta}").is_ok());
    }
}
