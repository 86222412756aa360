//! The texts that were sealed so far, and where they stand in other texts. Linear in the text whatever was sealed: one step of
//! an automaton for each byte.

use std::collections::HashMap;
use std::sync::Arc;

use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;

use super::Class;

/// Shorter ones would be found in nearly every text; they count only where they are the whole text. In bytes.
pub(super) const SHORTEST: usize = 4;

/// Of a longer text only the beginning is in the automaton; from there it is compared. In bytes.
const PROBE: usize = 256;

/// Texts with the same beginning that are compared.
const COMPARED: usize = 16;

/// A part of a text that is to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The token's.
    pub(super) class: Class,
    /// Those of others that reach into it: who gets it in clear gets a part of them.
    pub(super) also: Vec<Class>,
}

impl Span {
    /// Takes in a span that begins within this one.
    pub(super) fn join(&mut self, other: Span) {
        if other.end > self.end {
            self.end = other.end;
            self.also.push(other.class);
            self.also.extend(other.also);
        }
    }
}

/// Every sealed text.
#[derive(Default)]
pub(super) struct Known {
    classes: HashMap<String, Class>,
    /// Not in a scanner yet: those whose case matters, those whose case does not.
    new: [Vec<Text>; 2],
    scanners: Scanners,
}

/// Scanners of growing size, so that a text is taken into a new one only a few times.
#[derive(Default, Clone)]
pub(super) struct Scanners([Vec<Arc<Scanner>>; 2]);

type Text = (Arc<str>, Class);

struct Scanner {
    automaton: Option<NFA>,
    /// The texts that begin with a pattern, by pattern.
    texts: Vec<Vec<Text>>,
    count: usize,
    is_folded: bool,
}

/// Whether the case of a text is no part of what it says: mail is delivered either way.
pub(super) fn is_folded(class: &Class, text: &str) -> bool {
    class.name() == "email" || text.contains('@')
}

impl Known {
    /// Takes a text in.
    pub(super) fn add(&mut self, text: &str, class: &Class) {
        let folded = is_folded(class, text);
        let key = match folded {
            true => text.to_ascii_lowercase(),
            false => text.to_owned(),
        };
        if self.classes.contains_key(&key) {
            return;
        }
        if key.len() >= SHORTEST {
            self.new[usize::from(folded)].push((Arc::from(key.as_str()), class.clone()));
        }
        self.classes.insert(key, class.clone());
    }

    /// The class of a text that was sealed as it is.
    pub(super) fn class(&self, text: &str) -> Option<&Class> {
        let exact = self.classes.get(text);
        exact.or_else(|| {
            let class = self.classes.get(&text.to_ascii_lowercase())?;
            is_folded(class, text).then_some(class)
        })
    }

    /// What finds every text taken in so far.
    pub(super) fn scanners(&mut self) -> Scanners {
        for (folded, new) in self.new.iter_mut().enumerate() {
            if new.is_empty() {
                continue;
            }
            let mut texts = std::mem::take(new);
            let scanners = &mut self.scanners.0[folded];
            while let Some(last) = scanners.pop_if(|last| last.count <= 2 * texts.len()) {
                texts.extend(last.texts.iter().flatten().cloned());
            }
            scanners.push(Arc::new(Scanner::new(texts, folded == 1)));
        }
        self.scanners.clone()
    }
}

impl Scanners {
    /// Where sealed texts stand in a text, in order and apart: those that overlap are one, so that no part of any is left.
    pub(super) fn find(&self, text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        for scanner in self.0.iter().flatten() {
            scanner.find(text, &mut spans);
        }
        spans.sort_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
        let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match apart.last_mut() {
                Some(last) if span.start < last.end => last.join(span),
                _ => apart.push(span),
            }
        }
        apart
    }
}

impl Scanner {
    fn new(texts: Vec<Text>, is_folded: bool) -> Scanner {
        let count = texts.len();
        let mut patterns: HashMap<String, usize> = HashMap::new();
        let mut by_pattern: Vec<Vec<Text>> = Vec::new();
        let mut order = Vec::new();
        for (text, class) in texts {
            let probe = &text[..text.floor_char_boundary(PROBE)];
            let index = *patterns.entry(probe.to_owned()).or_insert_with(|| {
                order.push(probe.to_owned());
                by_pattern.push(Vec::new());
                by_pattern.len() - 1
            });
            by_pattern[index].push((text, class));
        }
        let automaton = NFA::builder()
            .ascii_case_insensitive(is_folded)
            .build(&order);
        Scanner {
            automaton: automaton.ok(),
            texts: by_pattern,
            count,
            is_folded,
        }
    }

    fn find(&self, text: &str, spans: &mut Vec<Span>) {
        // It fails only beyond two thousand million states, which no memory holds.
        let start = self.automaton.as_ref();
        let Some((automaton, mut state)) =
            start.and_then(|a| Some((a, a.start_state(Anchored::No).ok()?)))
        else {
            return;
        };
        let first = spans.len();
        for (at, byte) in text.bytes().enumerate() {
            state = automaton.next_state(Anchored::No, state, byte);
            if !automaton.is_match(state) {
                continue;
            }
            // The first pattern of a state is its longest; what else ends here is within it.
            let pattern = automaton.match_pattern(state, 0);
            let start = at + 1 - automaton.pattern_len(pattern);
            let texts = &self.texts[pattern.as_usize()];
            let mut span = Span {
                start,
                end: at + 1,
                class: texts[0].1.clone(),
                also: Vec::new(),
            };
            while spans[first..]
                .last()
                .is_some_and(|last| last.start >= start)
            {
                // It may have been compared beyond what ends here.
                span.end = spans.pop().map_or(span.end, |last| last.end.max(span.end));
            }
            match spans[first..].last_mut() {
                Some(last) if last.end > start => last.join(span),
                // Bytes are compared for one span only: what begins within a span is joined to it.
                _ => {
                    span.end = self.end(text, start, span.end, texts);
                    spans.push(span);
                }
            }
        }
    }

    /// How far the text agrees with one of those that begin like it.
    fn end(&self, text: &str, start: usize, end: usize, texts: &[Text]) -> usize {
        let longer = texts.iter().filter(|(text, _)| text.len() > end - start);
        let ends = longer.take(COMPARED).map(|(known, _)| {
            let here = text.as_bytes()[start..].iter();
            let agree = here
                .zip(known.bytes())
                .take_while(|(a, b)| match self.is_folded {
                    true => a.eq_ignore_ascii_case(b),
                    false => **a == *b,
                });
            text.floor_char_boundary(start + agree.count())
        });
        ends.max().unwrap_or(end).max(end)
    }
}
