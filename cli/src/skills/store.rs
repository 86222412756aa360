//! The folder of skills beside the configuration, `.witgate/skills`: `NAME/skill.wasm`, `SKILL.md`, the source where it is
//! known, and `review.json`. The component is the truth: what it says of itself and its import section; the other files are
//! for people. Everything in the folder may have been put there by others, so it is bounded, and refused with what to do.

mod stamp;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use witgate_codegen::names::nearest;
use witgate_codegen::text::shown;
use witgate_host::outline::{Outline, outline};
use witgate_host::program::{LoadError, MAX_COMPONENT_BYTES};
use witgate_host::sections;

use super::error::SkillError;
use super::files::{self, ReadError};
use super::{Language, Manifest, declaration, is_name, skill_md};
use crate::digest::sha256;
use crate::failure::chain;

pub(crate) use stamp::Stamp;

const COMPONENT: &str = "skill.wasm";
const TEXT: &str = "SKILL.md";
const REVIEW: &str = "review.json";
/// The name of a source, without its ending.
const SOURCE: &str = "source";
const LANGUAGES: [Language; 3] = [Language::JavaScript, Language::TypeScript, Language::Rust];
/// Largest SKILL.md, source and review, in bytes.
const MAX_TEXT: usize = 4 << 20;
const MAX_SOURCE: usize = 1 << 20;
const MAX_REVIEW: usize = 4 << 10;
/// Most folders that are looked at, and most bytes of components that a list holds.
const MAX_SKILLS: usize = 1_000;
const MAX_LISTED: usize = 256 << 20;

/// A folder of skills. It need not be there: then there are none.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    folder: PathBuf,
}

/// A skill, as sound as its files can show.
#[derive(Debug, Clone)]
pub(crate) struct Skill {
    pub(crate) manifest: Manifest,
    /// A component that exports `run`; whether it is the contract's is seen when it is loaded.
    pub(crate) component: Vec<u8>,
    /// What lies beside it as its source. Nothing proves that the component was made of it.
    pub(crate) source: Option<String>,
    /// Of the component, in lower-case hex.
    pub(crate) sha256: String,
    /// Whether a person approved these very bytes.
    pub(crate) reviewed: bool,
    /// The same, and why not.
    pub(crate) review: Review,
    /// The component's imports and exports.
    pub(crate) outline: Outline,
}

