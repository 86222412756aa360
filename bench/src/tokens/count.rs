//! Conversation -> tokens. A conversation is counted once, as the announcement did it, and as it is billed: with every turn, the
//! whole conversation so far is sent again.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tiktoken_rs::CoreBPE;

use crate::conversation::{Conversation, Message};

/// The tokenizer, and what was counted already.
pub(crate) struct Counter {
    tokenizer: CoreBPE,
    counted: HashMap<String, usize>,
    /// Tokens of a definition, by server and tool.
    definitions: BTreeMap<String, BTreeMap<String, usize>>,
}

/// What a conversation costs, in tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bill {
    /// Definitions of the tools that are given from the start, and what servers say about themselves.
    pub(crate) given: usize,
    /// The user's words.
    pub(crate) task: usize,
    /// What the model writes: calls, code, the answer.
    pub(crate) written: usize,
    /// What it is answered.
    pub(crate) read: usize,
    /// Requests to the model.
    pub(crate) turns: usize,
    /// Input tokens of all turns together, nothing cached.
    pub(crate) input: usize,
    /// The messages in order: what each is, and its tokens.
    pub(crate) parts: Vec<(String, usize)>,
}

impl Bill {
    /// Each token once.
    pub(crate) fn once(&self) -> usize {
        self.given + self.task + self.written + self.read
    }
}

impl Counter {
    /// `definitions` are lines of `{"server", "tool", "definition"}`.
    ///
    /// # Errors
    /// A line is something else.
    pub(crate) fn new(definitions: &str) -> anyhow::Result<Counter> {
        let mut counter = Counter {
            tokenizer: tiktoken_rs::o200k_base()?,
            counted: HashMap::new(),
            definitions: BTreeMap::new(),
        };
        for line in definitions.lines() {
            let value: Value = serde_json::from_str(line).context("a definition is no JSON")?;
            let name = |key: &str| value[key].as_str().map(str::to_owned);
            let (server, tool) = name("server")
                .zip(name("tool"))
                .context("a definition has no name")?;
            let tokens = counter.tokens(&value["definition"].to_string());
            counter
                .definitions
                .entry(server)
                .or_default()
                .insert(tool, tokens);
        }
        Ok(counter)
    }

    /// Tokens of a text.
    pub(crate) fn tokens(&mut self, text: &str) -> usize {
        if let Some(tokens) = self.counted.get(text) {
            return *tokens;
        }
        let tokens = self.tokenizer.count_ordinary(text);
        self.counted.insert(text.to_owned(), tokens);
        tokens
    }

    /// Tokens of the definition of a tool.
    ///
    /// # Errors
    /// It is none of the corpus.
    pub(crate) fn definition(&self, server: &str, tool: &str) -> anyhow::Result<usize> {
        let tokens = self
            .definitions
            .get(server)
            .and_then(|tools| tools.get(tool));
        tokens
            .copied()
            .with_context(|| format!("there is no definition of `{server}/{tool}`"))
    }

    /// Tools of all servers, and the tokens of their definitions.
    pub(crate) fn all_definitions(&self) -> (usize, usize) {
        let all = self.definitions.values().flat_map(BTreeMap::values);
        all.fold((0, 0), |(tools, sum), tokens| (tools + 1, sum + tokens))
    }

    /// What a conversation costs.
    ///
    /// # Errors
    /// It names a tool that is not in the corpus.
    pub(crate) fn bill(&mut self, conversation: &Conversation) -> anyhow::Result<Bill> {
        let given = &conversation.given;
        let mut bill = Bill::default();
        if let Some(instructions) = &given.instructions {
            bill.given += self.tokens(instructions);
        }
        for definition in &given.definitions {
            bill.given += self.tokens(&definition.to_string());
        }
        let mut tools = 0;
        for (server, chosen) in &given.servers {
            let all = self.definitions.get(server);
            let all = all.with_context(|| format!("there is no definition of `{server}`"))?;
            let names: Vec<&String> = match chosen {
                Some(chosen) => chosen.iter().collect(),
                None => all.keys().collect(),
            };
            tools += names.len();
            for tool in names {
                bill.given += self.definition(server, tool)?;
            }
        }
        let is_counted = given.servers.is_empty() || tools == conversation.connected;
        ensure!(
            is_counted,
            "{} has the definitions of {tools} tools",
            conversation.name()
        );
        let mut before = bill.given;
        for message in &conversation.messages {
            let (what, tokens) = match message {
                Message::User(text) => {
                    let tokens = self.tokens(text);
                    bill.task += tokens;
                    ("task".to_owned(), tokens)
                }
                Message::Calls(calls) => {
                    let texts = calls.iter().map(serde_json::to_string);
                    let texts = texts.collect::<Result<Vec<_>, _>>()?;
                    let tokens = texts.iter().map(|text| self.tokens(text)).sum();
                    bill.written += tokens;
                    bill.turns += 1;
                    bill.input += before;
                    (called(calls.iter().map(|call| call.name.as_str())), tokens)
                }
                Message::Results(results) => {
                    let tokens = results.iter().map(|text| self.tokens(text)).sum();
                    bill.read += tokens;
                    ("result".to_owned(), tokens)
                }
                Message::Answer(text) => {
                    let tokens = self.tokens(text);
                    bill.written += tokens;
                    bill.turns += 1;
                    bill.input += before;
                    ("answer".to_owned(), tokens)
                }
            };
            before += tokens;
            bill.parts.push((what, tokens));
        }
        Ok(bill)
    }
}

/// The tools of a message, each once.
fn called<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let told = counts.into_iter().map(|(name, count)| match count {
        1 => name.to_owned(),
        count => format!("{name} x{count}"),
    });
    told.collect::<Vec<_>>().join(", ")
}
