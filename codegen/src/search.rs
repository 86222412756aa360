//! Ranks tools for what is to be done, said in a person's or a model's own words, for `witgate tools QUERY` and the search
//! of `witgate serve`: BM25 over all that a server says of a tool, with alike words from a list; how like the tool's name the
//! query is; and whether both mean the same, by vectors that were learned once. No network; the same query on the same
//! servers gives the same order.

mod alike;
mod meaning;
mod terms;
mod texts;
mod words;

pub(crate) use words::flat;

use crate::model::ServerModel;
use alike::{Alike, Deed};
use meaning::Direction;
use terms::Terms;
use texts::Texts;
use words::{Word, Words};

/// Most words of a query that are looked for, and most characters of it that are read.
const WORDS: usize = 32;
const CHARACTERS: usize = 1_000;

// Weights, tuned on one half of `tests/search/phrasings.toml` and of `drawn.toml`, and with a look at `unseen.jsonl`.

/// A word that is alike, and one that is only begun, count less than the word itself.
const ALIKE: f32 = 0.9;
const BEGUN: f32 = 0.5;
/// How much likeness of names counts beside BM25.
const NAME: f32 = 4.0;
/// How much likeness of meaning counts beside BM25, and how much more by where it is great.
const MEANING: f32 = 32.0;
const STEEP: f32 = 1.8;
/// Less likeness than this is found between any texts: alone, it finds nothing.
const UNLIKE: f32 = 0.3;
/// What a word weighs that no tool has, beside what a known one does by its rarity.
const UNKNOWN: f32 = 1.5;
/// What stands first says what is to be done: each word counts this much less than the one before, down to a limit.
const LATER: f32 = 0.06;
const LATEST: f32 = 0.3;
/// How much better tools are of the server that a word of the query points to, at most.
const SERVER: f32 = 0.3;
/// Fewer tools with a word than this point to no server.
const FEW: f32 = 4.0;
/// Where a query does not say that something is changed, tools that change something stand a little behind; a tool that
/// takes something away is not what was meant where the query does not say so, less so where it says something else.
const UNCHANGED: f32 = 0.97;
const UNASKED: f32 = 0.6;
const ASKED_OTHERWISE: f32 = 0.4;
/// More than any sum of words makes: the whole query is the tool's name as grants write it (`github/list_issues`), as it may
/// be said, the server's name, or begins one.
const IS_EXACT: f32 = 20_000.0;
const IS_TOOL: f32 = 10_000.0;
const IS_SERVER: f32 = 5_000.0;
const BEGINS: f32 = 20.0;

/// One tool that fits a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Index into the servers that the index was made of.
    pub server: usize,
    /// Index into the server's tools.
    pub tool: usize,
    /// The higher, the better; only comparable within one search.
    pub score: f32,
}

/// What is known of the tools of some servers, ready to be searched.
pub struct Index {
    tools: Vec<Entry>,
    /// The words of each server's name.
    servers: Vec<Vec<Word>>,
    words: Words,
    alike: Alike,
    terms: Terms,
}

/// One tool: where it is, and its name.
struct Entry {
    server: usize,
    tool: usize,
    /// The name as grants write it.
    exact: String,
    /// The names without what separates their words.
    server_name: String,
    name: String,
    /// The parts of the tool's name.
    parts: Vec<Part>,
    /// What the name says that it does.
    deed: Option<Deed>,
    direction: Direction,
}

/// One part of a tool's name.
struct Part {
    stem: String,
    groups: Vec<usize>,
    rarity: f32,
}

/// One word of a query.
struct Wanted<'a> {
    stem: &'a str,
    groups: &'a [usize],
    rarity: f32,
    /// What it counts by where it stands.
    place: f32,
    /// It is said of anything, and counts for what is alike only.
    is_light: bool,
}

