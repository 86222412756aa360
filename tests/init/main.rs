//! `witgate init` with the real command, in a home folder and a project of its own: what becomes of the files of five clients,
//! and that all of it can be taken back. How single entries are translated, and single files edited, is the command's own test.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod layouts;
mod project;
mod refusals;
mod running;
mod undo;
mod user;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};
use witgate_tests::{Output, Stand, workspace};

/// What must never be told.
const SECRET: &str = "hunter2-hunter2";

/// A home folder and a project in it.
struct Place {
    stand: Stand,
}

impl Place {
    fn new() -> Place {
        let mut stand = Stand::new().unwrap();
        let home = stand.folder().join("home");
        std::fs::create_dir_all(home.join("p")).unwrap();
        stand.set("HOME", home.display().to_string());
        for name in [
            "XDG_CONFIG_HOME",
            "CODEX_HOME",
            "CLAUDE_CONFIG_DIR",
            "APPDATA",
            "USERPROFILE",
        ] {
            stand.set(name, "");
        }
        stand.enter("home/p");
        Place { stand }
    }

    /// A path from the home folder.
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.stand.folder().join("home").join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        self.stand.write(&format!("home/{name}"), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        self.stand.read(&format!("home/{name}"))
    }

    fn json(&self, name: &str) -> Value {
        let text = self.read(name);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"))
    }

    /// Runs `witgate init`; nothing that it says holds a secret.
    fn init(&self, arguments: &[&str], code: i32) -> Output {
        let output = self.stand.run(&[&["init"], arguments].concat()).unwrap();
        assert_eq!(output.code, Some(code), "{arguments:?}: {output:#?}");
        let told = format!("{}{}", output.stdout, output.stderr);
        assert!(
            !told.contains(SECRET) && !told.contains("hunter2"),
            "{told}"
        );
        output
    }

    /// Everything in the home folder: what stands in files, where links lead, who may do what.
    fn everything(&self) -> BTreeMap<String, (u32, Vec<u8>)> {
        let mut found = BTreeMap::new();
        let root = self.path("");
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let data = path.symlink_metadata().unwrap();
                let content = if data.is_symlink() {
                    std::fs::read_link(&path)
                        .unwrap()
                        .into_os_string()
                        .into_encoded_bytes()
                } else if data.is_dir() {
                    folders.push(path.clone());
                    Vec::new()
                } else {
                    std::fs::read(&path).unwrap()
                };
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                found.insert(name, (data.permissions().mode(), content));
            }
        }
        found
    }

    /// The entry that this command writes for most clients.
    fn entry(&self, configuration: &str) -> Value {
        json!({
            "command": workspace::binary().unwrap(),
            "args": ["serve", "--config", self.path(configuration)],
        })
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}
