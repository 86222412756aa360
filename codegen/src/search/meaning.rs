//! What texts mean, as directions: a task points to where the tool that serves it points, also where they have no word in
//! common. The vectors are learned from tasks of other tools (`codegen/vectors`); here they are only summed up.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words;

/// How many pieces there are, their dimensions and the weights of a tool's fields; then each piece with its two scales and
/// its numbers, four bits each.
static FILE: &[u8] = include_bytes!("vectors.bin");

/// Numbers of a vector.
const DIMENSIONS: usize = 256;
/// Most pieces that are read of a task, a server's name, a tool's name and its description, as when they were learned.
const TASK: usize = 32;
const FIELDS: [usize; 3] = [6, 12, 64];
/// Characters that are read of a description.
const READ: usize = 400;

static MEANING: LazyLock<Meaning> = LazyLock::new(|| Meaning::read(FILE).unwrap_or_default());

/// Where a text points: of length one, or all zeros where no word is known.
pub(super) struct Direction(Vec<f32>);

impl Direction {
    /// Of what is to be done.
    pub(super) fn of_task(task: &str) -> Direction {
        let words = words_of(task);
        let mut pieces = MEANING.of_words(&words, TASK);
        // `how often` is more than `how` and `often`.
        let pairs = words.windows(2).map(|pair| pair.join(" "));
        pieces.extend(pairs.filter_map(|pair| MEANING.pieces.get(pair.as_str())));
        let mut sum = vec![0.0; DIMENSIONS];
        add(&mut sum, &pieces, 1.0, |piece| piece.in_tasks);
        Direction::along(sum)
    }

    /// Of a tool, by its server's name, its own and what is said of it.
    pub(super) fn of_tool(server: &str, tool: &str, description: &str) -> Direction {
        let description: String = description.chars().take(READ).collect();
        let fields = [
            words_of_name(server),
            words_of_name(tool),
            words_of(&description),
        ];
        let mut sum = vec![0.0; DIMENSIONS];
        for ((words, most), weight) in fields.iter().zip(FIELDS).zip(MEANING.fields) {
            let pieces = MEANING.of_words(words, most);
            add(&mut sum, &pieces, weight, |piece| piece.in_tools);
        }
        Direction::along(sum)
    }

    fn along(mut sum: Vec<f32>) -> Direction {
        let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
        sum.iter_mut()
            .for_each(|x| *x /= length.max(f32::MIN_POSITIVE));
        Direction(sum)
    }

    /// From -1 to 1: the cosine of the angle between them.
    pub(super) fn likeness(&self, other: &Direction) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }
}

/// The pieces of words, and pairs of words, that are known.
#[derive(Default)]
struct Meaning {
    /// By how they are written; `##ing` stands within a word only, `how often` for two words of a task.
    pieces: HashMap<&'static str, Piece>,
    fields: [f32; FIELDS.len()],
}

struct Piece {
    in_tasks: f32,
    in_tools: f32,
    /// Two numbers in each byte, each 8 more than it is.
    numbers: &'static [u8],
}

impl Meaning {
    /// `None` where the file is cut off or of other dimensions; a test holds that it is not.
    fn read(mut file: &'static [u8]) -> Option<Meaning> {
        let mut meaning = Meaning::default();
        let count = u32::from_le_bytes(take(&mut file)?);
        if u32::from_le_bytes(take(&mut file)?) as usize != DIMENSIONS {
            return None;
        }
        for weight in &mut meaning.fields {
            *weight = f32::from_le_bytes(take(&mut file)?);
        }
        for _ in 0..count {
            let [length] = take(&mut file)?;
            let (name, rest) = file.split_at_checked(usize::from(length))?;
            file = rest;
            let [in_tasks, in_tools] = [take(&mut file)?, take(&mut file)?].map(f32::from_le_bytes);
            let (numbers, rest) = file.split_at_checked(DIMENSIONS / 2)?;
            file = rest;
            let piece = Piece {
                in_tasks,
                in_tools,
                numbers,
            };
            meaning.pieces.insert(str::from_utf8(name).ok()?, piece);
        }
        file.is_empty().then_some(meaning)
    }

