//! Questions as files, for another process of the same person to answer: `ID.question.json` is there as long as the question
//! waits, `ID.answer.json` is consumed once. Whoever can write the folder can say yes, so it has to be the person's own.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Answer, AskError, Asker, Asking, Question};

mod folder;
mod process;

use process::Identity;

/// How often an answer is looked for.
const POLL: Duration = Duration::from_millis(100);
/// The largest file that is read: a question of 1,000 calls, each of the largest.
const MAX_BYTES: u64 = 1 << 30;
const QUESTION: &str = ".question.json";
const ANSWER: &str = ".answer.json";
const VERSION: u32 = 1;

/// A folder of questions. As an [`Asker`] it puts one there and waits for the answer.
#[derive(Debug, Clone)]
pub struct Queue {
    folder: PathBuf,
}

/// Why a queue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Others could answer, or read what is asked.
    #[error("`{}` {why}", .folder.display())]
    Unsafe {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("cannot use `{}`", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("`{}` is no question of this version of witgate: {why}", .path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No question has the id.
    #[error("no question `{id}` waits")]
    Unknown {
        /// As given.
        id: String,
    },
    /// Several questions' ids start so.
    #[error("`{id}` is short for several questions: {}", .ids.join(", "))]
    Ambiguous {
        /// As given.
        id: String,
        /// Theirs.
        ids: Vec<String>,
    },
    /// Somebody was faster.
    #[error("question `{id}` is answered already")]
    Answered {
        /// Its id.
        id: String,
    },
    /// Its process is gone.
    #[error("question `{id}` is stale: {why}")]
    Stale {
        /// Its id.
        id: String,
        /// Why nobody waits for an answer.
        why: String,
    },
}

impl QueueError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            QueueError::Unsafe { folder, .. } => format!(
                "name a folder of your own that others cannot write, with `--folder DIR` or in `WITGATE_STATE`, or mend this one: `chmod 700 {}`",
                folder.display()
            ),
            QueueError::Io { .. } => {
                "name another folder with `--folder DIR` or in `WITGATE_STATE`".to_owned()
            }
            QueueError::Malformed { path, .. } => {
                format!("remove it where nobody needs it: `{}`", path.display())
            }
            QueueError::Unknown { .. } | QueueError::Answered { .. } | QueueError::Stale { .. } => {
                "`witgate approvals list` shows what waits".to_owned()
            }
            QueueError::Ambiguous { .. } => "give more of its id".to_owned(),
        }
    }
}

/// A question in the folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// What is asked.
    pub question: Question,
    /// Whether somebody waits for the answer.
    pub state: State,
}

