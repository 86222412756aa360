// Reads the log and the diff as text, stages a file, and sees that it is staged.
import { gitAdd, gitDiffStaged, gitDiffUnstaged, gitLog } from "mcp:git";

const repo_path = "repository";

export default async function () {
  const log = await gitLog({ repo_path, max_count: 2 });
  const before = await gitDiffUnstaged({ repo_path });
  const added = await gitAdd({ repo_path, files: ["second.txt"] });
  const staged = await gitDiffStaged({ repo_path, context_lines: 0 });
  const changed = (diff) => diff.split("\n").filter((line) => /^[+-][^+-]/.test(line));
  return {
    commits: log.match(/(?<=Commit: '?)[0-9a-f]{40}/g),
    messages: log.match(/(?<=Message: '?)[a-z ]+/g),
    before: changed(before),
    added,
    staged: changed(staged),
  };
}