impl Index {
    /// Reads what the servers say of their tools.
    pub fn new(servers: &[ServerModel]) -> Index {
        let words = Words::new();
        let alike = Alike::new(&words);
        let texts: Vec<Texts> = servers
            .iter()
            .flat_map(|server| {
                let tools = server.tools.iter();
                tools.map(|tool| Texts::read(server, tool))
            })
            .collect();
        let terms = Terms::new(&texts, &words, &alike);
        let mut tools = Vec::with_capacity(texts.len());
        for (s, server) in servers.iter().enumerate() {
            for (t, tool) in server.tools.iter().enumerate() {
                let parts = words.parts_of_name(&tool.tool);
                tools.push(Entry {
                    server: s,
                    tool: t,
                    exact: format!("{}/{}", server.server, tool.tool),
                    server_name: words::flat(&server.server),
                    name: words::flat(&tool.tool),
                    deed: parts.iter().find_map(alike::deed),
                    direction: Direction::of_tool(
                        &server.server,
                        &tool.tool,
                        tool.doc.as_deref().unwrap_or_default(),
                    ),
                    parts: parts
                        .into_iter()
                        .map(|part| Part {
                            groups: alike.of(&part).to_vec(),
                            rarity: terms.rarity(&part.stem).unwrap_or(UNKNOWN),
                            stem: part.stem,
                        })
                        .collect(),
                });
            }
        }
        Index {
            tools,
            servers: servers
                .iter()
                .map(|server| words.parts_of_name(&server.server))
                .collect(),
            words,
            alike,
            terms,
        }
    }

