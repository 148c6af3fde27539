//! What describes the command line, made from it: completions for shells, manual pages, `docs/cli.md`.

use super::{CommandLine, Outcome};
use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManArguments {
    /// The folder for the pages, one for each command.
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// Print all of it as one Markdown page instead (docs/cli.md).
    #[arg(long, conflicts_with = "into")]
    markdown: bool,
}

/// Prints the completions for a shell.
pub fn completions(arguments: &CompletionsArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut CommandLine::command(), "docaxis", &mut script);
    out.write_all(&script)?;
    Ok(Outcome::Done)
}

/// Writes the manual pages.
pub fn man(arguments: &ManArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if arguments.markdown {
        write!(out, "{}", markdown())?;
        return Ok(Outcome::Done);
    }
    let folder: &Path = &arguments.into;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    clap_mangen::generate_to(CommandLine::command(), folder).with_context(|| folder.display().to_string())?;
    writeln!(out, "{}", folder.display())?;
    Ok(Outcome::Done)
}

/// The text of `docs/cli.md`.
fn markdown() -> String {
    let mut line = CommandLine::command();
    line.build();
    let mut text = String::from(
        "# The command line\n\nWritten by `make docs` from `src/cli/`; a test compares it. `docaxis completions bash` prints \
         completions\nfor a shell (bash, zsh, fish and others), `docaxis man --into DIR` writes manual pages.\n",
    );
    describe(&mut line, "docaxis", &mut text);
    text
}

/// A command with all that are below it; a group is only its children.
fn describe(command: &mut Command, name: &str, text: &mut String) {
    let is_top = name == "docaxis";
    if is_top || !command.has_subcommands() {
        let help = command.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        text.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim()));
    }
    for child in command.get_subcommands_mut().filter(|child| child.get_name() != "help") {
        let name = format!("{name} {}", child.get_name());
        describe(child, &name, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_reference_of_commands_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
        if std::env::var_os("DOCAXIS_WRITE_DOCS").is_some() {
            std::fs::write(&path, markdown()).unwrap();
        }
        assert!(std::fs::read_to_string(&path).unwrap_or_default() == markdown(), "docs/cli.md is old: make docs");
    }

    #[test]
    fn every_option_has_words_and_every_client_command_an_example() {
        fn walk(command: &Command, name: &str, broken: &mut Vec<String>) {
            for argument in command.get_arguments().filter(|argument| argument.get_help().is_none()) {
                broken.push(format!("{name}: {} has no words", argument.get_id()));
            }
            let asks_a_hub = command.get_arguments().any(|argument| argument.get_id() == "hub");
            if asks_a_hub && !command.get_after_help().is_some_and(|help| help.to_string().contains("Examples:")) {
                broken.push(format!("{name} has no examples"));
            }
            for child in command.get_subcommands() {
                walk(child, &format!("{name} {}", child.get_name()), broken);
            }
        }
        let mut broken = Vec::new();
        walk(&CommandLine::command(), "docaxis", &mut broken);
        assert_eq!(broken, Vec::<String>::new());
    }

    #[test]
    fn completions_know_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut out = Vec::new();
            completions(&CompletionsArguments { shell }, &mut out).unwrap();
            let script = String::from_utf8(out).unwrap();
            assert!(script.contains("inbox") && script.contains("key-file"), "{shell}");
        }
    }

    #[test]
    fn manual_pages_are_written_for_every_command() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("man1");

        man(&ManArguments { into: into.clone(), markdown: false }, &mut Vec::new()).unwrap();

        for page in ["docaxis.1", "docaxis-send.1", "docaxis-delivery-show.1"] {
            assert!(into.join(page).is_file(), "{page}");
        }
    }
}
