//! What is wrong with a condition, in words of the tool rather than of Cedar: found before Cedar is asked where Cedar would say
//! it worse or not at all, and translated from Cedar's answer otherwise.

use cedar_policy::ValidationError;
use cedar_policy::ffi::DetailedError;
use serde_json::Value;

use super::expression::{asked_for, bodies, every, operator, path, policy};
use super::shape::{Shape, access, after_has};

/// A fault, without its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// A word of the text that the fault is at.
    pub(super) word: Option<String>,
}

/// What an expression is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// `bank/send_money`
    pub(super) tool: &'a str,
    /// Everything under `context`.
    pub(super) context: &'a Shape,
    /// All label names.
    pub(super) labels: &'a [String],
    /// Whether the expression was written for this tool alone: then a `has` for what it has not is a slip.
    pub(super) strict: bool,
}

impl Reader<'_> {
    /// The first fault that is told here rather than by Cedar.
    pub(super) fn fault(&self, body: &Value) -> Option<Fault> {
        let asked: Vec<Vec<&str>> = every(body).filter_map(asked_for).collect();
        every(body).find_map(|expr| {
            let (op, inner) = operator(expr)?;
            match op {
                "." => self.access(&path(expr)?, &asked),
                "has" => self.has(&asked_for(expr)?),
                "<" | "<=" | ">" | ">=" | "==" | "!=" => {
                    let (left, right) = (inner.get("left")?, inner.get("right")?);
                    self.comparison(op, left, right)
                        .or_else(|| self.comparison(flipped(op), right, left))
                }
                "contains" | "containsAll" | "containsAny" => {
                    self.membership(inner.get("left")?, inner.get("right")?)
                }
                _ => None,
            }
        })
    }

    fn access(&self, names: &[&str], asked: &[Vec<&str>]) -> Option<Fault> {
        let (at, why) = self.resolve(names).err()?;
        let known = names.get(..=at)?;
        // What is asked for with `has` first is Cedar's to judge.
        let guarded = asked.iter().any(|asked| asked.starts_with(known));
        match why {
            Some(why) => Some(self.opaque(known, why)),
            None if guarded => None,
            None => Some(self.unknown(known)),
        }
    }

    fn has(&self, names: &[&str]) -> Option<Fault> {
        let (at, why) = self.resolve(names).err()?;
        let known = names.get(..=at)?;
        match why {
            Some(why) => Some(self.opaque(known, why)),
            None if self.strict => {
                let fault = self.unknown(known);
                let near = fault
                    .hint
                    .as_ref()
                    .is_some_and(|hint| hint.starts_with("did you"));
                near.then_some(fault)
            }
            None => None,
        }
    }

    /// What stands at a path: `None` where Cedar shall say why there can be nothing.
    ///
    /// # Errors
    /// The position of the name that is unknown, or that nothing can be said of for the reason.
    fn resolve(&self, names: &[&str]) -> Result<Option<&Shape>, (usize, Option<&'static str>)> {
        let mut shape = self.context;
        for (at, name) in names.iter().enumerate() {
            let Some(attributes) = shape.attributes() else {
                return Ok(None);
            };
            let found = attributes.iter().find(|(known, _)| known == name);
            shape = found.ok_or((at, None))?.1;
            if let Shape::Opaque(why) = shape {
                return Err((at, Some(why)));
            }
        }
        Ok(Some(shape))
    }

    fn shape_of(&self, expr: &Value) -> Option<(String, &Shape)> {
        let names = path(expr)?;
        Some((written(&names), self.resolve(&names).ok()??))
    }

    /// The last of the names is unknown.
    fn unknown(&self, names: &[&str]) -> Fault {
        let (name, parents) = names.split_last().unwrap_or((&"", &[]));
        let siblings: Vec<&str> = match self.resolve(parents) {
            Ok(Some(shape)) => shape
                .attributes()
                .unwrap_or_default()
                .into_iter()
                .map(|(n, _)| n)
                .collect(),
            _ => Vec::new(),
        };
        let (message, list) = match parents {
            [] => (
                format!("conditions know no `context{}`", access(name)),
                "under `context` are",
            ),
            ["args" | "stated"] => (
                format!("`{name}` is no argument of `{}`", self.tool),
                "its arguments are",
            ),
            ["sets"] => (format!("there is no set `{name}`"), "the sets are"),
            parents => (
                format!("`{}` has no field `{name}`", written(parents)),
                "its fields are",
            ),
        };
        let hint = match (nearest(name, siblings.iter().copied()), parents) {
            (Some(near), []) => format!("did you mean `context{}`?", access(near)),
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, ["sets"]) => {
                format!("write it into the grants file:\n[sets]\n{name} = [\"...\"]")
            }
            (None, _) if siblings.is_empty() => "it has none".to_owned(),
            (None, _) => format!("{list} {}", listed(&siblings)),
        };
        fault(message, Some(hint), Some(name))
    }

    /// Nothing can be said of the last of the names.
    fn opaque(&self, names: &[&str], why: &str) -> Fault {
        let tool = self.tool;
        match names {
            ["args", top, rest @ ..] => {
                let what = match rest {
                    [] => format!("`{top}` of `{tool}`"),
                    _ => format!("`{}` of `{tool}`", written(names)),
                };
                let hint = format!(
                    "what can be asked is whether the person named it: `context.stated{}`",
                    access(top)
                );
                let last = names.last().copied();
                fault(
                    format!("conditions cannot look into {what}, since {why}"),
                    Some(hint),
                    last,
                )
            }
            _ => {
                let message =
                    format!("conditions cannot look into what `{tool}` takes, since {why}");
                fault(message, None, Some("args"))
            }
        }
    }

    fn comparison(&self, op: &str, left: &Value, right: &Value) -> Option<Fault> {
        let (written, shape) = self.shape_of(left)?;
        let name = last(&path(left)?);
        match shape {
            Shape::Decimal => {
                let (given, decimal) = number(right)?;
                let function = match op {
                    "<" => "lessThan",
                    "<=" => "lessThanOrEqual",
                    ">" => "greaterThan",
                    ">=" => "greaterThanOrEqual",
                    _ if decimal => return None,
                    _ => {
                        let message = format!(
                            "`{name}` is a `decimal`, which is never equal to the integer `{given}`"
                        );
                        let hint = format!("write `{written} {op} decimal(\"{given}.0\")`");
                        return Some(fault(message, Some(hint), Some(&name)));
                    }
                };
                let message = format!("`{name}` is a `decimal`, which `{op}` does not compare");
                let fraction = if given.contains('.') { "" } else { ".0" };
                let hint = format!("write `{written}.{function}(decimal(\"{given}{fraction}\"))`");
                Some(fault(message, Some(hint), Some(&name)))
            }
            Shape::Enum(values) => not_among(values, right.get("Value")?, &name),
            _ => None,
        }
    }

    fn membership(&self, left: &Value, right: &Value) -> Option<Fault> {
        let literals = |expr: &'_ Value| -> Vec<Value> {
            let items = expr.get("Set").and_then(Value::as_array);
            let all = items.into_iter().flatten().chain([expr]);
            all.filter_map(|item| item.get("Value").cloned()).collect()
        };
        if path(left).is_some_and(|names| names == ["read"]) {
            return literals(right)
                .iter()
                .filter_map(Value::as_str)
                .find_map(|given| self.label(given));
        }
        let among = |of: &Value, given: &Value| {
            let (_, shape) = self.shape_of(of)?;
            let values = match shape {
                Shape::Enum(values) => values,
                Shape::Set(inner) => match &**inner {
                    Shape::Enum(values) => values,
                    _ => return None,
                },
                _ => return None,
            };
            let name = last(&path(of)?);
            literals(given)
                .iter()
                .find_map(|given| not_among(values, given, &name))
        };
        among(left, right).or_else(|| among(right, left))
    }

    /// The fault where no label has this name.
    pub(super) fn label(&self, given: &str) -> Option<Fault> {
        if self.labels.iter().any(|label| label == given) {
            return None;
        }
        let hint = match nearest(given, self.labels.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.labels.is_empty() => {
                "labels are given to tools with `[[label]]` in the grants file".to_owned()
            }
            None => {
                let labels: Vec<&str> = self.labels.iter().map(String::as_str).collect();
                format!("the labels are {}", listed(&labels))
            }
        };
        Some(fault(
            format!("there is no label `{given}`"),
            Some(hint),
            Some(given),
        ))
    }

    /// What Cedar's validator found, at `snippet` of the text; `whole` where that is all of a condition.
    pub(super) fn validation(&self, error: &ValidationError, snippet: &str, whole: bool) -> Fault {
        let est = policy(snippet)
            .ok()
            .and_then(|policy| policy.to_json().ok());
        let found = est.as_ref().and_then(|est| {
            let body = bodies(est).next()?;
            let mut paths = every(body).filter_map(path);
            match error {
                ValidationError::UnsafeOptionalAttributeAccess(_) => {
                    paths.find_map(|names| self.absent(&names))
                }
                ValidationError::UnsafeAttributeAccess(_) => {
                    paths.find_map(|names| self.missing(&names))
                }
                ValidationError::UnexpectedType(e)
                    if whole && e.to_string().contains("expected Bool") =>
                {
                    Some(self.not_a_bool(body))
                }
                _ => None,
            }
        });
        found.unwrap_or_else(|| other(&DetailedError::from(error)))
    }

    fn missing(&self, names: &[&str]) -> Option<Fault> {
        match self.resolve(names) {
            Err((at, None)) => Some(self.unknown(names.get(..=at)?)),
            _ => None,
        }
    }

    /// No call can make it true.
    pub(super) fn impossible(&self, body: &Value) -> Fault {
        let mut asked = every(body).filter_map(asked_for);
        let hint = asked.find_map(|names| self.missing(&names));
        let hint = hint.map(|fault| fault.message);
        fault("the condition can never hold".to_owned(), hint, None)
    }

    /// The fault of using what may be absent.
    fn absent(&self, names: &[&str]) -> Option<Fault> {
        let (name, parents) = names.split_last()?;
        let optional = match self.resolve(parents).ok()?? {
            Shape::Record(slots) => slots
                .iter()
                .any(|slot| slot.name == *name && !slot.required),
            Shape::Union(_) => true,
            _ => false,
        };
        if !optional {
            return None;
        }
        let parent = written(parents);
        let message = match parents {
            ["args"] => format!("`{name}` of `{}` may be absent", self.tool),
            _ => format!("`{name}` of `{parent}` may be absent"),
        };
        let has = format!("{parent} has {}", after_has(name));
        let hint = format!("write `{has} && ...`, or `if {has} then ... else true`");
        Some(fault(message, Some(hint), Some(name)))
    }

    fn not_a_bool(&self, body: &Value) -> Fault {
        let Some((written, shape)) = self.shape_of(body) else {
            let message = "the condition is neither true nor false".to_owned();
            return fault(message, Some("compare it with something".to_owned()), None);
        };
        let example = match shape {
            Shape::Long => format!("{written} <= 100"),
            Shape::Decimal => format!("{written}.lessThanOrEqual(decimal(\"100.0\"))"),
            Shape::Enum(values) => {
                format!("{written} == {}", values.first().unwrap_or(&Value::Null))
            }
            Shape::Set(_) => format!("{written}.contains(...)"),
            Shape::Record(_) | Shape::Union(_) => format!("{written} has ..."),
            _ => format!("{written} == ..."),
        };
        let kind = shape.name();
        let kind = kind
            .split([',', '{'])
            .next()
            .filter(|k| !k.is_empty())
            .unwrap_or("Record");
        let message = format!("the condition is a `{kind}`, which is neither true nor false");
        fault(
            message,
            Some(format!("compare it with something: `{example}`")),
            None,
        )
    }
}