/// What a person said of a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Review {
    /// Nothing yet.
    None,
    /// Approved, at this time in milliseconds since 1970.
    Approved(u64),
    /// Other bytes were approved than those that are there now.
    Changed,
    /// The file cannot be used, and why.
    Unreadable(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewFile {
    sha256: String,
    reviewed: u64,
}

impl Store {
    /// The store in this folder, which is made when something is kept.
    pub(crate) fn at(folder: PathBuf) -> Store {
        Store { folder }
    }

    /// The store beside a configuration, given the folder that holds that.
    pub(crate) fn beside(folder: &Path) -> Store {
        Store::at(folder.join(".witgate").join("skills"))
    }

    /// The component's file of a skill.
    pub(crate) fn component(&self, name: &str) -> PathBuf {
        self.path(name).join(COMPONENT)
    }

    /// Where a skill lies.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The sound skills by name, and a line for each folder that holds none, with what to do.
    pub(crate) fn list(&self) -> (Vec<Skill>, Vec<String>) {
        let (names, mut faults) = self.names();
        let (mut skills, mut bytes) = (Vec::new(), 0);
        for name in names {
            match self.load(&name) {
                Ok(skill) => {
                    bytes += skill.component.len();
                    if bytes > MAX_LISTED {
                        faults.push(format!(
                            "`{}` and what follows is not listed: the components before it are {MAX_LISTED} bytes; remove skills that nobody needs",
                            self.path(&name).display()
                        ));
                        break;
                    }
                    skills.push(skill);
                }
                // It went while this went through them.
                Err(SkillError::Unknown { .. }) => {}
                Err(error) => faults.push(format!("{}; {}", chain(&error), error.hint())),
            }
        }
        (skills, faults)
    }

    /// The names of folders, sorted, and a line for each thing that cannot be one.
    fn names(&self) -> (Vec<String>, Vec<String>) {
        let (mut names, mut faults) = (Vec::new(), Vec::new());
        let at = self.folder.display();
        match files::check_above(&self.folder).and_then(|()| files::check_folder(&self.folder)) {
            Ok(()) => {}
            Err(ReadError::Missing) => return (names, faults),
            Err(ReadError::Unfit { why, fix }) => {
                return (names, vec![format!("`{at}` {why}; {fix}")]);
            }
            Err(ReadError::Io(e)) => return (names, vec![format!("cannot read `{at}`: {e}")]),
        }
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) => return (names, vec![format!("cannot read `{at}`: {e}")]),
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Drafts of another process, and what systems and editors leave.
            if name.starts_with('.') {
                continue;
            }
            if !is_name(&name) {
                faults.push(format!(
                    "`{at}/{}`: no skill can be called so; rename the folder as its component says, or remove it",
                    shown(&name)
                ));
            } else if names.len() == MAX_SKILLS {
                faults.push(format!(
                    "more than {MAX_SKILLS} skills lie in `{at}`; remove those that nobody needs"
                ));
                break;
            } else {
                names.push(name);
            }
        }
        names.sort();
        faults.sort();
        (names, faults)
    }

    /// The skill of this name.
    pub(crate) fn get(&self, name: &str) -> Result<Skill, SkillError> {
        if !is_name(name) {
            return Err(SkillError::Name(name.to_owned()));
        }
        self.load(name).map_err(|error| match error {
            SkillError::Unknown { name, .. } => {
                let (names, _) = self.names();
                let nearest = nearest(&name, names.iter().map(String::as_str), 3);
                SkillError::Unknown { name, nearest }
            }
            other => other,
        })
    }

    /// As `get`, for a name that is one.
    fn load(&self, name: &str) -> Result<Skill, SkillError> {
        let unsound = |why: String, fix: String| SkillError::Unsound {
            name: name.to_owned(),
            why,
            fix,
        };
        let unread = |path: &Path, error: ReadError| {
            let path = path.display();
            let remove = format!("remove it where nobody needs it: `witgate skills remove {name}`");
            match error {
                ReadError::Missing => unsound(format!("there is no `{path}`"), remove),
                ReadError::Unfit { why, fix } => unsound(format!("`{path}` {why}"), fix),
                ReadError::Io(e) => unsound(
                    format!("cannot read `{path}`: {e}"),
                    "make it readable".to_owned(),
                ),
            }
        };
        let folder = self.path(name);
        files::check_above(&self.folder).map_err(|e| unread(&self.folder, e))?;
        for checked in [&self.folder, &folder] {
            match files::check_folder(checked) {
                Ok(()) => {}
                Err(ReadError::Missing) => {
                    let name = name.to_owned();
                    return Err(SkillError::Unknown {
                        name,
                        nearest: Vec::new(),
                    });
                }
                Err(error) => return Err(unread(checked, error)),
            }
        }
        let path = folder.join(COMPONENT);
        let component = files::read(&path, MAX_COMPONENT_BYTES).map_err(|e| unread(&path, e))?;
        let anew = || {
            format!(
                "make it anew from its source: `witgate skills remove {name}`, then `witgate skills add PROGRAM --name {name}`"
            )
        };
        let broken = |e: LoadError| unsound(chain(&e), anew());
        let said = sections::skill(&component)
            .map_err(broken)?
            .ok_or_else(|| {
                let fix = format!(
                    "keep it as one: `witgate skills add '{}' --name OTHER-NAME`",
                    path.display()
                );
                unsound(
                    format!("`{}` does not say that it is a skill", path.display()),
                    fix,
                )
            })?;
        let manifest = Manifest::parse(&said).map_err(|e| {
            unsound(
                format!("the section `{}`: {e}", sections::SKILL_SECTION),
                anew(),
            )
        })?;
        if manifest.name != name {
            let why = format!("its component is the skill `{}`", manifest.name);
            let fix = format!(
                "rename the folder `{}` to `{}`",
                folder.display(),
                manifest.name
            );
            return Err(unsound(why, fix));
        }
        let outline = fit(&component).map_err(|why| unsound(why, anew()))?;
        let source = self
            .source(name, manifest.language)
            .map_err(|(path, e)| unread(&path, e))?;
        let sha256 = sha256(&component);
        let review = review(&folder.join(REVIEW), &sha256);
        Ok(Skill {
            manifest,
            component,
            source,
            reviewed: matches!(review, Review::Approved(_)),
            review,
            sha256,
            outline,
        })
    }

    /// The source that lies beside a component in its language.
    fn source(
        &self,
        name: &str,
        language: Language,
    ) -> Result<Option<String>, (PathBuf, ReadError)> {
        let Some(ending) = language.ending() else {
            return Ok(None);
        };
        let path = self.path(name).join(format!("{SOURCE}.{ending}"));
        let bytes = match files::read(&path, MAX_SOURCE) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing) => return Ok(None),
            Err(error) => return Err((path, error)),
        };
        String::from_utf8(bytes).map(Some).map_err(|_| {
            let fix = format!("remove it: `{}`", path.display());
            (
                path,
                ReadError::Unfit {
                    why: "is not UTF-8 text".to_owned(),
                    fix,
                },
            )
        })
    }

    /// Keeps a component as a skill. One of the same name that nobody reviewed is replaced, all of its files or none; one that
    /// is reviewed is not, and one that cannot be used is not either. `component` may say already what it is; with the same
    /// words it stays as it is, byte for byte.
    pub(crate) fn keep(
        &self,
        manifest: &Manifest,
        component: &[u8],
        source: Option<&str>,
    ) -> Result<Skill, SkillError> {
        let name = manifest.name.clone();
        if !is_name(&name) {
            return Err(SkillError::Name(name));
        }
        let unfit = |why: String| SkillError::Unfit {
            name: name.clone(),
            why,
        };
        let component = stamped(manifest, component).map_err(unfit)?;
        fit(&component).map_err(unfit)?;
        if let Some(source) = source.filter(|source| source.len() > MAX_SOURCE) {
            return Err(unfit(format!(
                "its source is {} bytes, at most {MAX_SOURCE} are kept",
                source.len()
            )));
        }
        match self.load(&name) {
            Ok(before) if before.sha256 == sha256(&component) => {
                // What came without a source takes none away, and a review stays one.
                if before.reviewed || source.is_none() || before.source.as_deref() == source {
                    return Ok(before);
                }
                self.replace(manifest, &component, source)?;
            }
            Ok(before) if before.reviewed => return Err(SkillError::Reviewed(name)),
            Ok(_) => self.replace(manifest, &component, source)?,
            Err(SkillError::Unknown { .. }) => self.create(manifest, &component, source)?,
            Err(error) => return Err(error),
        }
        self.load(&name)
    }

    /// A folder that is made beside its place and then moved there.
    fn create(
        &self,
        manifest: &Manifest,
        component: &[u8],
        source: Option<&str>,
    ) -> Result<(), SkillError> {
        let place = self.path(&manifest.name);
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| SkillError::Io { path, source }
        };
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let mut draft = tempfile::Builder::new();
        draft.prefix(".draft-");
        #[cfg(unix)]
        draft.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755));
        let draft = draft.tempdir_in(&self.folder).map_err(at(&self.folder))?;
        for (file, bytes) in written(manifest, component, source) {
            let path = draft.path().join(&file);
            fs::write(&path, bytes).map_err(at(&place.join(file)))?;
        }
        fs::rename(draft.path(), &place).map_err(at(&place))
    }

    /// Drafts of all files first, for that is where it can fail; what else a person put into the folder stays.
    fn replace(
        &self,
        manifest: &Manifest,
        component: &[u8],
        source: Option<&str>,
    ) -> Result<(), SkillError> {
        let place = self.path(&manifest.name);
        let at = |path: PathBuf| move |source| SkillError::Io { path, source };
        let drafts: Vec<_> = written(manifest, component, source)
            .into_iter()
            .map(|(file, bytes)| {
                let draft = files::draft(&place, &bytes).map_err(at(place.join(&file)))?;
                Ok((place.join(file), draft))
            })
            .collect::<Result<_, SkillError>>()?;
        // A review of other bytes, and a source that would pass for this component's.
        let sources = LANGUAGES.iter().filter_map(|language| language.ending());
        let others = sources.map(|ending| format!("{SOURCE}.{ending}"));
        for other in others.chain([REVIEW.to_owned()]) {
            let path = place.join(other);
            match files::remove(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(path)(e)),
                _ => {}
            }
        }
        for (path, draft) in drafts {
            draft.persist(&path).map_err(|e| at(path)(e.error))?;
        }
        Ok(())
    }

    /// Marks the skill as reviewed, if its component is the one with this SHA-256.
    pub(crate) fn approve(&self, name: &str, sha256: &str) -> Result<Skill, SkillError> {
        let skill = self.get(name)?;
        if skill.sha256 != sha256 {
            return Err(SkillError::Changed {
                name: skill.manifest.name,
                found: skill.sha256,
            });
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let file = ReviewFile {
            sha256: sha256.to_owned(),
            reviewed: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
        };
        // Strings and numbers always serialise.
        let text = serde_json::to_vec(&file).unwrap_or_default();
        let folder = self.path(name);
        let path = folder.join(REVIEW);
        let written = files::draft(&folder, &text)
            .and_then(|draft| draft.persist(&path).map_err(|e| e.error));
        written.map_err(|source| SkillError::Io { path, source })?;
        self.get(name)
    }

    /// What is to be said where SKILL.md is not the one that was written for the component.
    pub(crate) fn text_differs(&self, skill: &Skill) -> Option<String> {
        let name = &skill.manifest.name;
        let path = self.path(name).join(TEXT);
        let text = skill_md(&skill.manifest, &declaration(&skill.manifest));
        let why = match files::read(&path, MAX_TEXT) {
            Ok(found) if found == text.as_bytes() => return None,
            Ok(_) => "is not what was written for this component, which is shown above".to_owned(),
            Err(ReadError::Missing) => "is missing".to_owned(),
            Err(ReadError::Unfit { why, .. }) => why,
            Err(ReadError::Io(e)) => format!("cannot be read: {e}"),
        };
        Some(format!("`{}` {why}", path.display()))
    }

    /// Removes a skill with all that is in its folder, sound or not.
    pub(crate) fn remove(&self, name: &str) -> Result<(), SkillError> {
        if !is_name(name) {
            return Err(SkillError::Name(name.to_owned()));
        }
        let place = self.path(name);
        if fs::symlink_metadata(&place).is_err() {
            // With the names that are like it.
            return self.get(name).map(drop);
        }
        let at = |source| SkillError::Io {
            path: place.clone(),
            source,
        };
        // Out of its place at once: nobody sees half of it.
        let away = tempfile::Builder::new()
            .prefix(".removed-")
            .tempdir_in(&self.folder)
            .map_err(at)?;
        fs::rename(&place, away.path().join(name)).map_err(at)?;
        files::remove(away.path()).map_err(at)
    }
}

