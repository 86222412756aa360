//! The folder of transcripts: a file for each conversation, the long texts of a scenario in one beside, and the definitions of all
//! tools, a line each. What is counted is read from here, never from memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::conversation::{Conversation, Texts};
use crate::count::{Bill, Counter};
use crate::measure::{MODES, Mode};

/// A folder of transcripts.
pub(crate) struct Kept(PathBuf);

/// The conversations of one scenario at one size, with their bills.
pub(crate) type Row = BTreeMap<Mode, Bill>;

/// Everything that was counted.
pub(crate) struct Counted {
    /// By scenario and size.
    pub(crate) rows: BTreeMap<(String, usize), Row>,
    /// Tools of the corpus, and the tokens of their definitions.
    pub(crate) corpus: (usize, usize),
    /// Tokens of the definitions of the tools that a scenario's own calls need.
    pub(crate) used: BTreeMap<String, usize>,
}

const DEFINITIONS: &str = "definitions.jsonl";

impl Kept {
    /// The transcripts below `folder`, which need not be there yet.
    pub(crate) fn below(folder: &Path) -> Kept {
        Kept(folder.join("transcripts"))
    }

    fn texts(&self, scenario: &str) -> PathBuf {
        self.0.join("texts").join(format!("{scenario}.json"))
    }

    /// Writes all conversations of a scenario, in place of those that are there.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn replace(&self, scenario: &str, all: &[Conversation]) -> anyhow::Result<()> {
        std::fs::create_dir_all(self.0.join("texts"))?;
        for file in self.files()? {
            if Self::parts(&file).is_some_and(|(name, _, _)| name == scenario) {
                std::fs::remove_file(file)?;
            }
        }
        let mut texts = Texts::default();
        for conversation in all {
            let text = conversation.write(&mut texts)?;
            std::fs::write(self.0.join(format!("{}.json", conversation.name())), text)?;
        }
        std::fs::write(self.texts(scenario), texts.to_text()?)?;
        Ok(())
    }

    /// Writes the definitions that conversations refer to, beside those that are there.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(crate) fn define(&self, tools: &[(String, String, Value)]) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        let file = self.0.join(DEFINITIONS);
        let before = match file.exists() {
            true => std::fs::read_to_string(&file)?,
            false => String::new(),
        };
        let mut all: BTreeMap<(String, String), String> = BTreeMap::new();
        for line in before.lines() {
            let value: Value = serde_json::from_str(line)?;
            let name = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            all.insert((name("server"), name("tool")), line.to_owned());
        }
        for (server, tool, definition) in tools {
            let line = json!({ "server": server, "tool": tool, "definition": definition });
            all.insert((server.clone(), tool.clone()), line.to_string());
        }
        let lines: Vec<String> = all.into_values().map(|line| line + "\n").collect();
        std::fs::write(file, lines.concat())?;
        Ok(())
    }

    /// Counts all that is there.
    ///
    /// # Errors
    /// A file is none of these, or a size lacks a mode.
    pub(crate) fn count(&self, used: &[(&str, &[(&str, &str)])]) -> anyhow::Result<Counted> {
        let definitions = self.0.join(DEFINITIONS);
        let definitions = std::fs::read_to_string(&definitions)
            .with_context(|| format!("`{}`", definitions.display()))?;
        let mut counter = Counter::new(&definitions)?;
        let mut texts: BTreeMap<String, Texts> = BTreeMap::new();
        let mut rows: BTreeMap<(String, usize), Row> = BTreeMap::new();
        for file in self.files()? {
            let Some((scenario, size, mode)) = Self::parts(&file) else {
                bail!("`{}` is no transcript", file.display());
            };
            if !texts.contains_key(scenario) {
                texts.insert(scenario.to_owned(), Texts::read(&self.texts(scenario))?);
            }
            let beside = texts.get(scenario).context("no texts")?;
            let conversation = Conversation::read(&file, beside)?;
            let bill = counter.bill(&conversation)?;
            rows.entry((scenario.to_owned(), size))
                .or_default()
                .insert(mode, bill);
        }
        for ((scenario, size), row) in &rows {
            if row.len() != MODES.len() {
                bail!("{scenario} at {size} tools lacks a mode");
            }
        }
        let mut own = BTreeMap::new();
        for (scenario, tools) in used {
            if rows.keys().any(|(name, _)| name == scenario) {
                let tokens = tools
                    .iter()
                    .map(|(server, tool)| counter.definition(server, tool));
                own.insert(
                    (*scenario).to_owned(),
                    tokens.sum::<anyhow::Result<usize>>()?,
                );
            }
        }
        Ok(Counted {
            rows,
            corpus: counter.all_definitions(),
            used: own,
        })
    }

    /// The transcripts, sorted.
    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries =
            std::fs::read_dir(&self.0).with_context(|| format!("`{}`", self.0.display()))?;
        let mut files = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Scenario, size and mode of `meeting-250-js.json`.
    fn parts(file: &Path) -> Option<(&str, usize, Mode)> {
        let mut parts = file.file_stem()?.to_str()?.splitn(3, '-');
        let (scenario, size, mode) = (parts.next()?, parts.next()?, parts.next()?);
        let mode = MODES.into_iter().find(|known| known.name() == mode)?;
        Some((scenario, size.parse().ok()?, mode))
    }
}
