//! Sealed values: texts that a person wants kept from programs and models. A rule says which: places in the results of some
//! tools, or shapes anywhere in them. The vault of a run puts opaque tokens in their place and, for a tool whose grant
//! reveals them, the values back. Who may reveal what is the gate's matter.

mod detect;
mod known;
mod national;
mod phone;
mod places;
mod secrets;
mod tokens;
mod vault;

use std::fmt;

use witgate_codegen::names::nearest;

use crate::grants::{GrantsError, Pattern};
use detect::Detector;
use places::Place;

pub use vault::{OpenError, Sealing, Vault};

/// A kind of sealed value: `email`, `phone`, or a person's own word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(String);

/// What is sealed in the results of some tools.
#[derive(Debug, Clone)]
pub struct SealRule {
    /// Which tools.
    pub tools: Pattern,
    /// Where it was written.
    pub origin: String,
    places: Vec<Place>,
    /// Of what the places name.
    class: Class,
    detect: Vec<Detector>,
}

/// The class of places for which a person wrote none.
const UNNAMED: &str = "sealed";

/// Longest name of a class.
const LONGEST_NAME: usize = 32;

impl Class {
    /// A class by its name, as grants reveal it: lower-case letters, digits and hyphens, at most 32.
    ///
    /// # Errors
    /// When the name is none.
    pub fn named(name: &str, origin: &str) -> Result<Class, GrantsError> {
        Class::read("reveal", name, origin)
    }

    /// `email`, or the person's word.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    fn read(key: &'static str, name: &str, origin: &str) -> Result<Class, GrantsError> {
        let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(tokens::in_class);
        if fits {
            return Ok(Class(name.to_owned()));
        }
        Err(GrantsError::Value {
            key,
            given: format!("{name:?}"),
            origin: origin.to_owned(),
            message: "is no name of a class of sealed values".into(),
            hint: format!(
                "write lower-case letters, digits and hyphens, at most {LONGEST_NAME}; what detectors find has their names: {}",
                Detector::names()
            ),
        })
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SealRule {
    /// Reads a rule: `fields` are JSON pointers into results, whose part `*` stands for any key or index; `detect` are names
    /// of detectors.
    ///
    /// # Errors
    /// When a pointer or a name means nothing, or the rule seals nothing.
    pub fn new(
        tools: Pattern,
        fields: &[String],
        class: Option<&str>,
        detect: &[String],
        origin: String,
    ) -> Result<SealRule, GrantsError> {
        let error = |key, given, message: &str, hint| GrantsError::Value {
            key,
            given,
            origin: origin.clone(),
            message: message.into(),
            hint,
        };
        if fields.is_empty() && detect.is_empty() {
            let hint = format!(
                "say where, for example fields = [\"/email\", \"/phones/*\"], or what, detect = [\"email\"], of {}",
                Detector::names()
            );
            return Err(error(
                "fields",
                "[]".into(),
                "without `detect` seals nothing",
                hint,
            ));
        }
        if let (Some(class), true) = (class, fields.is_empty()) {
            return Err(error(
                "class",
                format!("{class:?}"),
                "names what `fields` point to, and there are none",
                "leave it out: what a detector finds has the detector's name as its class".into(),
            ));
        }
        let mut places = Vec::new();
        for field in fields {
            let place = Place::read(field)
                .map_err(|(why, hint)| error("fields", format!("{field:?}"), why, hint))?;
            places.push(place);
        }
        let mut detectors = Vec::new();
        for name in detect {
            let detector = Detector::named(name).ok_or_else(|| {
                let known = Detector::ALL.iter().map(|detector| detector.name());
                let hint = match nearest(name, known, 2).as_slice() {
                    [] => format!("there are {}", Detector::names()),
                    near => format!(
                        "did you mean {}? There are {}",
                        near.iter()
                            .map(|name| format!("`{name}`"))
                            .collect::<Vec<_>>()
                            .join(" or "),
                        Detector::names()
                    ),
                };
                error("detect", format!("{name:?}"), "is no detector", hint)
            })?;
            detectors.push(detector);
        }
        Ok(SealRule {
            class: Class::read("class", class.unwrap_or(UNNAMED), &origin)?,
            tools,
            places,
            detect: detectors,
            origin,
        })
    }

    /// The class of the places that it names, if it names any.
    pub(crate) fn class_of_places(&self) -> Option<&Class> {
        (!self.places.is_empty()).then_some(&self.class)
    }

    /// The classes of the values that it seals.
    #[must_use]
    pub fn classes(&self) -> Vec<Class> {
        let own = (!self.places.is_empty()).then(|| self.class.clone());
        let detected = self.detect.iter().map(|detector| detector.class());
        own.into_iter().chain(detected).collect()
    }
}

#[cfg(test)]
mod tests;