    /// The tools that fit, best first, equal ones in the servers' order; all of them for an empty query. Names are taken
    /// as they are written anywhere: `github`, `github/list_issues`, `listIssues`.
    pub fn search(&self, query: &str) -> Vec<Found> {
        let query: String = query.chars().take(CHARACTERS).collect();
        let words = self.wanted(&query);
        let wanted: Vec<Wanted<'_>> = words
            .iter()
            .enumerate()
            .map(|(place, word)| {
                let groups = self.alike.of(word);
                let place = (1.0 - LATER * place as f32).max(LATEST);
                Wanted {
                    stem: &word.stem,
                    groups,
                    place,
                    rarity: self.rarity(word, groups),
                    is_light: alike::is_light(word),
                }
            })
            .collect();
        let scores = self.bm25(&wanted);
        let direction = Direction::of_task(&query);
        let mut servers = vec![0f32; self.servers.len()];
        for word in &wanted {
            for (points, share) in servers.iter_mut().zip(self.shares(word.stem)) {
                *points = points.max(share);
            }
        }
        let asked: Vec<Deed> = words.iter().filter_map(alike::deed).collect();
        let whole = words::flat(&query);
        let mut found: Vec<Found> = Vec::new();
        for (entry, mut score) in self.tools.iter().zip(scores) {
            score += NAME * entry.likeness(&wanted);
            let likeness = entry.direction.likeness(&direction);
            if score > 0.0 || likeness > UNLIKE {
                score += MEANING * likeness.max(0.0).powf(STEEP);
            }
            score *= 1.0 + SERVER * servers[entry.server];
            score *= match entry.deed {
                Some(deed) if asked.contains(&deed) => 1.0,
                Some(Deed::TakesAway) if asked.is_empty() => UNASKED,
                Some(Deed::TakesAway) => ASKED_OTHERWISE,
                Some(Deed::Changes) if !asked.contains(&Deed::TakesAway) => UNCHANGED,
                Some(Deed::Changes | Deed::Reads) | None => 1.0,
            };
            score += entry.as_a_whole(query.trim(), &whole);
            if score > 0.0 || whole.is_empty() {
                let Entry { server, tool, .. } = *entry;
                found.push(Found {
                    server,
                    tool,
                    score,
                });
            }
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found
    }

    /// The words that are looked for, each once.
    fn wanted(&self, query: &str) -> Vec<Word> {
        let is_phrase = |phrase: &str| self.alike.has_phrase(phrase);
        let mut wanted: Vec<Word> = Vec::new();
        for word in self.words.of_query(query, is_phrase) {
            // Which one is meant is not what is to be done.
            let is_number = word.word.chars().all(|c| c.is_ascii_digit());
            if wanted.len() < WORDS
                && !is_number
                && !wanted.iter().any(|known| known.stem == word.stem)
            {
                wanted.push(word);
            }
        }
        wanted
    }

    /// For each server, how far a word points to it and to no other: by its name, and by how many of the tools that have the
    /// word are its.
    fn shares(&self, stem: &str) -> Vec<f32> {
        let mut with = vec![0f32; self.servers.len()];
        let mut all = 0.0;
        for (tool, _) in self.terms.of_stem(stem) {
            with[self.tools[tool].server] += 1.0;
            all += 1.0;
        }
        for (with, name) in with.iter_mut().zip(&self.servers) {
            let is_named = name.iter().any(|word| begins(stem, &word.stem));
            *with = match is_named {
                true => (*with + FEW) / (all + FEW),
                false => *with / (all + FEW),
            };
        }
        with
    }

    /// What the words weigh that are wanted, by how few tools have it or one alike.
    fn rarity(&self, word: &Word, groups: &[usize]) -> f32 {
        let own = self.terms.rarity(&word.stem).unwrap_or(UNKNOWN);
        let alike = groups
            .iter()
            .map(|group| self.terms.rarity_of_group(*group).max(1.0));
        alike.fold(own, f32::min)
    }

    /// What the words make each tool worth: of each the best of the word itself, those alike, and names that begin so.
    fn bm25(&self, wanted: &[Wanted<'_>]) -> Vec<f32> {
        let mut scores = vec![0f32; self.tools.len()];
        let mut covered = scores.clone();
        for word in wanted {
            let mut best = vec![0f32; scores.len()];
            let mut take = |matches: Vec<(usize, f32)>, weight: f32| {
                for (tool, score) in matches {
                    best[tool] = best[tool].max(score * weight);
                }
            };
            if !word.is_light {
                take(self.terms.of_stem(word.stem), 1.0);
                let names = self.terms.names_from(word.stem);
                names.for_each(|name| take(name, BEGUN));
            }
            for group in word.groups {
                take(self.terms.of_group(*group), ALIKE);
            }
            for (tool, best) in best.into_iter().enumerate() {
                scores[tool] += best * word.place;
                covered[tool] += best.min(word.rarity) * word.place;
            }
        }
        let all: f32 = wanted.iter().map(|word| word.rarity * word.place).sum();
        for (score, covered) in scores.iter_mut().zip(covered) {
            // A tool that has all words stands before one that has some of them often.
            *score *= covered / all.max(f32::MIN_POSITIVE);
        }
        scores
    }
}

impl Entry {
    /// From 0 to 1: how much of the name the query has, and how much of the query the name has, by what the words weigh.
    fn likeness(&self, wanted: &[Wanted<'_>]) -> f32 {
        let mut named = 0.0;
        let mut asked = vec![0f32; wanted.len()];
        for part in &self.parts {
            let mut best = 0f32;
            for (word, asked) in wanted.iter().zip(&mut asked) {
                let same = if word.stem == part.stem && !word.is_light {
                    1.0
                } else if word.groups.iter().any(|group| part.groups.contains(group)) {
                    ALIKE
                } else if !word.is_light && begins(word.stem, &part.stem) {
                    BEGUN
                } else {
                    continue;
                };
                best = best.max(same);
                *asked = asked.max(same);
            }
            named += best * part.rarity;
        }
        if named == 0.0 {
            return 0.0;
        }
        let name: f32 = self.parts.iter().map(|part| part.rarity).sum();
        let weight = |word: &Wanted<'_>| word.rarity * word.place;
        let query: f32 = wanted.iter().map(weight).sum();
        let asked: f32 = wanted
            .iter()
            .zip(asked)
            .map(|(word, part)| weight(word) * part)
            .sum();
        // One word that is the whole name of a tool says less than four of five.
        (named / (name + UNKNOWN)).powf(0.4) * (asked / query).powf(0.3)
    }

    /// What the query is worth as a name: as it is written, and without what separates words.
    fn as_a_whole(&self, written: &str, query: &str) -> f32 {
        if query.is_empty() {
            return 0.0;
        }
        if written == self.exact {
            return IS_EXACT;
        }
        let behind_server = query.strip_prefix(self.server_name.as_str());
        if *query == self.name || behind_server == Some(self.name.as_str()) {
            IS_TOOL
        } else if behind_server == Some("") {
            IS_SERVER
        } else if [Some(query), behind_server]
            .into_iter()
            .flatten()
            .any(|begun| self.name.starts_with(begun))
        {
            BEGINS
        } else {
            0.0
        }
    }
}

/// Whether a text has a word that says something and is in none of the names.
pub(crate) fn says_more(text: &str, names: &[&str]) -> bool {
    let words = Words::new();
    let known: Vec<Word> = names
        .iter()
        .chain(&["required", "optional"])
        .flat_map(|name| words.parts_of_name(name))
        .collect();
    words::of_text(text)
        .iter()
        .map(|word| words.word(word).stem)
        .any(|stem| !known.iter().any(|word| word.stem == stem))
}

/// Whether a name's word is the one that is looked for, or begins with it.
fn begins(wanted: &str, name: &str) -> bool {
    name == wanted || wanted.len() >= terms::SHORTEST && name.starts_with(wanted)
}

#[cfg(test)]
mod tests;
