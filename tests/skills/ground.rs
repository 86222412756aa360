//! A folder with a configuration and small programs, and a real registry: the Debian package `docker-registry`, on a port of its
//! own, with its data in a folder that a test may edit.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use witgate_tests::{Output, Stand, workspace};

const CONFIGURATION: &str =
    r#"{"mcpServers": {"demo": {"command": "witgate", "args": ["demo-server"]}}}"#;
/// Calls nothing, so that no server is started for it.
const HELLO: &str =
    "/** Greets whoever is named. */\nexport default (input) => ({ hello: input.name });\n";
const COUNT: &str = "// Counts the open issues\n// of a tracker.\nimport { list_issues } from \"mcp:demo\";\n\nexport default async function (input) {\n  const issues = await list_issues({ state: \"open\", per_page: input.most });\n  return { open: issues.length };\n}\n";
/// How long the registry may take to listen.
const START: Duration = Duration::from_secs(30);

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The annotation of a signature, and the tag under which those of a manifest lie.
pub(crate) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

pub(crate) fn sig_tag(digest: &str) -> String {
    format!("{}.sig", digest.replace(':', "-"))
}

/// Nothing but what was pushed from is kept.
pub(crate) fn nothing_kept(stand: &Stand) {
    let listed = ok_json(stand, &["skills", "list", "--json"]);
    assert_eq!(listed["skills"].as_array().unwrap().len(), 1, "{listed:#}");
}

/// A stand with `hello.js` and `count.js`.
pub(crate) fn stand() -> Stand {
    let stand = Stand::new().unwrap();
    stand.write(".mcp.json", CONFIGURATION).unwrap();
    stand.write("hello.js", HELLO).unwrap();
    stand.write("count.js", COUNT).unwrap();
    stand
}

/// A stand in which `hello` is kept, with the keys `team` and `other`.
pub(crate) fn with_hello() -> Stand {
    let mut stand = stand();
    // Nobody's credentials.
    let nowhere = stand.folder().join("no-docker").display().to_string();
    stand.set("DOCKER_CONFIG", nowhere);
    ok(&stand, &["skills", "add", "hello.js"]);
    ok(&stand, &["skills", "keygen", "-o", "team"]);
    ok(&stand, &["skills", "keygen", "-o", "other"]);
    stand
}

pub(crate) fn ok(stand: &Stand, arguments: &[&str]) -> Output {
    let output = stand.run(arguments).unwrap();
    assert_eq!(output.code, Some(0), "{arguments:?}: {output:#?}");
    output
}

pub(crate) fn ok_json(stand: &Stand, arguments: &[&str]) -> Value {
    let output = ok(stand, arguments);
    serde_json::from_str(&output.stdout).unwrap()
}

/// A command that fails with this code, says these words, and has a hint.
pub(crate) fn fails(stand: &Stand, arguments: &[&str], code: i32, words: &[&str]) -> Output {
    let output = stand.run(arguments).unwrap();
    assert_eq!(output.code, Some(code), "{arguments:?}: {output:#?}");
    for word in words {
        assert!(output.stderr.contains(word), "{word}: {}", output.stderr);
    }
    assert!(output.stderr.contains("\nhint: "), "{}", output.stderr);
    output
}

/// The component of a skill of the stand.
pub(crate) fn component(name: &str) -> String {
    format!(".witgate/skills/{name}/skill.wasm")
}

pub(crate) fn bytes(stand: &Stand, path: &str) -> Vec<u8> {
    std::fs::read(stand.folder().join(path)).unwrap()
}

/// A registry that runs.
pub(crate) struct Registry {
    process: Child,
    folder: tempfile::TempDir,
    /// `127.0.0.1:PORT`
    pub(crate) host: String,
}

