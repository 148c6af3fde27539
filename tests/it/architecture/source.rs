//! Rust files as the rules of the architecture look at them: without comments, without unit tests, with the paths
//! they use.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the repository, by its path from the root.
pub fn all_files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => files.push(relative(entry.path())),
            }
        }
    }
    files.sort();
    files
}

fn relative(path: PathBuf) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

/// Every Rust file below a folder.
pub fn sources(folder: &str) -> Vec<Source> {
    let files = all_files(folder).into_iter().filter(|path| path.ends_with(".rs"));
    files.map(|path| Source::of(&path, &std::fs::read_to_string(root().join(&path)).unwrap())).collect()
}

pub struct Source {
    pub path: String,
    /// As it stands.
    pub text: String,
    /// Without its unit tests.
    pub code_and_comments: String,
    /// Without its unit tests and comments.
    pub code: String,
}

const TESTS: &str = "#[cfg(test)]\nmod ";

impl Source {
    pub fn of(path: &str, text: &str) -> Self {
        let is_test_file = path.starts_with("src/") && path.ends_with("tests.rs");
        let code_and_comments = match (is_test_file, text.split_once(TESTS)) {
            (true, _) => "",
            // `mod tests;` in the middle of a file ends nothing.
            (false, Some((code, rest)))
                if rest.split(['{', ';']).next().is_some_and(|m| rest[m.len()..].starts_with('{')) =>
            {
                code
            }
            (false, Some(_) | None) => text,
        };
        let (path, text) = (path.to_owned(), text.to_owned());
        let code_and_comments = code_and_comments.to_owned();
        Self { path, text, code: without_comments(&code_and_comments), code_and_comments }
    }

    /// What is left out otherwise: the unit tests.
    pub fn only_tests(self) -> Self {
        let code = without_comments(&self.text[self.code_and_comments.len()..]);
        Self { code, ..self }
    }

    /// The module path of the file.
    fn module(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let parts = path.split('/').filter(|part| !matches!(*part, "mod" | "lib"));
        parts.map(str::to_owned).collect()
    }

    /// The part of the house it belongs to.
    pub fn floor(&self) -> String {
        self.module().first().cloned().unwrap_or_else(|| "lib".to_owned())
    }

    /// Paths into the crate, from its root, that the code uses.
    pub fn used_paths(&self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for (start, base) in [
            ("crate::", Vec::new()),
            ("docaxis::", Vec::new()),
            ("super::", {
                let mut up = self.module();
                up.pop();
                up
            }),
        ] {
            for (at, _) in self.code.match_indices(start) {
                // `super::super::x` is read from its first `super`; `$crate` is `crate` somewhere else.
                let before = self.code[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || "_:$\"".contains(c)) {
                    continue;
                }
                let mut paths = Vec::new();
                path_tree(&self.code[at + start.len()..], &base, &mut paths);
                used.extend(paths.into_iter().filter(|path| !path.is_empty()).map(|path| path.join("::")));
            }
        }
        used
    }

    pub fn uses_crate(&self, name: &str) -> bool {
        self.code.match_indices(&format!("{name}::")).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            // Inside of `crate::name::` it is a module of ours; after `::` alone it is the crate.
            let is_global = self.code[..at].ends_with("::") && self.code[..at - 2].ends_with([' ', '(', '<', '\n', ',']);
            is_global || !before.is_some_and(|c| c.is_alphanumeric() || "_:".contains(c))
        } && !self.is_own_module(name, at))
    }

    /// Whether a bare `name::` means a module that the file imported by `use`.
    fn is_own_module(&self, name: &str, at: usize) -> bool {
        let is_global = self.code[..at].ends_with("::");
        let last = |path: &String| path.rsplit("::").next() == Some(name);
        !is_global && (self.used_paths().iter().any(last) || self.code.contains(&format!("mod {name};")))
    }

    /// Names of the functions, types and modules that the file defines.
    pub fn defined_names(&self) -> Vec<String> {
        let words: Vec<&str> = self.code.split_whitespace().collect();
        let kinds = ["fn", "struct", "enum", "trait", "type", "mod", "const", "static", "macro_rules!"];
        let pairs = words.windows(2).filter(|pair| kinds.contains(&pair[0]));
        pairs.map(|pair| pair[1].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
    }
}

/// Reads `a::b::{c, d as e, self}` and its like, and gives every path in it.
fn path_tree(text: &str, base: &[String], into: &mut Vec<Vec<String>>) {
    let mut base = base.to_vec();
    let mut rest = text.trim_start();
    loop {
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if word.is_empty() {
            break;
        }
        rest = &rest[word.len()..];
        match word.as_str() {
            "super" => _ = base.pop(),
            "crate" => base.clear(),
            "self" => {}
            _ => base.push(word),
        }
        match rest.strip_prefix("::") {
            Some(next) => rest = next.trim_start(),
            None => return into.push(base),
        }
    }
    let Some(list) = rest.strip_prefix('{') else { return into.push(base) };
    let mut depth = 0;
    let mut part = 0;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                if !list[part..at].trim().is_empty() {
                    path_tree(&list[part..at], &base, into);
                }
                part = at + 1;
                if c == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

/// The text without what is after `//` on a line and between `/*` and `*/`; texts in quotes stay.
pub fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '"' => quoted(rest),
            // A character that is itself a quote.
            '\'' if rest.starts_with("'\"'") => 3,
            'r' if rest.starts_with("r#\"") => rest[3..].find("\"#").map_or(rest.len(), |end| end + 5),
            '/' if rest.starts_with("//") => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = &rest[rest.find("*/").map_or(rest.len(), |end| end + 2)..];
                continue;
            }
            _ => c.len_utf8(),
        };
        code.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    code
}

/// The length of a text in quotes.
fn quoted(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
