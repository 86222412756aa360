//! Names and texts as the words that they are found by: lower case, English endings taken off, without the words that say
//! nothing of a task.

use rust_stemmers::{Algorithm, Stemmer};

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// In lower case; `recording` for `recordings`.
    pub(super) word: String,
    /// What it has in common with its other forms.
    pub(super) stem: String,
}

/// Cuts texts into words.
pub(super) struct Words {
    stemmer: Stemmer,
}

impl Words {
    pub(super) fn new() -> Words {
        Words {
            stemmer: Stemmer::create(Algorithm::English),
        }
    }

    /// A word in lower case with its stem.
    pub(super) fn word(&self, lower: &str) -> Word {
        let singular = lower.strip_suffix('s').filter(|word| word.ends_with("ing"));
        Word {
            word: singular.unwrap_or(lower).to_string(),
            stem: self.stemmer.stem(lower).into_owned(),
        }
    }

    /// The parts of a name that say something, each once.
    pub(super) fn parts_of_name(&self, name: &str) -> Vec<Word> {
        let mut out: Vec<Word> = Vec::new();
        for part in runs(name).iter().flat_map(|run| parts(run)) {
            let word = self.word(&part);
            if !says_nothing(&part) && !out.iter().any(|known| known.stem == word.stem) {
                out.push(word);
            }
        }
        out
    }

    /// The words of a query: as of a text, but words that `is_phrase` knows, joined with `_`, are one.
    pub(super) fn of_query(&self, query: &str, is_phrase: impl Fn(&str) -> bool) -> Vec<Word> {
        let runs = runs(query);
        let lower: Vec<String> = runs.iter().map(|run| run.to_lowercase()).collect();
        let mut out = Vec::new();
        let mut at = 0;
        while at < runs.len() {
            let phrase = [4, 3, 2].into_iter().find_map(|length| {
                let phrase = lower.get(at..at + length)?.join("_");
                is_phrase(&phrase).then_some((phrase, length))
            });
            if let Some((phrase, length)) = phrase {
                out.push(Word {
                    word: phrase.clone(),
                    stem: phrase,
                });
                at += length;
            } else {
                let mut words = Vec::new();
                push_run(&runs[at], &mut words);
                out.extend(words.iter().map(|word| self.word(word)));
                at += 1;
            }
        }
        out
    }
}

/// The words of a name and their parts, in lower case: `listIssues` has `list`, `issues` and `listissues`.
pub(super) fn of_name(name: &str) -> Vec<String> {
    let mut out = Vec::new();
    for run in runs(name) {
        push_parts(&run, &mut out);
        out.push(run.to_lowercase());
    }
    out
}

/// The words of a text that say something, in lower case. A product's name (`GitHub`) is one word, an identifier
/// (`pageSize`) is its parts too.
pub(super) fn of_text(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    runs(text).iter().for_each(|run| push_run(run, &mut out));
    out
}

fn push_run(run: &str, out: &mut Vec<String>) {
    let lower = run.to_lowercase();
    if says_nothing(&lower) {
        return;
    }
    if run.starts_with(char::is_lowercase) {
        push_parts(run, out);
    }
    out.push(lower);
}

fn push_parts(run: &str, out: &mut Vec<String>) {
    let mut parts = parts(run);
    if parts.len() > 1 {
        out.append(&mut parts);
    }
}

/// A name without what separates its words.
pub(crate) fn flat(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Sequences of letters and digits; where words are not written apart, each two characters.
pub(super) fn runs(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut run = String::new();
    let mut chars = text.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        if is_unspaced(c) {
            out.extend((!run.is_empty()).then(|| std::mem::take(&mut run)));
            let alone = before.is_none() && !chars.peek().copied().is_some_and(is_unspaced);
            match before {
                Some(before) => out.push(String::from_iter([before, c])),
                None if alone => out.push(c.to_string()),
                None => {}
            }
            before = Some(c);
            continue;
        }
        before = None;
        let is_letter = run.chars().count() == 1 && run.starts_with(char::is_alphabetic);
        if c.is_alphanumeric() {
            run.push(c);
        } else if c == '-' && is_letter {
            // `e-mail` is `email`.
        } else if !run.is_empty() {
            out.push(std::mem::take(&mut run));
        }
    }
    out.extend((!run.is_empty()).then_some(run));
    out
}