    /// The first pieces of a text.
    fn of_words(&self, words: &[String], most: usize) -> Vec<&Piece> {
        let pieces = words.iter().flat_map(|word| self.of_word(word));
        pieces.take(most).collect()
    }

    /// The longest pieces that a word is made of, from its begin; none where it is not made of known ones.
    fn of_word(&self, word: &str) -> Vec<&Piece> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < word.len() {
            let found = (at + 1..=word.len()).rev().find_map(|end| {
                let written = word.get(at..end)?;
                let piece = match at {
                    0 => self.pieces.get(written),
                    _ => self.pieces.get(format!("##{written}").as_str()),
                };
                piece.map(|piece| (piece, end))
            });
            let Some((piece, end)) = found else {
                return Vec::new();
            };
            out.push(piece);
            at = end;
        }
        out
    }
}

/// Adds what a field's pieces mean, divided by the root of their number.
fn add(sum: &mut [f32], pieces: &[&Piece], weight: f32, scale: impl Fn(&Piece) -> f32) {
    let weight = weight / (pieces.len().max(1) as f32).sqrt();
    for piece in pieces {
        let scale = scale(piece) * weight;
        for (two, numbers) in sum.chunks_exact_mut(2).zip(piece.numbers) {
            two[0] += scale * (f32::from(numbers & 15) - 8.0);
            two[1] += scale * (f32::from(numbers >> 4) - 8.0);
        }
    }
}

fn take<const N: usize>(file: &mut &'static [u8]) -> Option<[u8; N]> {
    let (bytes, rest) = file.split_first_chunk()?;
    *file = rest;
    Some(*bytes)
}

/// Longest word that is read, in bytes.
const LONGEST: usize = 40;

/// A text's words in lower case, those that are no number and of which pieces can be known.
fn words_of(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| word.is_ascii() && word.len() <= LONGEST)
        .filter(|word| word.contains(|c: char| c.is_ascii_alphabetic()))
        .map(str::to_lowercase)
        .collect()
}

/// A name's words: as `words_of`, also where only the case tells them apart.
fn words_of_name(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for run in words::runs(name) {
        for (place, part) in words::parts(&run).into_iter().enumerate() {
            match out.last_mut() {
                // `s3` is one word.
                Some(last) if place > 0 && part.starts_with(|c: char| c.is_ascii_digit()) => {
                    last.push_str(&part);
                }
                _ => out.push(part),
            }
        }
    }
    out.iter().flat_map(|word| words_of(word)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn likeness(task: &str, tool: &str) -> f32 {
        let tool = Direction::of_tool("", tool, "");
        Direction::of_task(task).likeness(&tool)
    }

    #[test]
    fn the_file_is_whole() {
        let meaning = Meaning::read(FILE).unwrap();
        assert!(meaning.pieces.len() > 10_000);
        assert!(
            ["payment", "##s", "how often"]
                .iter()
                .all(|piece| meaning.pieces.contains_key(piece))
        );
        assert!(Meaning::read(&FILE[..FILE.len() - 1]).is_none());
    }

    #[test]
    fn what_is_meant_is_nearer_than_what_is_not() {
        for (task, right, wrong) in [
            ("who wrote this line", "git_blame", "git_commit"),
            (
                "give the customer the money back",
                "createRefund",
                "createInvoice",
            ),
            ("will it rain tomorrow", "get_forecast", "get_file"),
        ] {
            let (right, wrong) = (likeness(task, right), likeness(task, wrong));
            assert!(right > wrong + 0.1, "{task}: {right} {wrong}");
        }
    }

    #[test]
    fn what_is_not_known_points_nowhere() {
        for text in ["", "1234 5", "天气", "ÄÖÜ"] {
            assert_eq!(Direction::of_task(text).0, vec![0.0; DIMENSIONS], "{text}");
        }
        let same = Direction::of_task("send an e-mail");
        assert!((same.likeness(&same) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn names_are_words() {
        let words = |name| words_of_name(name).join(" ");
        assert_eq!(words("listS3Buckets"), "list s3 buckets");
        assert_eq!(words("API-get_userIDs"), "api get user ids");
    }
}
