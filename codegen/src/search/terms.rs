//! The words of all tools, each with the tools that have it and what it makes them worth: BM25 with fields (BM25F), so that a
//! word in a name counts more than one far down in a description. The crate `bm25` keeps and scores.

use std::collections::HashMap;

use bm25::{Embedding, Scorer, TokenEmbedding};

use super::alike::{self, Alike};
use super::texts::{FIELDS, NAMES, Texts};
use super::words::{Word, Words};

/// How fast a word that is said again stops to count.
const SATURATION: f32 = 0.6;
/// Shortest begin of a name that is looked for, in bytes.
pub(super) const SHORTEST: usize = 4;

pub(super) struct Terms {
    /// By stem. Groups of alike words have the numbers before.
    numbers: HashMap<String, u32>,
    /// In how many tools each is, by number.
    tools_with: Vec<u32>,
    /// Those that stand in names, sorted.
    names: Vec<(String, u32)>,
    scorer: Scorer<usize, u32>,
    tools: usize,
}

impl Terms {
    pub(super) fn new(texts: &[Texts], words: &Words, alike: &Alike) -> Terms {
        let mut terms = Terms {
            numbers: HashMap::new(),
            tools_with: vec![0; alike::COUNT],
            names: Vec::new(),
            scorer: Scorer::new(),
            tools: texts.len(),
        };
        let average = average_lengths(texts);
        // Most words come again and again, and stems take their time.
        let mut known: HashMap<&str, Vec<u32>> = HashMap::new();
        for (tool, text) in texts.iter().enumerate() {
            let mut sums = Sums::default();
            for (index, field) in text.fields.iter().enumerate() {
                let long = field.len() as f32 / average[index].max(1.0) - 1.0;
                let weight = FIELDS[index].weight / (1.0 + FIELDS[index].length * long);
                for word in field {
                    let numbers = known
                        .entry(word)
                        .or_insert_with(|| terms.numbers_of(&words.word(word), alike));
                    numbers.iter().for_each(|number| sums.add(*number, weight));
                }
            }
            for (number, _) in &sums.sums {
                terms.tools_with[*number as usize] += 1;
            }
            let embedding = sums.sums.into_iter().map(|(index, sum)| TokenEmbedding {
                index,
                value: sum * (SATURATION + 1.0) / (sum + SATURATION),
            });
            terms.scorer.upsert(&tool, Embedding(embedding.collect()));
        }
        terms.names = names(texts, &terms.numbers, words);
        terms
    }

    /// What a word weighs by how few tools have it; `None` where none has.
    pub(super) fn rarity(&self, stem: &str) -> Option<f32> {
        let number = self.numbers.get(stem)?;
        Some(self.rarity_of(*number))
    }

    /// As `rarity`, of any word of a group.
    pub(super) fn rarity_of_group(&self, group: usize) -> f32 {
        self.rarity_of(group as u32)
    }

    fn rarity_of(&self, number: u32) -> f32 {
        let with = self.tools_with[number as usize] as f32;
        (1.0 + (self.tools as f32 - with + 0.5) / (with + 0.5)).ln()
    }

    /// The tools with a word and what it makes them worth, in no order.
    pub(super) fn of_stem(&self, stem: &str) -> Vec<(usize, f32)> {
        let number = self.numbers.get(stem);
        number.map(|number| self.of(*number)).unwrap_or_default()
    }

    /// As `of_stem`, for any word of a group of alike ones.
    pub(super) fn of_group(&self, group: usize) -> Vec<(usize, f32)> {
        self.of(group as u32)
    }

    /// As `of_stem`, for each longer word of a name that begins so.
    pub(super) fn names_from(&self, begin: &str) -> impl Iterator<Item = Vec<(usize, f32)>> {
        let start = self
            .names
            .partition_point(|(name, _)| name.as_str() <= begin);
        let names = self.names[start..].iter();
        let long = begin.len() >= SHORTEST;
        names
            .take_while(move |(name, _)| long && name.starts_with(begin))
            .map(|(_, number)| self.of(*number))
    }

    fn of(&self, number: u32) -> Vec<(usize, f32)> {
        let token = TokenEmbedding {
            index: number,
            value: 1.0,
        };
        let matches = self.scorer.matches(&Embedding(vec![token]));
        matches
            .into_iter()
            .map(|found| (found.id, found.score))
            .collect()
    }

    /// The numbers of a word and of its groups.
    fn numbers_of(&mut self, word: &Word, alike: &Alike) -> Vec<u32> {
        let next = self.tools_with.len() as u32;
        let number = *self.numbers.entry(word.stem.clone()).or_insert(next);
        if number == next {
            self.tools_with.push(0);
        }
        let groups = alike.of(word).iter().map(|group| *group as u32);
        [number].into_iter().chain(groups).collect()
    }
}

/// What the words of one tool sum up to, in the order in which they come.
#[derive(Default)]
struct Sums {
    sums: Vec<(u32, f32)>,
    places: HashMap<u32, usize>,
}

impl Sums {
    fn add(&mut self, number: u32, weight: f32) {
        let next = self.sums.len();
        let place = *self.places.entry(number).or_insert(next);
        if place == next {
            self.sums.push((number, 0.0));
        }
        self.sums[place].1 += weight;
    }
}

/// The words that stand in names, sorted.
fn names(texts: &[Texts], numbers: &HashMap<String, u32>, words: &Words) -> Vec<(String, u32)> {
    let mut names: Vec<&String> = texts
        .iter()
        .flat_map(|text| text.fields[NAMES].iter().flatten())
        .collect();
    names.sort_unstable();
    names.dedup();
    let stems = names.into_iter().map(|name| words.word(name).stem);
    let mut names: Vec<(String, u32)> = stems
        .filter_map(|stem| numbers.get(&stem).map(|number| (stem.clone(), *number)))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn average_lengths(texts: &[Texts]) -> Vec<f32> {
    let all = texts.len().max(1) as f32;
    let mut lengths = vec![0f32; FIELDS.len()];
    for text in texts {
        for (length, field) in lengths.iter_mut().zip(&text.fields) {
            *length += field.len() as f32 / all;
        }
    }
    lengths
}
