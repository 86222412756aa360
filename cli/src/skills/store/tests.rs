//! A store is kept, read back and reviewed; and what others may have put there: each is told with what to do about it, and none
//! leads out of the folder.
#![allow(clippy::unwrap_used)]

use std::sync::OnceLock;

use serde_json::json;

use super::*;

/// A linked JavaScript component.
fn component() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = "export default () => 1;";
        let built = witgate_builder::js::build_js(source, "p.js", &[], |_, link| link()).unwrap();
        built.to_bytes()
    })
}

fn manifest(name: &str) -> Manifest {
    Manifest {
        name: name.to_owned(),
        description: "Says one.".to_owned(),
        language: Language::JavaScript,
        tools: Vec::new(),
        input: None,
        output: Some(json!({"type": "integer"})),
    }
}

struct Ground {
    folder: tempfile::TempDir,
    store: Store,
}

fn ground() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(folder.path().join(".witgate/skills"));
    Ground { folder, store }
}

impl Ground {
    fn keep(&self, name: &str) -> Skill {
        let source = Some("export default () => 1;");
        self.store
            .keep(&manifest(name), component(), source)
            .unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(".witgate/skills").join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// The one line about what is not sound, and that `get` says the same.
    fn fault(&self) -> String {
        let (skills, faults) = self.store.list();
        assert!(skills.is_empty());
        assert_eq!(faults.len(), 1, "{faults:#?}");
        faults[0].clone()
    }

    fn names(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.file(name)).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_skill_is_kept_and_read_back() {
    let ground = ground();
    assert_eq!(ground.store.list().0.len(), 0);
    let kept = ground.keep("say-one");
    let read = ground.store.get("say-one").unwrap();
    assert_eq!(read.manifest, manifest("say-one"));
    assert_eq!(
        (read.component, read.sha256.clone()),
        (kept.component, kept.sha256)
    );
    assert_eq!(read.source.as_deref(), Some("export default () => 1;"));
    assert_eq!((read.reviewed, read.review), (false, Review::None));
    assert_eq!(
        ground.names("say-one"),
        ["SKILL.md", "skill.wasm", "source.js"]
    );
    assert_eq!(ground.names(""), ["say-one"]);
    let text = fs::read_to_string(ground.file("say-one/SKILL.md")).unwrap();
    assert!(text.starts_with("---\nname: say-one\n"), "{text}");
    // What is on disk is the component that it was made of, and what it says of itself.
    let bytes = fs::read(ground.file("say-one/skill.wasm")).unwrap();
    assert_eq!(sha256(&bytes), read.sha256);
    assert!(bytes.starts_with(component()));
    // Kept again as it is, it is the same file.
    let again = ground.store.keep(&read.manifest, &bytes, None).unwrap();
    assert_eq!((again.sha256, again.source), (read.sha256, read.source));
}

#[test]
fn one_that_nobody_reviewed_is_replaced_and_a_reviewed_one_is_not() {
    let ground = ground();
    let first = ground.keep("say-one");
    ground.write("say-one/notes.txt", "mine");
    let mut other = manifest("say-one");
    (other.description, other.language) = ("Says it anew.".to_owned(), Language::TypeScript);
    let second = ground
        .store
        .keep(&other, component(), Some("typed"))
        .unwrap();
    assert_ne!(first.sha256, second.sha256);
    assert_eq!(
        ground.names("say-one"),
        ["SKILL.md", "notes.txt", "skill.wasm", "source.ts"]
    );

    let error = ground.store.approve("say-one", &first.sha256).unwrap_err();
    assert!(matches!(error, SkillError::Changed { .. }), "{error}");
    assert!(!ground.store.get("say-one").unwrap().reviewed);
    let approved = ground.store.approve("say-one", &second.sha256).unwrap();
    assert!(
        approved.reviewed
            && matches!(approved.review, Review::Approved(at) if at > 1_600_000_000_000)
    );

    let error = ground
        .store
        .keep(&manifest("say-one"), component(), None)
        .unwrap_err();
    assert!(matches!(error, SkillError::Reviewed(_)), "{error}");
    assert!(
        error.hint().contains("witgate skills remove say-one"),
        "{}",
        error.hint()
    );
    // The very same one may be kept again: nothing changes, and it stays reviewed.
    let same = ground
        .store
        .keep(&other, component(), Some("another source"))
        .unwrap();
    assert!(same.reviewed && same.source.as_deref() == Some("typed"));
    assert_eq!(ground.names(""), ["say-one"]);

    ground.store.remove("say-one").unwrap();
    assert!(ground.names("").is_empty());
    ground.keep("say-one");
}

#[test]
fn a_review_is_of_these_bytes_and_no_others() {
    let ground = ground();
    let kept = ground.keep("say-one");
    ground.store.approve("say-one", &kept.sha256).unwrap();
    let mut other = manifest("say-one");
    other.description = "Does something else.".to_owned();
    ground.write("say-one/skill.wasm", stamped(&other, component()).unwrap());
    let changed = ground.store.get("say-one").unwrap();
    assert_eq!((changed.reviewed, changed.review), (false, Review::Changed));
    // It counts as one that nobody reviewed; its old review goes with it.
    ground.keep("say-one");
    assert_eq!(ground.store.get("say-one").unwrap().review, Review::None);

    for text in [
        "{}".to_owned(),
        "[]".to_owned(),
        format!(
            "{{\"sha256\":\"{}\",\"reviewed\":1,\"by\":\"me\"}}",
            kept.sha256
        ),
        format!("{{\"sha256\":\"{}\",\"reviewed\":-1}}", kept.sha256),
        " ".repeat(5_000),
    ] {
        ground.write("say-one/review.json", &text);
        let skill = ground.store.get("say-one").unwrap();
        assert!(
            !skill.reviewed && matches!(skill.review, Review::Unreadable(_)),
            "{text}"
        );
    }
    ground.write(
        "say-one/review.json",
        format!(
            "{{\"sha256\":\"{}\",\"reviewed\":1}}",
            kept.sha256.to_uppercase()
        ),
    );
    assert!(!ground.store.get("say-one").unwrap().reviewed);
    ground.store.approve("say-one", &kept.sha256).unwrap();
    assert!(ground.store.get("say-one").unwrap().reviewed);
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let ground = ground();
    ground.keep("say-one");
    fs::write(ground.folder.path().join("outside.txt"), "outside").unwrap();
    for name in [
        "..",
        "../..",
        "../../outside.txt",
        "/etc",
        "say-one/../say-one",
        "say-one/skill.wasm",
        ".",
        "",
        "say_one",
        "a\0b",
    ] {
        let get = ground.store.get(name).unwrap_err();
        let remove = ground.store.remove(name).unwrap_err();
        let approve = ground.store.approve(name, "").unwrap_err();
        let keep = ground
            .store
            .keep(&manifest(name), component(), None)
            .unwrap_err();
        for error in [get, remove, approve, keep] {
            assert!(matches!(error, SkillError::Name(_)), "{name}: {error}");
        }
    }
    assert!(ground.folder.path().join("outside.txt").exists());
    assert_eq!(ground.names(""), ["say-one"]);
}

#[test]
fn a_name_that_is_not_there_is_told_with_those_like_it() {
    let ground = ground();
    let error = ground.store.get("say-one").unwrap_err();
    assert_eq!(error.hint(), "`witgate skills list` shows what is there");
    ground.keep("say-one");
    for error in [
        ground.store.get("say-on").unwrap_err(),
        ground.store.remove("say-on").unwrap_err(),
    ] {
        assert_eq!(error.hint(), "did you mean `say-one`?");
    }
}

#[test]
fn a_component_that_does_not_fit_its_folder() {
    let ground = ground();
    let kept = ground.keep("say-one");
    fs::rename(ground.file("say-one"), ground.file("say-two")).unwrap();
    let fault = ground.fault();
    assert!(
        fault.contains(
            "`say-two` cannot be used: its component is the skill `say-one`; rename the folder"
        ),
        "{fault}"
    );
    let error = ground
        .store
        .keep(&manifest("say-two"), component(), None)
        .unwrap_err();
    assert!(matches!(error, SkillError::Unsound { .. }), "{error}");

    for (bytes, why) in [
        (b"".to_vec(), "not a WebAssembly component"),
        (b"\0asm\x01\0\0\0".to_vec(), "core module"),
        (
            b"\0asm\x0d\0\x01\0".to_vec(),
            "does not say that it is a skill",
        ),
        (component().to_vec(), "does not say that it is a skill"),
        (
            kept.component[..kept.component.len() - 9].to_vec(),
            "not valid",
        ),
        (
            sections::with_skill(component(), b"{}").unwrap(),
            "`witgate:skill`: it is damaged",
        ),
        (
            stamped(&manifest("say-two"), b"\0asm\x0d\0\x01\0").unwrap(),
            "does not export `run",
        ),
    ] {
        ground.write("say-two/skill.wasm", bytes);
        let fault = ground.fault();
        assert!(fault.contains(why), "{why}: {fault}");
        assert!(fault.contains("witgate skills "), "{fault}");
    }
    fs::remove_file(ground.file("say-two/skill.wasm")).unwrap();
    assert!(ground.fault().contains("witgate skills remove say-two"));
    fs::create_dir(ground.file("say-two/skill.wasm")).unwrap();
    assert!(ground.fault().contains("is no regular file"));
    ground.store.remove("say-two").unwrap();
    assert_eq!(ground.store.list().1, Vec::<String>::new());
}

#[test]
fn what_lies_about_is_told() {
    let ground = ground();
    ground.keep("say-one");
    ground.write("Read Me/skill.wasm", "x");
    ground.write("file", "x");
    ground.write(".draft-1/skill.wasm", "x");
    let (skills, faults) = ground.store.list();
    assert_eq!(skills.len(), 1);
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(
        faults[0].contains("/Read Me`: no skill can be called so")
            || faults[1].contains("/Read Me`: no skill can be called so")
    );
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("/file` is no folder"))
    );
}