/// The text is no Cedar.
pub(super) fn syntax(what: &str, error: &DetailedError, text: &str) -> Fault {
    let hint = if error.message.contains("'='") {
        Some("`==` compares".to_owned())
    } else if let Some(number) = fraction(text) {
        Some(format!(
            "a number with a fraction is written `decimal(\"{number}\")`"
        ))
    } else if ["`and`", "`or`", "`not`"]
        .iter()
        .any(|word| error.message.contains(word))
    {
        Some("`&&` is and, `||` is or, `!` is not".to_owned())
    } else {
        other(error).hint
    };
    fault(
        format!("{what}: {}", first_line(&error.message)),
        hint,
        None,
    )
}

/// Cedar's own words, without the name of a policy that nobody wrote.
pub(super) fn other(error: &DetailedError) -> Fault {
    let hint = error
        .help
        .as_deref()
        .map(|help| anonymous(first_line(help)));
    // Guesses among Cedar's own names are no help.
    let hint = hint.filter(|hint| !hint.starts_with("did you mean"));
    let message = anonymous(first_line(&error.message));
    // Names of types that only Cedar has.
    let message = message
        .replace("Set<__cedar::internal::Any>", "Set")
        .replace(
            "__cedar::internal::AnyEntity, or __cedar::internal::OpenRecord{}",
            "a record",
        );
    fault(message, hint.map(str::to_owned), None)
}

