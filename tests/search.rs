//! How well tools are found: phrasings of tasks over the corpus of real servers, with the tools that serve each, against our
//! search, against names alone and against BM25 alone. `search/phrasings.toml` was written before the ranking was tuned, on
//! its first, third, fifth ... phrasing; `search/drawn.toml` afterwards, for tools that were drawn by chance.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fmt;

use bm25::{Document, SearchEngineBuilder, Tokenizer};
use serde::Deserialize;
use witgate_codegen::catalog::{Catalog, Server, parse_tools_list};
use witgate_codegen::model::ServerModel;
use witgate_codegen::model_catalog;
use witgate_codegen::search::Index;
use witgate_tests::{corpus, workspace};

/// A file of phrasings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    phrasing: Vec<Phrasing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrasing {
    task: String,
    /// The tools that serve it, as `server/tool`.
    tools: BTreeSet<String>,
    /// Tools that serve it equally and were added when the answers had been seen.
    #[serde(default)]
    also: BTreeSet<String>,
}

fn phrasings(name: &str) -> Vec<Phrasing> {
    let path = workspace::root().join("tests/search").join(name);
    let file: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file.phrasing
}

/// The servers of the corpus, with the name of each tool in order.
struct Servers {
    models: Vec<ServerModel>,
    names: Vec<String>,
}

fn servers() -> Option<Servers> {
    let mut catalog = Catalog::default();
    for file in corpus::files()? {
        let tools = parse_tools_list(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let server = Server {
            tools,
            ..Server::default()
        };
        catalog.servers.insert(corpus::name(&file), server);
    }
    let models = model_catalog(&catalog).unwrap();
    let names = models
        .iter()
        .flat_map(|server| {
            let tools = server.tools.iter();
            tools.map(|tool| format!("{}/{}", server.server, tool.tool))
        })
        .collect();
    Some(Servers { models, names })
}

/// How many of some phrasings found a right tool.
#[derive(Default)]
struct Figures {
    all: usize,
    first: usize,
    five: usize,
}

impl Figures {
    /// Of phrasings, with what is found for each, best first.
    fn of<'a>(
        phrasings: impl Iterator<Item = &'a Phrasing>,
        search: &dyn Fn(&str) -> Vec<String>,
    ) -> Figures {
        let mut figures = Figures::default();
        for phrasing in phrasings {
            let found = search(&phrasing.task);
            let place = found
                .iter()
                .take(5)
                .position(|name| phrasing.tools.contains(name) || phrasing.also.contains(name));
            figures.all += 1;
            figures.first += usize::from(place == Some(0));
            figures.five += usize::from(place.is_some());
        }
        figures
    }

    fn percent(&self, count: usize) -> f64 {
        count as f64 * 100.0 / self.all as f64
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, five) = (self.percent(self.first), self.percent(self.five));
        write!(
            f,
            "of {:3}: first {first:5.1} %, among five {five:5.1} %",
            self.all
        )
    }
}

/// Words as a search without any knowledge of names and English has them.
#[derive(Default)]
struct PlainWords;

impl Tokenizer for PlainWords {
    fn tokenize(&self, text: &str) -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    }
}

#[test]
fn tasks_find_their_tools() {
    let Some(servers) = servers() else { return };
    let index = Index::new(&servers.models);
    let ours = |query: &str| -> Vec<String> {
        let found = index.search(query).into_iter().take(5);
        let name = |server: &ServerModel, tool: usize| {
            format!("{}/{}", server.server, server.tools[tool].tool)
        };
        found
            .map(|found| name(&servers.models[found.server], found.tool))
            .collect()
    };
    let by_names = |query: &str| -> Vec<String> {
        let wanted: BTreeSet<String> = PlainWords.tokenize(query).into_iter().collect();
        let mut ranked: Vec<(usize, &String)> = servers
            .names
            .iter()
            .map(|name| {
                let words: BTreeSet<String> = PlainWords.tokenize(name).into_iter().collect();
                (words.intersection(&wanted).count(), name)
            })
            .filter(|(count, _)| *count > 0)
            .collect();
        ranked.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let best = ranked.into_iter().take(5);
        best.map(|(_, name)| name.clone()).collect()
    };
    let tools = servers.models.iter().flat_map(|server| &server.tools);
    let documents = servers
        .names
        .iter()
        .zip(tools)
        .map(|(name, tool)| Document {
            id: name.clone(),
            contents: format!("{} {}", tool.tool, tool.doc.as_deref().unwrap_or_default()),
        });
    let documents: Vec<Document<String>> = documents.collect();
    let engine = SearchEngineBuilder::<String, u32, PlainWords>::with_tokenizer_and_documents(
        PlainWords, documents,
    )
    .build();
    let by_bm25 = |query: &str| -> Vec<String> {
        let found = engine.search(query, 5);
        found.into_iter().map(|found| found.document.id).collect()
    };

    let written = phrasings("phrasings.toml");
    let all = Figures::of(written.iter(), &ours);
    let names = Figures::of(written.iter(), &by_names);
    let bm25 = Figures::of(written.iter(), &by_bm25);
    eprintln!("ours        {all}\nnames only  {names}\nBM25 only   {bm25}");
    for (name, phrasings) in [("written", &written), ("drawn", &phrasings("drawn.toml"))] {
        let [tuned_on, others] = [0, 1].map(|half| {
            let half = phrasings.iter().skip(half).step_by(2);
            Figures::of(half, &ours)
        });
        let added: usize = phrasings.iter().map(|phrasing| phrasing.also.len()).sum();
        eprintln!("{name}: tuned on {tuned_on}; others {others}; {added} right tools added late");
        assert!(others.percent(others.five) >= 80.0, "{name}: {others}");
    }
    // The aim is 75 % and 95 %. These are what is reached, less what one or two phrasings make.
    assert!(
        all.percent(all.first) >= 61.0 && all.percent(all.five) >= 88.0,
        "{all}"
    );
    for other in [names, bm25] {
        assert!(all.first > other.first && all.five > other.five, "{other}");
    }
}

#[test]
fn phrasings_name_tools_of_many_servers() {
    let Some(servers) = servers() else { return };
    for (file, least) in [("phrasings.toml", 60), ("drawn.toml", 60)] {
        let mut named = BTreeSet::new();
        let mut tasks = BTreeSet::new();
        for phrasing in phrasings(file) {
            assert!(!phrasing.tools.is_empty(), "{}", phrasing.task);
            for tool in phrasing.tools.iter().chain(&phrasing.also) {
                assert!(servers.names.contains(tool), "{tool}");
            }
            let first = phrasing.tools.first().unwrap();
            named.insert(first.split('/').next().unwrap().to_string());
            assert!(tasks.insert(phrasing.task.clone()), "{}", phrasing.task);
        }
        assert!(named.len() >= least, "{file}: {} servers", named.len());
    }
}

#[test]
fn names_find_their_tools() {
    let Some(servers) = servers() else { return };
    let index = Index::new(&servers.models);
    let place = |query: &str, name: &str| {
        let found = index.search(query);
        found.iter().position(|found| {
            let server = &servers.models[found.server];
            format!("{}/{}", server.server, server.tools[found.tool].tool) == name
        })
    };
    for name in &servers.names {
        assert_eq!(place(name, name), Some(0), "{name}");
    }
    // As words, without what separates them; every third, because there are many.
    for name in servers.names.iter().step_by(3) {
        let words = PlainWords.tokenize(name).join(" ");
        assert!(
            place(&words, name).is_some_and(|place| place < 5),
            "{words}"
        );
    }
}