/// Whether somebody waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Yes.
    Waiting,
    /// It has one, not yet consumed.
    Answered,
    /// No.
    Stale {
        /// Why not.
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionFile {
    version: u32,
    process: Identity,
    question: Question,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    version: u32,
    question: String,
    answers: Vec<Answered>,
}

/// An answer names what it answers, so that it cannot be good for anything else.
#[derive(Serialize, Deserialize)]
struct Answered {
    digest: String,
    #[serde(flatten)]
    answer: Answer,
}

impl Queue {
    /// Opens a folder, which is made where missing, for its owner alone.
    ///
    /// # Errors
    /// [`QueueError::Unsafe`] or [`QueueError::Io`].
    pub fn open(folder: &Path) -> Result<Queue, QueueError> {
        folder::make(folder)?;
        folder::check(folder)?;
        Ok(Queue {
            folder: folder.to_owned(),
        })
    }

    /// Every question, the oldest first, and what is wrong with files that hold none. Stale ones are told once more and
    /// removed, as are answers to questions that are gone.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<(Vec<Posted>, Vec<QueueError>), QueueError> {
        folder::check(&self.folder)?;
        let at = |source| self.io(&self.folder, source);
        let mut found = Vec::new();
        let mut faults = Vec::new();
        let mut answers = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(at)? {
            let name = entry.map_err(at)?.file_name();
            let Some(name) = name.to_str() else { continue };
            if let Some(id) = name.strip_suffix(ANSWER) {
                answers.push(id.to_owned());
            } else if let Some(id) = name.strip_suffix(QUESTION) {
                match self.read(id) {
                    Ok(Some(posted)) => found.push(posted),
                    Ok(None) => {}
                    Err(fault) => faults.push(fault),
                }
            }
        }
        for Posted { question, state } in &found {
            if matches!(state, State::Stale { .. }) {
                self.remove(&question.id);
            }
        }
        for id in answers {
            if !self.path(&id, QUESTION).exists() {
                // It answers nothing any more, or its question was a moment ago consumed.
                let _ = fs::remove_file(self.path(&id, ANSWER));
            }
        }
        found.sort_by(|a, b| {
            (a.question.asked, &a.question.id).cmp(&(b.question.asked, &b.question.id))
        });
        Ok((found, faults))
    }

    /// The question with this id, or the only one whose id starts so.
    ///
    /// # Errors
    /// There is none, or several.
    pub fn find(&self, id: &str) -> Result<Posted, QueueError> {
        let (found, faults) = self.list()?;
        let mut fitting: Vec<Posted> = found
            .into_iter()
            .filter(|posted| !id.is_empty() && posted.question.id.starts_with(id))
            .collect();
        if let Some(exact) = fitting.iter().position(|p| p.question.id == id) {
            return Ok(fitting.swap_remove(exact));
        }
        if fitting.len() > 1 {
            return Err(QueueError::Ambiguous {
                id: id.to_owned(),
                ids: fitting.into_iter().map(|p| p.question.id).collect(),
            });
        }
        let unreadable = faults.into_iter().find(|fault| match fault {
            QueueError::Malformed { path, .. } => *path == self.path(id, QUESTION),
            _ => false,
        });
        fitting
            .pop()
            .ok_or_else(|| unreadable.unwrap_or(QueueError::Unknown { id: id.to_owned() }))
    }

    /// Answers a question that waits, one answer for each item.
    ///
    /// # Errors
    /// It does not wait any more.
    pub fn answer(&self, posted: &Posted, answers: Vec<Answer>) -> Result<(), QueueError> {
        let Posted { question, state } = posted;
        let id = question.id.clone();
        match state {
            State::Waiting => {}
            State::Answered => return Err(QueueError::Answered { id }),
            State::Stale { why } => {
                let why = why.clone();
                return Err(QueueError::Stale { id, why });
            }
        }
        let items = question.items.iter();
        let file = AnswerFile {
            version: VERSION,
            question: id.clone(),
            answers: items
                .zip(answers)
                .map(|(item, answer)| Answered {
                    digest: item.digest.clone(),
                    answer,
                })
                .collect(),
        };
        let path = self.path(&id, ANSWER);
        match self.put(&path, &file) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(QueueError::Answered { id });
            }
            Err(source) => return Err(self.io(&path, source)),
        }
        // Where it was withdrawn meanwhile, nobody takes the answer away. Where it was consumed, it is gone.
        if !self.path(&id, QUESTION).exists() && fs::remove_file(&path).is_ok() {
            return Err(QueueError::Unknown { id });
        }
        Ok(())
    }

    fn read(&self, id: &str) -> Result<Option<Posted>, QueueError> {
        let path = self.path(id, QUESTION);
        let malformed = |why: String| QueueError::Malformed {
            path: path.clone(),
            why,
        };
        let text = match folder::read(&path, MAX_BYTES) {
            Ok(text) => text,
            // Answered or withdrawn a moment ago.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(malformed(error.to_string())),
        };
        let file: QuestionFile =
            serde_json::from_slice(&text).map_err(|e| malformed(e.to_string()))?;
        let QuestionFile {
            version,
            process,
            question,
        } = file;
        if version != VERSION {
            return Err(malformed(format!("its version is {version}")));
        }
        if question.id != id {
            return Err(malformed("its name is not its id".to_owned()));
        }
        let now = crate::call::now();
        let timeout = u64::try_from(question.timeout.as_millis()).unwrap_or(u64::MAX);
        let state = if let Some(why) = process.gone() {
            State::Stale { why }
        } else if now
            > question
                .asked
                .saturating_add(timeout)
                .saturating_add(60_000)
        {
            // The process would have withdrawn it.
            State::Stale {
                why: "its time is over".to_owned(),
            }
        } else if self.path(id, ANSWER).exists() {
            State::Answered
        } else {
            State::Waiting
        };
        Ok(Some(Posted { question, state }))
    }

    /// The answers, once they are there.
    fn consume(&self, question: &Question) -> Option<Result<Vec<Answer>, AskError>> {
        let path = self.path(&question.id, ANSWER);
        // The folder may be another one by now.
        if path.exists()
            && let Err(error) = folder::check(&self.folder)
        {
            return Some(Err(AskError::Unavailable(error.to_string())));
        }
        let text = match folder::read(&path, MAX_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                let why = format!("cannot read `{}`: {error}", path.display());
                return Some(Err(AskError::Unavailable(why)));
            }
        };
        // Taken away before the question, so that whoever wrote it can tell that it arrived.
        let _ = fs::remove_file(&path);
        Some(read_answers(question, &text))
    }

    fn post(&self, question: &Question) -> Result<(), QueueError> {
        folder::check(&self.folder)?;
        let path = self.path(&question.id, QUESTION);
        // An answer that was there before the question answers something else.
        match fs::remove_file(self.path(&question.id, ANSWER)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(self.io(&path, error));
            }
            _ => {}
        }
        let file = QuestionFile {
            version: VERSION,
            process: Identity::own(),
            question: question.clone(),
        };
        self.put(&path, &file).map_err(|e| self.io(&path, e))
    }

    /// Writes a file that must not be there yet, whole, readable by its owner alone.
    fn put(&self, path: &Path, value: &impl Serialize) -> io::Result<()> {
        // A temporary file is made with mode 0600.
        let mut draft = tempfile::Builder::new()
            .prefix(".draft-")
            .tempfile_in(&self.folder)?;
        let mut text = serde_json::to_vec(value)?;
        text.push(b'\n');
        draft.write_all(&text)?;
        draft.persist_noclobber(path)?;
        Ok(())
    }

    /// The question first: as long as it is there, an answer may be written.
    fn remove(&self, id: &str) {
        let _ = fs::remove_file(self.path(id, QUESTION));
        let _ = fs::remove_file(self.path(id, ANSWER));
    }

    fn path(&self, id: &str, suffix: &str) -> PathBuf {
        self.folder.join(format!("{id}{suffix}"))
    }

    fn io(&self, path: &Path, source: io::Error) -> QueueError {
        QueueError::Io {
            path: path.to_owned(),
            source,
        }
    }
}

