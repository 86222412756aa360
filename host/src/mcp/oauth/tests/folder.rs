//! The folder of credentials: who can read it, what is in it, and who may renew.

use super::*;

fn credentials(access: &str) -> Credentials {
    Credentials {
        issuer: Some("https://login.example".to_owned()),
        client_id: "client".to_owned(),
        client_secret: Some("client-secret-1".to_owned()),
        access_token: access.to_owned(),
        refresh_token: Some("refresh-1".to_owned()),
        expires: Some(2_000_000_000),
        scopes: vec!["read".to_owned()],
        wanted: vec!["write".to_owned()],
        challenge: Some("Bearer".to_owned()),
        allow_private: true,
    }
}

const URL: &str = "https://mcp.example/mcp";

#[test]
fn credentials_come_back_by_name_and_address() {
    let top = tempfile::tempdir().unwrap();
    let folder = TokenFolder::new(top.path().join("a/b"));
    assert_eq!(folder.load("s", URL).unwrap(), None);
    assert!(!folder.remove("s", URL).unwrap());
    folder.save("s", URL, &credentials("one")).unwrap();
    folder.save("s", URL, &credentials("two")).unwrap();
    folder.save("../s", URL, &credentials("three")).unwrap();
    assert_eq!(folder.load("s", URL).unwrap(), Some(credentials("two")));
    assert_eq!(
        folder.load("../s", URL).unwrap(),
        Some(credentials("three"))
    );
    // The parts of the key are told apart.
    assert_eq!(folder.load("shttps://mcp.", "example/mcp").unwrap(), None);
    assert!(folder.remove("s", URL).unwrap());
    assert_eq!(folder.load("s", URL).unwrap(), None);
    let files = std::fs::read_dir(top.path().join("a/b")).unwrap();
    let names: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.len() == 1 && names[0].starts_with("---s-") && names[0].ends_with(".json"),
        "{names:?}"
    );
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_them_and_what_others_could_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let top = tempfile::tempdir().unwrap();
    let place = top.path().join("credentials");
    let folder = TokenFolder::new(&place);
    folder.save("s", URL, &credentials("one")).unwrap();
    let file = std::fs::read_dir(&place)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place), mode(&file)), (0o700, 0o600));
    for open in [0o640, 0o604, 0o602] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(open)).unwrap();
        let error = folder.load("s", URL).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
        assert!(
            error.to_string().contains(&format!("mode {open:o}")),
            "{error}"
        );
    }
    // A new login mends it.
    folder.save("s", URL, &credentials("two")).unwrap();
    assert_eq!(mode(&file), 0o600);
    std::fs::write(&file, "{\"access_token\": \"hunter2-hunter2\", \"x\": }").unwrap();
    let error = folder.load("s", URL).unwrap_err().to_string();
    assert!(
        error.contains("is broken at 1:") && !error.contains("hunter2"),
        "{error}"
    );
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(
        folder
            .load("s", URL)
            .unwrap_err()
            .to_string()
            .contains("no regular file")
    );
}

#[test]
fn one_renews_at_a_time() {
    let top = tempfile::tempdir().unwrap();
    let folder = TokenFolder::new(top.path());
    let first = folder.try_lock("s", URL).unwrap();
    assert!(first.is_some() && folder.try_lock("s", URL).unwrap().is_none());
    assert!(folder.try_lock("t", URL).unwrap().is_some());
    drop(first);
    assert!(folder.try_lock("s", URL).unwrap().is_some());
}