fn anonymous(message: &str) -> &str {
    match message
        .strip_prefix("for policy `")
        .and_then(|m| m.split_once("`, "))
    {
        Some((_, message)) => message,
        None => message,
    }
}

fn fault(message: String, hint: Option<String>, word: Option<&str>) -> Fault {
    Fault {
        message,
        hint,
        word: word.map(str::to_owned),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

fn not_among(values: &[Value], given: &Value, name: &str) -> Option<Fault> {
    let first = values.first()?;
    // A literal of another type is Cedar's to judge.
    if values.contains(given)
        || first.is_string() != given.is_string()
        || !(given.is_string() || given.is_i64())
    {
        return None;
    }
    let near = given
        .as_str()
        .and_then(|given| nearest(given, values.iter().filter_map(Value::as_str)));
    let hint = match near {
        Some(near) => format!("did you mean {}?", Value::from(near)),
        None => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            format!("its values are {}", values.join(", "))
        }
    };
    Some(fault(
        format!("{given} is no value of `{name}`"),
        Some(hint),
        given.as_str(),
    ))
}

/// A literal number's text, and whether it is written as a decimal.
fn number(expr: &Value) -> Option<(String, bool)> {
    if let Some(inner) = expr.get("neg") {
        return Some((format!("-{}", number(inner.get("arg")?)?.0), false));
    }
    if let Some(value) = expr.get("Value") {
        return Some((value.as_i64()?.to_string(), false));
    }
    let given = expr.get("decimal")?.as_array()?.first()?.get("Value")?;
    Some((given.as_str()?.to_owned(), true))
}

fn flipped(op: &str) -> &str {
    match op {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

/// `12.5` where it stands in the text, outside strings.
fn fraction(text: &str) -> Option<String> {
    let outside: String = text.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let mut tokens = outside.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '_'));
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    tokens
        .find(|t| {
            t.split_once('.')
                .is_some_and(|(whole, rest)| digits(whole) && digits(rest))
        })
        .map(str::to_owned)
}

fn last(names: &[&str]) -> String {
    names.last().copied().unwrap_or("context").to_owned()
}

fn written(names: &[&str]) -> String {
    let names: String = names.iter().map(|name| access(name)).collect();
    format!("context{names}")
}

fn listed(names: &[&str]) -> String {
    const MOST: usize = 12;
    let shown: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = if names.len() > MOST { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// The name that was most likely meant.
fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (given.chars().count() / 3).max(1);
    let lower = given.to_lowercase();
    names
        .map(|name| {
            (
                strsim::damerau_levenshtein(&lower, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