/// A run taken apart where the case changes and where digits begin or end, in lower case.
pub(super) fn parts(run: &str) -> Vec<String> {
    let chars: Vec<char> = run.chars().collect();
    let mut out: Vec<String> = Vec::new();
    for (index, &c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| chars[index]);
        let after = |distance: usize| chars.get(index + distance).copied();
        let starts = before.is_none_or(|before| {
            // The `s` of `userIDs` begins no part.
            let plural = after(1) == Some('s') && !after(2).is_some_and(char::is_lowercase);
            before.is_numeric() != c.is_numeric()
                || c.is_uppercase()
                    && (!before.is_uppercase()
                        || after(1).is_some_and(char::is_lowercase) && !plural)
        });
        if starts {
            out.push(String::new());
        }
        if let Some(part) = out.last_mut() {
            part.extend(c.to_lowercase());
        }
    }
    out
}

/// Chinese, Japanese and Korean characters.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{323af}')
}

/// Whether a word stands in any text.
fn says_nothing(word: &str) -> bool {
    EMPTY.binary_search(&word).is_ok()
}

/// Sorted.
#[rustfmt::skip]
const EMPTY: &[&str] = &[
    "a", "about", "again", "all", "already", "also", "am", "an", "and", "any", "anyone", "are", "as", "at", "be", "been", "being", "but",
    "by", "can", "com", "could", "d", "did", "do", "does", "doing", "don", "each", "else", "every", "everything", "for", "from", "had", "has",
    "have", "he", "her", "here", "his", "how", "http", "https", "i", "if", "in", "into", "is", "it", "its", "just", "let", "lets", "ll", "m", "may", "me",
    "might", "must", "my", "need", "no", "not", "of", "on", "one", "ones", "onto", "or", "other", "our", "out", "own", "please", "re",
    "s", "shall", "she", "should", "so", "some", "somebody", "someone", "something", "such", "t", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "thing", "things", "this", "those", "to", "too", "us", "ve", "very", "want", "was", "we", "were",
    "what", "when", "where", "whether", "which", "while", "who", "whom", "whose", "will", "with", "would", "www", "you", "your",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn stems(words: Vec<Word>) -> String {
        let stems: Vec<String> = words.into_iter().map(|word| word.stem).collect();
        stems.join(" ")
    }

    fn stemmed(words: &[String]) -> String {
        let stemmer = Words::new();
        stems(words.iter().map(|word| stemmer.word(word)).collect())
    }

    #[test]
    fn names_are_taken_apart() {
        let words = Words::new();
        for (name, wanted) in [
            ("list_issues", "list issu"),
            ("listIssues", "list issu listissu"),
            ("API-get-user", "api get user"),
            ("getHTTPInfo", "get http info gethttpinfo"),
            ("userIDs", "user id userid"),
            ("ms365", "ms 365 ms365"),
            ("天气", "天气"),
        ] {
            assert_eq!(stemmed(&of_name(name)), wanted, "{name}");
        }
        assert_eq!(stems(words.parts_of_name("addToMyList_list")), "add list");
    }

    #[test]
    fn texts_are_words_that_say_something() {
        for (text, wanted) in [
            ("What's the weather in Oslo?", "weather oslo"),
            (
                "E-mails on GitHub, by pageSize",
                "email github page size pages",
            ),
            ("查询天气 now", "查询 询天 天气 now"),
            ("中", "中"),
            ("", ""),
        ] {
            assert_eq!(stemmed(&of_text(text)), wanted, "{text}");
        }
    }

    #[test]
    fn phrases_are_one_word() {
        let words = Words::new();
        let found = words.of_query("Turn off the lights", |phrase| phrase == "turn_off");
        assert_eq!(stems(found), "turn_off light");
    }

    #[test]
    fn empty_words_are_sorted() {
        assert!(EMPTY.is_sorted());
    }
}