#[test]
fn large_files_are_not_read() {
    let ground = ground();
    ground.keep("say-one");
    let grow = |name: &str, bytes: usize| {
        let file = fs::File::options()
            .write(true)
            .open(ground.file(name))
            .unwrap();
        file.set_len(bytes as u64).unwrap();
    };
    ground.write("say-one/source.js", vec![0xff; 10]);
    assert!(ground.fault().contains("is not UTF-8 text"));
    grow("say-one/source.js", MAX_SOURCE + 1);
    assert!(ground.fault().contains("at most 1048576 are read"));
    fs::remove_file(ground.file("say-one/source.js")).unwrap();
    grow("say-one/skill.wasm", 1 << 33);
    assert!(ground.fault().contains("at most 16777216 are read"));
    let error = ground
        .store
        .keep(
            &manifest("other"),
            component(),
            Some(&"x".repeat(MAX_SOURCE + 1)),
        )
        .unwrap_err();
    assert!(matches!(error, SkillError::Unfit { .. }), "{error}");
    assert!(!ground.file("other").exists());
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let ground = ground();
    let outside = ground.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    for file in ["skill.wasm", "source.js"] {
        let kept = ground.keep("say-one");
        fs::write(outside.join(file), &kept.component).unwrap();
        fs::remove_file(ground.file("say-one").join(file)).unwrap();
        symlink(outside.join(file), ground.file("say-one").join(file)).unwrap();
        let fault = ground.fault();
        assert!(
            fault.contains("is a link; put a file in its place"),
            "{fault}"
        );
        ground.store.remove("say-one").unwrap();
        assert!(outside.join(file).exists());
    }
    // A review that is a link is none, and a new one takes the link's place.
    let kept = ground.keep("say-one");
    fs::write(
        outside.join("review"),
        format!("{{\"sha256\":\"{}\",\"reviewed\":1}}", kept.sha256),
    )
    .unwrap();
    symlink(outside.join("review"), ground.file("say-one/review.json")).unwrap();
    assert!(!ground.store.get("say-one").unwrap().reviewed);
    assert!(
        ground
            .store
            .approve("say-one", &kept.sha256)
            .unwrap()
            .reviewed
    );
    assert!(
        fs::read_to_string(outside.join("review"))
            .unwrap()
            .ends_with("\"reviewed\":1}")
    );
    // A whole folder that is a link.
    fs::rename(ground.file("say-one"), outside.join("say-one")).unwrap();
    symlink(outside.join("say-one"), ground.file("say-one")).unwrap();
    assert!(ground.fault().contains("is a link"));
    assert!(
        ground
            .store
            .keep(&manifest("say-one"), component(), None)
            .is_err()
    );
    ground.store.remove("say-one").unwrap();
    assert!(outside.join("say-one/skill.wasm").exists() && !ground.file("say-one").exists());
    // A pipe is not waited for.
    ground.keep("say-one");
    fs::remove_file(ground.file("say-one/source.js")).unwrap();
    symlink("/dev/zero", ground.file("say-one/source.js")).unwrap();
    assert!(ground.fault().contains("is a link"));
}

#[cfg(unix)]
#[test]
fn what_everybody_may_write_is_not_taken() {
    use std::os::unix::fs::PermissionsExt as _;
    let ground = ground();
    let kept = ground.keep("say-one");
    ground.store.approve("say-one", &kept.sha256).unwrap();
    let open = |name: &str, mode: u32| {
        fs::set_permissions(ground.file(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    open("say-one/review.json", 0o666);
    assert!(!ground.store.get("say-one").unwrap().reviewed);
    for name in ["say-one/skill.wasm", "say-one", ""] {
        open(name, 0o777);
        let fault = ground.fault();
        assert!(
            fault.contains("can be written by everybody") && fault.contains("chmod o-w"),
            "{fault}"
        );
        assert!(ground.store.get("say-one").is_err());
        open(name, 0o755);
    }
    open("..", 0o777);
    let fault = ground.fault();
    assert!(
        fault.contains("can be replaced by everybody") && fault.contains("chmod o-w"),
        "{fault}"
    );
    assert!(ground.store.get("say-one").is_err());
    open("..", 0o1777);
    ground.store.get("say-one").unwrap();
}