impl Registry {
    /// Starts it; none where it is not installed. `more` are lines of its configuration below `http:` and on the top level.
    pub(crate) fn start(http: &str, top: &str) -> Option<Registry> {
        if !has("docker-registry") {
            return None;
        }
        let folder = tempfile::Builder::new()
            .prefix("witgate-registry-")
            .tempdir()
            .unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let host = format!("127.0.0.1:{port}");
        let data = folder.path().join("data");
        let configuration = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n{http}{top}",
            data.display()
        );
        let file = folder.path().join("config.yml");
        std::fs::write(&file, configuration).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let registry = Registry {
            process,
            folder,
            host,
        };
        let deadline = Instant::now() + START;
        while TcpStream::connect(&registry.host).is_err() {
            let log = || std::fs::read_to_string(registry.folder.path().join("log"));
            assert!(
                Instant::now() < deadline,
                "the registry does not listen: {:?}",
                log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(registry)
    }

    pub(crate) fn plain() -> Option<Registry> {
        Registry::start("", "")
    }

    /// `HOST/REPOSITORY:TAG`
    pub(crate) fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", self.host)
    }

    /// Speaks HTTP with it and gives back the status, the digest it names, and the body.
    pub(crate) fn http(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        // With 1.0 the body ends where the connection does.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAccept: {MANIFEST}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
        };
        let named = header("docker-content-digest").or(header("location"));
        (
            status,
            named.unwrap_or_default(),
            answer[end + 4..].to_vec(),
        )
    }

    /// A manifest and its digest.
    pub(crate) fn manifest(&self, repository: &str, tag: &str) -> (Value, String) {
        let (status, digest, body) =
            self.http("GET", &format!("/v2/{repository}/manifests/{tag}"), "", b"");
        assert_eq!(status, 200, "{repository}:{tag}");
        (serde_json::from_slice(&body).unwrap(), digest)
    }

    /// Puts a manifest under a tag.
    pub(crate) fn put(&self, repository: &str, tag: &str, manifest: &Value) {
        let body = manifest.to_string();
        let path = format!("/v2/{repository}/manifests/{tag}");
        let (status, _, answer) = self.http("PUT", &path, MANIFEST, body.as_bytes());
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
    }

    /// Puts a blob into a repository.
    pub(crate) fn put_blob(&self, repository: &str, digest: &str, bytes: &[u8]) {
        let (status, location, _) =
            self.http("POST", &format!("/v2/{repository}/blobs/uploads/"), "", b"");
        assert_eq!(status, 202);
        let path = location.split_once(&self.host).unwrap().1.to_owned();
        let path = format!("{path}&digest={digest}");
        let (status, _, answer) = self.http("PUT", &path, "application/octet-stream", bytes);
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
    }

    pub(crate) fn blob(&self, repository: &str, digest: &str) -> Vec<u8> {
        let (status, _, body) =
            self.http("GET", &format!("/v2/{repository}/blobs/{digest}"), "", b"");
        assert_eq!(status, 200);
        body
    }

    /// The file in which it keeps a blob.
    pub(crate) fn file(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = self
            .folder
            .path()
            .join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    /// The file that says which manifest a tag means.
    pub(crate) fn link(&self, repository: &str, tag: &str) -> PathBuf {
        let repositories = self
            .folder
            .path()
            .join("data/docker/registry/v2/repositories");
        repositories
            .join(repository)
            .join("_manifests/tags")
            .join(tag)
            .join("current/link")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It fails only where the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether a command of the system is there; where `./test` should have brought it, it must be.
pub(crate) fn has(name: &str) -> bool {
    let found = installed(name).is_some();
    assert!(
        found || !workspace::nothing_may_be_skipped(),
        "`{name}` is not installed"
    );
    if !found {
        eprintln!("skipped: no `{name}`; `./test --install` brings it");
    }
    found
}

fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found.find(|path| path.is_file())
}

/// Runs a command of the system in a folder; it must not fail.
pub(crate) fn system(folder: &Path, command: &[&str]) -> String {
    let output = Command::new(command[0])
        .args(&command[1..])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