/// The files of a skill.
fn written(manifest: &Manifest, component: &[u8], source: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let text = skill_md(manifest, &declaration(manifest));
    let mut files = vec![
        (COMPONENT.to_owned(), component.to_vec()),
        (TEXT.to_owned(), text.into_bytes()),
    ];
    if let (Some(ending), Some(source)) = (manifest.language.ending(), source) {
        files.push((format!("{SOURCE}.{ending}"), source.as_bytes().to_vec()));
    }
    files
}

/// The component with the manifest in it.
fn stamped(manifest: &Manifest, component: &[u8]) -> Result<Vec<u8>, String> {
    let said = sections::skill(component).map_err(|e| chain(&e))?;
    if said.is_some_and(|said| Manifest::parse(&said).is_ok_and(|before| before == *manifest)) {
        return Ok(component.to_vec());
    }
    let data = manifest.to_json().map_err(|e| e.to_string())?;
    sections::with_skill(component, &data).map_err(|e| chain(&e))
}

/// What a component imports and exports, if it is one that can be run.
fn fit(component: &[u8]) -> Result<Outline, String> {
    let outline = outline(component).map_err(|e| chain(&e))?;
    match outline.exports.iter().any(|export| export == "run") {
        true => Ok(outline),
        false => Err(chain(&LoadError::NoRun)),
    }
}

fn review(path: &Path, sha256: &str) -> Review {
    let text = match files::read(path, MAX_REVIEW) {
        Ok(text) => text,
        Err(ReadError::Missing) => return Review::None,
        Err(ReadError::Unfit { why, .. }) => {
            return Review::Unreadable(format!("`{REVIEW}` {why}"));
        }
        Err(ReadError::Io(e)) => {
            return Review::Unreadable(format!("`{REVIEW}` cannot be read: {e}"));
        }
    };
    match serde_json::from_slice::<ReviewFile>(&text) {
        Ok(file) if file.sha256 == sha256 => Review::Approved(file.reviewed),
        Ok(_) => Review::Changed,
        Err(e) => Review::Unreadable(format!("`{REVIEW}` is damaged: {e}")),
    }
}

#[cfg(test)]
mod tests;
