//! The skills that a program may call, as the tools of the server `skills`, and the way from a name to the very bytes that were
//! looked at: what lies in the folder by then may be another's.

use std::collections::{BTreeMap, BTreeSet};

use witgate_codegen::catalog::{Server, ServerInfo};
use witgate_host::{Host, Program};

use super::{Skill, Store};
use crate::failure::chain;

/// Some skills of a store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visible {
    /// As a program sees them.
    pub(crate) server: Server,
    /// SHA-256 of their components.
    digests: BTreeMap<String, String>,
    /// The servers whose tools they say that they call.
    servers: BTreeSet<String>,
}

impl Visible {
    /// Those that `seen` picks.
    pub(crate) fn of(store: &Store, seen: impl Fn(&Skill) -> bool) -> Visible {
        let (skills, _) = store.list();
        let mut visible = Visible::default();
        visible.server.info = Some(ServerInfo {
            name: "witgate-skills".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        });
        for skill in skills.iter().filter(|skill| seen(skill)) {
            visible.server.tools.push(skill.manifest.tool());
            let digest = (skill.manifest.name.clone(), skill.sha256.clone());
            visible.digests.extend([digest]);
            let servers = skill
                .manifest
                .tools
                .iter()
                .filter_map(|tool| tool.split_once('/'));
            visible
                .servers
                .extend(servers.map(|(server, _)| server.to_owned()));
        }
        visible
    }

    /// The servers whose tools they say that they call. What they do call is seen when they are found.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &str> {
        self.servers.iter().map(String::as_str)
    }

    /// The program of one of them.
    ///
    /// # Errors
    /// A clause that says why there is none.
    pub(crate) fn find(&self, store: &Store, host: &Host, name: &str) -> Result<Program, String> {
        let seen = self
            .digests
            .get(name)
            .ok_or("it is not there, or not reviewed")?;
        let skill = store.get(name).map_err(|error| chain(&error))?;
        if skill.sha256 != *seen {
            return Err("its component has just been replaced; try again".to_owned());
        }
        Program::load(host, &skill.component).map_err(|error| chain(&error))
    }
}
