//! Unions of types: variants whose cases are told apart by a constant key, by the JSON type, or by trying; and what is
//! simpler where a union says no more than that (`null` or one type, a list of constants).

use std::collections::HashMap;

use serde_json::Value;

use super::facts::{Facts, Union};
use super::source::Source;
use super::types::Types;
use super::{DEPTH, MEMBERS, Walk, wrap_null};
use crate::model::{Case, CaseTest, JsonType, Type, TypeKind};
use crate::names::{Names, kebab};
use crate::references::name_of;

/// What follows where no type is narrower than all.
const ANY_MEMBER: &str = "one member fits anything; given as JSON";

/// One member of a union that is an array or an object.
struct Member<'a> {
    sources: Vec<Source<'a>>,
    facts: Facts<'a>,
    kind: Types,
    /// Whether the member by itself fits this kind only, so that it can be typed as it stands.
    whole: bool,
}

impl<'a> Walk<'a> {
    /// Takes the union that shapes this place out of the facts. Unions that only say which keys go together, and all
    /// but one of several, become losses.
    pub(super) fn pick_union(&mut self, facts: &mut Facts<'a>) -> Option<Union<'a>> {
        let mut picked: Option<Union<'a>> = None;
        for union in std::mem::take(&mut facts.unions) {
            let conditions = facts.has_type_beside_unions()
                && union
                    .members
                    .iter()
                    .all(|member| self.collect(std::slice::from_ref(member)).is_condition());
            if conditions || facts.choices.is_some() {
                self.lose(
                    &union.at,
                    union.keyword,
                    "which values go together is checked at run time",
                );
            } else if picked.is_some() {
                self.lose(
                    &union.at,
                    union.keyword,
                    "beside another union; checked at run time",
                );
            } else {
                picked = Some(union);
            }
        }
        picked
    }

    /// The type of a place with a union; `base` is what holds for every member.
    pub(super) fn union(
        &mut self,
        mut base: Facts<'a>,
        union: Union<'a>,
        sources: &[Source<'a>],
        hint: &str,
        depth: usize,
    ) -> Type {
        let kinds = base.kinds();
        let shared: Vec<Source<'a>> = sources
            .iter()
            .map(|source| Source {
                bare: true,
                ..source.clone()
            })
            .collect();
        let mut nullable = base.nullable;
        let mut flat: Vec<Source<'a>> = Vec::new();
        self.flatten(&union.members, &mut flat, &mut Vec::new(), 0);

        let mut members: Vec<(Source<'a>, Facts<'a>)> = Vec::new();
        let mut narrowed = false;
        base.alternatives = flat.clone();
        for member in flat {
            let mut facts = self.collect(std::slice::from_ref(&member));
            if facts.unread {
                self.lose(&member.at, union.keyword, ANY_MEMBER);
                return Type::Json;
            }
            if facts.never {
                continue;
            }
            nullable |= base.stated && kinds.has(Types::NULL) && facts.allows_null();
            let kinds = self.allowed_beside(&base, &mut facts);
            narrowed |= !kinds.has(facts.kinds());
            facts.narrow(kinds);
            let own = facts.kinds();
            nullable |=
                facts.nullable || (facts.stated && own.has(Types::NULL) && facts.choices.is_none());
            if let Some(choices) = &mut facts.choices {
                let before = choices.len();
                choices.retain(|value| !value.is_null());
                nullable |= choices.len() < before;
                if choices.is_empty() {
                    continue;
                }
            }
            if own.without(Types::NULL).is_empty() {
                if !own.has(Types::NULL) {
                    self.lose(
                        &member.at,
                        union.keyword,
                        "fits nothing together with the rest; left out",
                    );
                }
                continue;
            }
            members.push((member, facts));
        }
        let ty = match members.as_slice() {
            [] => {
                self.lose(&union.at, union.keyword, "only `null` fits; given as JSON");
                Type::Json
            }
            [(member, facts)] => {
                // As it stands, it is one type with the same schema elsewhere.
                let more = [Types::OBJECT, Types::ARRAY]
                    .into_iter()
                    .any(|kind| facts.kinds().has(kind) && base.says_more_of(kind));
                let mut sources = if narrowed || more { shared } else { Vec::new() };
                sources.push(member.clone());
                self.convert(&sources, hint, depth + 1)
            }
            _ => self.variant_of(&base, members, &shared, &union, hint, depth),
        };
        wrap_null(ty, nullable)
    }

    /// The members, with members that are nothing but a union, here or where they refer to, replaced by theirs. `trail` are
    /// the references on the way.
    fn flatten(
        &mut self,
        members: &[Source<'a>],
        out: &mut Vec<Source<'a>>,
        trail: &mut Vec<String>,
        level: usize,
    ) {
        for member in members {
            if level >= DEPTH || !self.spend() {
                out.push(member.clone());
                continue;
            }
            if let Some(inner) = member.only_union() {
                self.lose_annotations(member);
                self.flatten(&inner, out, trail, level + 1);
                continue;
            }
            let target = member
                .pure_reference()
                .and_then(|reference| self.resolve(reference));
            match target {
                // What is being typed refers to itself, which `convert` tells.
                Some((place, schema))
                    if self.refs.get(&place) != Some(&None) && !trail.contains(&place) =>
                {
                    let target = Source::new(schema, format!("{}{place}", self.base));
                    let Some(inner) = target.only_union() else {
                        out.push(member.clone());
                        continue;
                    };
                    self.lose_annotations(member);
                    self.lose_annotations(&target);
                    trail.push(place);
                    self.flatten(&inner, out, trail, level + 1);
                    trail.pop();
                }
                _ => out.push(member.clone()),
            }
        }
    }

    fn variant_of(
        &mut self,
        base: &Facts<'a>,
        members: Vec<(Source<'a>, Facts<'a>)>,
        shared: &[Source<'a>],
        union: &Union<'a>,
        hint: &str,
        depth: usize,
    ) -> Type {
        // A list of constants, however it is written, is an enum.
        let values: Option<Vec<&Value>> = members
            .iter()
            .map(|(_, facts)| facts.choices.clone())
            .collect::<Option<Vec<_>>>()
            .map(|lists| lists.concat());
        if let Some(values) = values {
            return self.choice(&values, base, hint);
        }
        let scalar_mask = Types::BOOLEAN.or(Types::NUMBER).or(Types::STRING);
        let mut scalars = Types::NONE;
        let mut strings: Option<Vec<&Value>> = Some(Vec::new());
        let mut compound: Vec<Member<'a>> = Vec::new();
        for (source, facts) in members {
            let own = facts.kinds().without(Types::NULL);
            if own == Types::ALL.without(Types::NULL) {
                self.lose(&source.at, union.keyword, ANY_MEMBER);
                return Type::Json;
            }
            scalars = scalars.or(own.and(scalar_mask));
            if own.has(Types::STRING) {
                match (&mut strings, &facts.choices) {
                    (Some(all), Some(values)) => {
                        all.extend(values.iter().filter(|value| value.is_string()))
                    }
                    _ => strings = None,
                }
            }
            if facts.choices.is_some() && own.intersects(scalar_mask.without(Types::STRING)) {
                self.lose(
                    &source.at,
                    "enum",
                    "the listed values are checked at run time",
                );
            }
            for kind in [Types::ARRAY, Types::OBJECT] {
                if own.has(kind) {
                    let mut sources = Vec::new();
                    if base.says_more_of(kind) {
                        sources.extend_from_slice(shared);
                    }
                    sources.push(source.clone());
                    let whole = own == kind && (sources.len() > 1 || !facts.overruled);
                    let facts = match sources.len() {
                        1 => facts.clone(),
                        _ => self.collect(&sources),
                    };
                    compound.push(Member {
                        sources,
                        facts,
                        kind,
                        whole,
                    });
                }
            }
        }
        if compound.len() > MEMBERS {
            self.lose(
                &union.at,
                union.keyword,
                "too many cases for a variant; given as JSON",
            );
            return Type::Json;
        }
        let mut cases: Vec<Case> = Vec::new();
        self.scalar_cases(scalars, strings, base, union, hint, &mut cases);
        self.compound_cases(compound, base, union, hint, depth, &mut cases);
        self.finish(cases, base, hint)
    }

    fn scalar_cases(
        &mut self,
        scalars: Types,
        strings: Option<Vec<&'a Value>>,
        base: &Facts<'a>,
        union: &Union<'a>,
        hint: &str,
        cases: &mut Vec<Case>,
    ) {
        if scalars.has(Types::BOOLEAN) {
            cases.push(by_type("boolean", Type::Bool, JsonType::Boolean));
        }
        // Eight is the bit of numbers that are no integers.
        if scalars.intersects(Types::NUMBER.without(Types::INTEGER)) {
            let ty = self.number(Type::Number, base);
            cases.push(by_type("number", ty, JsonType::Number));
        } else if scalars.has(Types::INTEGER) {
            let ty = self.number(Type::Integer, base);
            cases.push(by_type("integer", ty, JsonType::Integer));
        }
        if scalars.has(Types::STRING) {
            let ty = match strings {
                Some(values) => self.choice(&values, base, &format!("{hint}-string")),
                None => {
                    self.lose_suggestions(union);
                    Type::String
                }
            };
            cases.push(by_type("string", ty, JsonType::String));
        }
    }

    /// Listed strings beside a plain string, and several formats of one string, are one string.
    fn lose_suggestions(&mut self, union: &Union<'a>) {
        let strings = |member: &&Source<'a>| {
            member.schema.get("type").and_then(Value::as_str) == Some("string")
        };
        if union.members.iter().filter(strings).count() > 1 {
            self.lose(
                &union.at,
                union.keyword,
                "several kinds of strings are one string",
            );
        }
    }

    fn compound_cases(
        &mut self,
        members: Vec<Member<'a>>,
        base: &Facts<'a>,
        union: &Union<'a>,
        hint: &str,
        depth: usize,
        cases: &mut Vec<Case>,
    ) {
        let tag = self.common_tag(&members, base);
        let count = |kind: Types| members.iter().filter(|member| member.kind == kind).count();
        let (arrays, objects) = (count(Types::ARRAY), count(Types::OBJECT));
        let mut last: Vec<Case> = Vec::new();
        let mut tags = tag.iter().flat_map(|(_, values)| values.iter());
        let mut uses: HashMap<&'a str, usize> = HashMap::new();
        for key in members
            .iter()
            .flat_map(|member| member.facts.properties.keys())
        {
            *uses.entry(key).or_default() += 1;
        }
        let own_keys: Vec<Option<&'a str>> =
            members.iter().map(|member| member.own_key(&uses)).collect();
        for (member, own_key) in members.into_iter().zip(own_keys) {
            let object = member.kind == Types::OBJECT;
            let value = if object { tags.next() } else { None };
            let alone = if object { objects == 1 } else { arrays == 1 };
            let fallback = if object { "object" } else { "array" };
            let name = match value {
                Some(Value::String(text)) => kebab(text, "case"),
                Some(value) => kebab(&value.to_string(), "case"),
                None if alone => fallback.to_string(),
                None => kebab(
                    member.name().as_deref().or(own_key).unwrap_or(fallback),
                    fallback,
                ),
            };
            let case_hint = format!("{hint}-{name}");
            let pointer = member
                .sources
                .last()
                .map_or(String::new(), |own| own.at.clone());
            let ty = if member.whole {
                self.convert(&member.sources, &case_hint, depth + 1)
            } else {
                self.of_kind(member.kind, member.facts.clone(), &case_hint, depth + 1)
            };
            let test = match (value, &tag) {
                (Some(value), Some((wire, _))) => CaseTest::Tag {
                    wire: wire.clone(),
                    value: (*value).clone(),
                },
                _ if alone && object => CaseTest::Json(JsonType::Object),
                _ if alone => CaseTest::Json(JsonType::Array),
                _ => CaseTest::Try {
                    pointer: pointer.clone(),
                },
            };
            let tried = |test: &CaseTest| matches!(test, CaseTest::Try { .. });
            if tried(&test) {
                self.lose(
                    &union.at,
                    union.keyword,
                    "no key tells the cases apart: the first whose schema fits is taken",
                );
            }
            // `json` takes anything, so it is tried when all else has failed; equal types are one case.
            let free = ty == Type::Json && tried(&test);
            let known = cases
                .iter()
                .chain(&last)
                .any(|case| case.ty == ty && tried(&case.test));
            if !(known && tried(&test)) {
                let case = Case {
                    wit: name,
                    ty,
                    test,
                };
                if free {
                    last.push(case)
                } else {
                    cases.push(case)
                }
            }
        }
        cases.append(&mut last);
    }

    /// The key that holds another constant in each object, and its values in the order of the members.
    fn common_tag(
        &mut self,
        members: &[Member<'a>],
        base: &Facts<'a>,
    ) -> Option<(String, Vec<&'a Value>)> {
        let objects: Vec<Facts<'a>> = members
            .iter()
            .filter(|member| member.kind == Types::OBJECT)
            .map(|member| self.collect(&member.sources))
            .collect();
        let (first, _) = objects
            .split_first()
            .filter(|(_, others)| !others.is_empty())?;
        let mut names: Vec<&'a str> = first.properties.keys().copied().collect();
        if let Some(stated) = base.discriminator {
            names.sort_by_key(|name| *name != stated);
        }
        names.into_iter().find_map(|name| {
            let mut values: Vec<&'a Value> = Vec::new();
            for object in &objects {
                let sources = object.properties.get(name)?;
                let required = object.required.contains(name);
                // What the schema calls the tag is one, required or not.
                let value = self.constant(sources, required || base.discriminator == Some(name))?;
                if !required {
                    self.lose(
                        &object.at,
                        "discriminator",
                        "the tag is always sent, also where it could be left out",
                    );
                }
                if values.contains(&value)
                    || !(value.is_string() || value.is_i64() || value.is_boolean())
                {
                    return None;
                }
                values.push(value);
            }
            Some((name.to_string(), values))
        })
    }

    /// A variant for a schema that allows several JSON types without `anyOf`.
    pub(super) fn kinds_variant(
        &mut self,
        kinds: Types,
        facts: Facts<'a>,
        hint: &str,
        depth: usize,
    ) -> Type {
        let mut cases: Vec<Case> = Vec::new();
        let union = Union {
            keyword: "type",
            at: facts.at.clone(),
            members: Vec::new(),
        };
        self.scalar_cases(
            kinds.without(Types::ARRAY).without(Types::OBJECT),
            None,
            &facts,
            &union,
            hint,
            &mut cases,
        );
        for (kind, name, json) in [
            (Types::ARRAY, "array", JsonType::Array),
            (Types::OBJECT, "object", JsonType::Object),
        ] {
            if kinds.has(kind) {
                let ty = self.of_kind(kind, facts.clone(), &format!("{hint}-{name}"), depth + 1);
                cases.push(by_type(name, ty, json));
            }
        }
        self.finish(cases, &facts, hint)
    }

    fn finish(&mut self, mut cases: Vec<Case>, facts: &Facts<'a>, hint: &str) -> Type {
        if cases.len() > MEMBERS {
            self.lose(
                &facts.at,
                "oneOf",
                "too many cases for a variant; given as JSON",
            );
            return Type::Json;
        }
        if cases.len() == 1 {
            return cases.remove(0).ty;
        }
        if cases.is_empty() {
            return Type::Json;
        }
        let wishes: Vec<String> = cases.iter().map(|case| case.wit.clone()).collect();
        for (case, name) in cases.iter_mut().zip(Names::default().claim_all(&wishes)) {
            case.wit = name;
        }
        self.define(hint, facts, TypeKind::Variant(cases))
    }
}

impl<'a> Member<'a> {
    /// The first required key that no other member has: what an unnamed object is about.
    fn own_key(&self, uses: &HashMap<&'a str, usize>) -> Option<&'a str> {
        let mut keys = self.facts.properties.keys().copied();
        keys.find(|key| self.facts.required.contains(key) && uses.get(key) == Some(&1))
    }

    /// What the schema's author calls it.
    fn name(&self) -> Option<String> {
        let source = self.sources.last()?;
        match source.pure_reference() {
            Some(reference) => name_of(reference),
            None => self.facts.title.map(str::to_string),
        }
    }
}

fn by_type(wit: &str, ty: Type, json: JsonType) -> Case {
    Case {
        wit: wit.to_string(),
        ty,
        test: CaseTest::Json(json),
    }
}
