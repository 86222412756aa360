//! A text that a simple pattern matches: literals, classes, groups, alternatives, counts. What it does not know (looking
//! ahead, references back, properties of characters) has no text here.

/// Longest pattern that is read, in bytes.
const PATTERN: usize = 1_000;
/// Longest text, in characters.
const TEXT: usize = 10_000;
/// Repetitions beyond the fewest that are tried one by one.
const MORE: usize = 40;
/// Deepest nesting of groups.
const DEPTH: usize = 16;

/// The shortest text within the lengths that can be made easily.
pub(super) fn text(pattern: &str, number: u64, shortest: usize, longest: u64) -> Option<String> {
    if pattern.len() > PATTERN {
        return None;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let starts = pattern.first() == Some(&'^');
    let ends = pattern.last() == Some(&'$') && pattern.len() > 1;
    for more in (0..=shortest.min(MORE)).chain([shortest]) {
        let mut reader = Reader {
            pattern: &pattern,
            at: 0,
            number,
            more,
            depth: 0,
            made: 0,
        };
        let mut text = reader.alternatives()?;
        if reader.at < pattern.len() {
            return None;
        }
        let length = text.chars().count();
        if length < shortest && !(starts && ends) {
            // The pattern leaves one side open.
            let padding: String = std::iter::repeat_n('x', shortest - length).collect();
            match ends {
                true => text.insert_str(0, &padding),
                false => text.push_str(&padding),
            }
        }
        let length = text.chars().count();
        if length >= shortest && length as u64 <= longest {
            return Some(text);
        }
    }
    None
}

struct Reader<'a> {
    pattern: &'a [char],
    at: usize,
    /// Its digits choose the characters of classes, so that other numbers make other texts.
    number: u64,
    /// Repetitions beyond the fewest, where there may be more.
    more: usize,
    depth: usize,
    made: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.pattern.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = wanted
            .chars()
            .enumerate()
            .all(|(at, c)| self.pattern.get(self.at + at) == Some(&c));
        if found {
            self.at += wanted.chars().count();
        }
        found
    }

    /// The first alternative; the others are read past.
    fn alternatives(&mut self) -> Option<String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let first = self.sequence()?;
        while self.eat("|") {
            self.sequence()?;
        }
        self.depth -= 1;
        Some(first)
    }

    fn sequence(&mut self) -> Option<String> {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let start = self.at;
            let one = self.atom()?;
            let end = self.at;
            let count = self.count()?;
            let after = self.at;
            for time in 0..count {
                let text = if time == 0 {
                    one.clone()
                } else {
                    // Once more, so that classes take the next digit.
                    self.at = start;
                    let again = self.atom()?;
                    debug_assert_eq!(self.at, end);
                    again
                };
                self.made += text.len() + 1;
                if self.made > TEXT {
                    return None;
                }
                out.push_str(&text);
            }
            self.at = after;
        }
        Some(out)
    }

    /// How often the atom before is repeated.
    fn count(&mut self) -> Option<usize> {
        let (fewest, most): (usize, Option<usize>) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                let length = self.pattern[self.at..].iter().position(|c| *c == '}')?;
                let inside: String = self.pattern[self.at + 1..self.at + length].iter().collect();
                self.at += length;
                match inside.split_once(',') {
                    None => {
                        let count = inside.parse().ok()?;
                        (count, Some(count))
                    }
                    Some((fewest, "")) => (fewest.parse().ok()?, None),
                    Some((fewest, most)) => (fewest.parse().ok()?, Some(most.parse().ok()?)),
                }
            }
            _ => return Some(1),
        };
        self.at += 1;
        if !self.eat("?") && self.eat("+") {
            return None;
        }
        // One of what may be absent tells more than nothing.
        let usual = if most == Some(1) { 0 } else { 1 };
        let count = fewest.max(usual).max(fewest.saturating_add(self.more));
        Some(count.min(most.unwrap_or(usize::MAX)).min(TEXT))
    }

    fn atom(&mut self) -> Option<String> {
        let text = match self.next()? {
            '^' | '$' => String::new(),
            '.' => 'x'.to_string(),
            '(' => {
                if self.peek() == Some('?') {
                    let named = self.eat("?<") || self.eat("?P<");
                    if named {
                        if matches!(self.peek(), Some('=' | '!')) {
                            return None;
                        }
                        while self.next()? != '>' {}
                    } else if !self.eat("?:") {
                        return None;
                    }
                }
                let inside = self.alternatives()?;
                if !self.eat(")") {
                    return None;
                }
                inside
            }
            '[' => self.class()?.to_string(),
            '\\' => match self.next()? {
                'b' | 'A' | 'z' | 'Z' => String::new(),
                c => self.choose(&escaped(c)?).to_string(),
            },
            '*' | '+' | '?' | '{' => return None,
            c => c.to_string(),
        };
        Some(text)
    }

    fn class(&mut self) -> Option<char> {
        let negated = self.eat("^");
        let mut members: Vec<char> = Vec::new();
        let mut first = true;
        loop {
            let c = self.next()?;
            let one = match c {
                ']' if !first => break,
                '[' if self.peek() == Some(':') => return None,
                '\\' => escaped(self.next()?)?,
                c => vec![c],
            };
            first = false;
            let is_range = one.len() == 1
                && self.peek() == Some('-')
                && self.pattern.get(self.at + 1).is_some_and(|c| *c != ']');
            if is_range {
                self.at += 1;
                let last = match self.next()? {
                    '\\' => *escaped(self.next()?)?.first()?,
                    c => c,
                };
                members.extend((one[0]..=last).take(200));
            } else {
                members.extend(one);
            }
            if members.len() > 5_000 {
                return None;
            }
        }
        if negated {
            let printable = ('a'..='z').chain('0'..='9').chain('!'..='~');
            members = printable.filter(|c| !members.contains(c)).collect();
        }
        // Punctuation only where there is nothing else.
        let plain: Vec<char> = members
            .iter()
            .copied()
            .filter(|c| c.is_alphanumeric())
            .collect();
        let members = if plain.is_empty() { members } else { plain };
        (!members.is_empty()).then(|| self.choose(&members))
    }

    fn choose(&mut self, members: &[char]) -> char {
        let count = members.len().max(1) as u64;
        let chosen = members.get((self.number % count) as usize).copied();
        self.number /= count;
        chosen.unwrap_or('x')
    }
}

/// The characters that an escape stands for, some of them.
fn escaped(c: char) -> Option<Vec<char>> {
    Some(match c {
        'd' => ('0'..='9').collect(),
        'w' => ('a'..='z').chain('0'..='9').collect(),
        's' => vec![' '],
        'W' => vec!['-'],
        'S' | 'D' => ('a'..='z').collect(),
        'n' => vec!['\n'],
        'r' => vec!['\r'],
        't' => vec!['\t'],
        c if c.is_alphanumeric() => return None,
        c => vec![c],
    })
}