fn read_answers(question: &Question, text: &[u8]) -> Result<Vec<Answer>, AskError> {
    let unfit = |why: &str| AskError::Unfit(why.to_owned());
    let file: AnswerFile = serde_json::from_slice(text)
        .map_err(|e| AskError::Unfit(format!("it is malformed: {e}")))?;
    if file.version != VERSION {
        return Err(unfit("it is of another version"));
    }
    if file.question != question.id {
        return Err(unfit("it is for another question"));
    }
    if file.answers.len() != question.items.len() {
        return Err(unfit("it is not one answer for each call"));
    }
    let mut answers = Vec::with_capacity(file.answers.len());
    for (item, answered) in question.items.iter().zip(file.answers) {
        if item.digest != answered.digest {
            return Err(unfit("it is for another call"));
        }
        answers.push(answered.answer);
    }
    Ok(answers)
}

/// A question in the folder, for as long as it is asked.
struct Standing<'a> {
    queue: &'a Queue,
    id: &'a str,
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.queue.remove(self.id);
    }
}

impl Asker for Queue {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        Box::pin(async move {
            let failed = |e: QueueError| {
                AskError::Unavailable(match std::error::Error::source(&e) {
                    Some(cause) => format!("{e}: {cause}"),
                    None => e.to_string(),
                })
            };
            let _standing = Standing {
                queue: self,
                id: &question.id,
            };
            self.post(question).map_err(failed)?;
            loop {
                if let Some(answers) = self.consume(question) {
                    return answers;
                }
                if !self.path(&question.id, QUESTION).exists() {
                    return Err(AskError::Unavailable(
                        "somebody removed the question".to_owned(),
                    ));
                }
                tokio::time::sleep(POLL).await;
            }
        })
    }
}

#[cfg(all(test, unix))]
mod tests;
