//! The same as `program.js`, typed. The server declares no results, so they are texts.

use mcp::git::{
    GitAddArgs, GitDiffStagedArgs, GitDiffUnstagedArgs, GitLogArgs, git_add, git_diff_staged,
    git_diff_unstaged, git_log,
};
use witgate_guest::prelude::*;

/// What stands behind `key` in the lines of the log, which may quote it.
fn told<'a>(log: &'a str, key: &str) -> Vec<&'a str> {
    let values = log.lines().filter_map(|line| line.strip_prefix(key));
    values.map(|value| value.trim_matches('\'')).collect()
}

/// The lines that differ, without the names of the files.
fn changed(diff: &Value) -> Vec<&str> {
    let lines = diff.as_str().unwrap_or_default().lines();
    let differs = |line: &&str| {
        let mut characters = line.chars();
        let is_sign = |c: Option<char>| matches!(c, Some('+' | '-'));
        is_sign(characters.next()) && !matches!(characters.next(), None | Some('+' | '-'))
    };
    lines.filter(differs).collect()
}

async fn run(_: Value) -> Result<Value> {
    let repo_path = || "repository".to_string();
    let log = GitLogArgs {
        repo_path: repo_path(),
        max_count: Some(2),
        ..Default::default()
    };
    let log = git_log(log).await?;
    let log = log.as_str().context("the log is a text")?;
    let before = GitDiffUnstagedArgs {
        repo_path: repo_path(),
        ..Default::default()
    };
    let before = git_diff_unstaged(before).await?;
    let files = vec!["second.txt".to_string()];
    let added = git_add(GitAddArgs {
        repo_path: repo_path(),
        files,
        ..Default::default()
    })
    .await?;
    let staged = GitDiffStagedArgs {
        repo_path: repo_path(),
        context_lines: Some(0),
        ..Default::default()
    };
    let staged = git_diff_staged(staged).await?;
    Ok(json!({
        "commits": told(log, "Commit: "),
        "messages": told(log, "Message: "),
        "before": changed(&before),
        "added": added,
        "staged": changed(&staged),
    }))
}

program!(run);
