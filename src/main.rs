//! Thin: reads the command line, calls the library, says what went wrong. The commands are in `cli`.

use clap::Parser;
use docaxis::cli::{self, CommandLine};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let line = CommandLine::parse();
    match line.run(&mut std::io::stdout().lock()) {
        Ok(outcome) => outcome.into(),
        Err(error) if cli::reader_left(&error) => cli::Outcome::Done.into(),
        Err(error) => {
            // Nothing can be done for somebody who closed standard error.
            let _ = writeln!(std::io::stderr(), "docaxis: {error:#}");
            cli::Outcome::of_error(&error).into()
        }
    }
}
