//! `config print` and `config check`; also the text of `docs/config.md`, which a test compares.

use super::Outcome;
use crate::config::{Config, ConfigError, RELOADABLE, SECTIONS, SETTINGS};
use clap::Subcommand;
use std::io::Write;

/// Look at the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the configuration in force, as TOML; secrets are masked.
    Print {
        /// Print the reference of all settings instead.
        #[arg(long)]
        markdown: bool,
        /// With what each setting does, as a file to begin with: what is as by default stands behind a #.
        #[arg(long, conflicts_with = "markdown")]
        commented: bool,
    },
    /// Say whether the configuration can be used, and every fault if not.
    Check,
}

impl ConfigCommand {
    pub(super) fn run(
        self,
        load: impl FnOnce() -> Result<Config, ConfigError>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Outcome> {
        match self {
            Self::Print { markdown: true, .. } => write!(out, "{}", reference())?,
            Self::Print { commented: true, .. } => write!(out, "{}", commented(&load()?))?,
            Self::Print { .. } => write!(out, "{}", toml(&load()?))?,
            Self::Check => {
                load()?;
                writeln!(out, "the configuration is usable")?;
            }
        }
        Ok(Outcome::Done)
    }
}

/// The configuration in force, in the order of the reference.
fn toml(config: &Config) -> String {
    let mut text = String::new();
    let mut last = "";
    for (section, name, value) in config.values() {
        if section != last {
            let gap = if last.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}[{section}]\n"));
            last = section;
        }
        text.push_str(&format!("{name} = {value}\n"));
    }
    text
}

/// A file to begin with: every setting with what it does, those of which nobody wished otherwise as comments.
fn commented(config: &Config) -> String {
    let mut text = String::from(
        "# Cấu hình Docaxis. Dòng sau dấu # là giá trị mặc định; kiểm tra bằng `docaxis config check`.\n\
         # Settings of Docaxis. What stands behind a # is the default; check with `docaxis config check`.\n",
    );
    let defaults = Config::default().values();
    let mut last = "";
    for (((section, name, value), (.., default)), setting) in config.values().into_iter().zip(defaults).zip(SETTINGS) {
        if section != last {
            text.push_str(&format!("\n[{section}]\n"));
            last = section;
        }
        let mark = if value == default { "#" } else { "" };
        text.push_str(&format!("# {} ({})\n{mark}{name} = {value}\n", setting.about.trim(), setting.unit));
    }
    text
}

/// The reference of all settings: `docs/config.md`.
pub fn reference() -> String {
    let mut text = String::from(HEAD);
    for (section, about) in SECTIONS {
        text.push_str(&format!(
            "\n## [{section}]\n\n{}\n\n| setting | default | unit or form | reload | what it does |\n|---|---|---|---|---|\n",
            about.trim()
        ));
        for setting in SETTINGS.iter().filter(|s| s.section == *section) {
            let (name, default, about) = (setting.name, (setting.default)(), cell(setting.about));
            let reload = if RELOADABLE.contains(&format!("{section}.{name}").as_str()) { "yes" } else { "" };
            text.push_str(&format!("| `{name}` | `{default}` | {} | {reload} | {about} |\n", cell(setting.unit)));
        }
    }
    text
}

/// Text that does not break a table.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|")
}

const HEAD: &str = "\
# Settings

Generated from `src/config.rs`; do not edit (`make docs` writes it, a test compares it).

Settings come from the TOML file named with `--config FILE` (or `DOCAXIS_CONFIG`). The environment goes over the
file: `[server] address` is `DOCAXIS__SERVER__ADDRESS`. Everything has a default, so no file is needed to start. An
unknown setting is an error that names the nearest known one, and so is a variable with single underscores
(`DOCAXIS_SERVER_ADDRESS`), which would change nothing. `docaxis config check` lists every fault at once,
`docaxis config print` shows what is in force.

A running hub reads the settings marked `reload` anew on SIGHUP (`systemctl reload docaxis`), for every request and job
that begins from then on. A file with faults is refused and the old settings hold; the log says so, and names settings
that need a restart. Settings of the environment cannot change while the hub runs.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Database, Metrics};
    use std::path::Path;

    #[test]
    fn generated_reference_of_settings_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/config.md");
        if std::env::var_os("DOCAXIS_WRITE_DOCS").is_some() {
            std::fs::write(&file, reference()).unwrap();
        }

        let written = std::fs::read_to_string(&file).unwrap_or_default();

        assert!(written == reference(), "docs/config.md is not current: run `make docs`");
    }

    /// Not by `Config::load`: the environment of whoever runs the tests would go over it.
    fn read_back(text: &str) -> Config {
        let source = ::config::File::from_str(text, ::config::FileFormat::Toml);
        ::config::Config::builder().add_source(source).build().unwrap().try_deserialize().unwrap()
    }

    #[test]
    fn what_is_printed_can_be_read_back() {
        let printed = toml(&Config::default());

        assert_eq!(toml(&read_back(&printed)), printed);
    }

    #[test]
    fn a_file_to_begin_with_says_what_differs_and_every_default() {
        let metrics = Metrics { waiting_max: 7, ..Metrics::default() };
        let config = Config { metrics, ..Config::default() };

        let file = commented(&config);
        let said = |line: &&str| !line.is_empty() && !line.starts_with(['#', '[']);
        assert_eq!(file.lines().filter(said).collect::<Vec<_>>(), ["waiting_max = 7"]);
        let everything = file.lines().filter_map(|line| match line.strip_prefix('#') {
            Some(said) => (!said.starts_with(' ')).then_some(said),
            None => Some(line),
        });
        let everything: Vec<&str> = everything.collect();
        assert_eq!(toml(&read_back(&everything.join("\n"))), toml(&config));
    }

    #[test]
    fn secrets_are_masked() {
        let database = Database { url: "postgres://hub:geheim@db/docaxis".into(), ..Database::default() };

        let printed = toml(&Config { database, ..Config::default() });

        assert!(printed.contains("url = \"***\""), "{printed}");
        assert!(!printed.contains("geheim"));
    }
}
