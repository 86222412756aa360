// `console`, for programs that mention it. Lines go to the host, which adds the level; groups are not indented and tables are
// told as JSON.
{
  // `%s`, `%d` ... of a first string take the parts that follow, as everywhere.
  const print = (level, parts) => {
    let rest = parts;
    if (typeof parts[0] === "string" && parts.length > 1 && parts[0].includes("%")) {
      let next = 1;
      const first = parts[0].replace(/%([sdifjoOc%])/g, (all, kind) => {
        if (kind === "%") return "%";
        if (next >= parts.length) return all;
        const part = parts[next++];
        if (kind === "c") return "";
        if (kind === "d" || kind === "f") return String(typeof part === "bigint" ? part : Number(part));
        return kind === "i" ? String(Math.trunc(Number(part))) : late().show(part);
      });
      rest = [first, ...parts.slice(next)];
    }
    contract.console.log(level, rest.map((part) => late().show(part)).join(" ").toWellFormed());
  };
  const log = (level) => (...parts) => print(level, parts);
  const counts = new Map();
  const clocks = new Map();
  const lap = (label) => `${label}: ${now() - (clocks.get(label) ?? now())} ms`;
  globalThis.console = {
    debug: log("debug"),
    log: log("info"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    dir: (value) => print("info", [value]),
    dirxml: log("info"),
    table: (value) => print("info", [value]),
    trace: (...parts) => print("debug", [...parts, `\n${new Error().stack}`]),
    group: (...parts) => void (parts.length > 0 && print("info", parts)),
    groupCollapsed: (...parts) => void (parts.length > 0 && print("info", parts)),
    groupEnd() {},
    assert: (condition, ...parts) => void (condition || print("error", ["assertion failed:", ...parts])),
    count(label = "default") {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      print("info", [`${label}: ${counts.get(label)}`]);
    },
    countReset: (label = "default") => void counts.delete(label),
    time: (label = "default") => void clocks.set(label, now()),
    timeLog: (label = "default", ...parts) => print("info", [lap(label), ...parts]),
    timeEnd(label = "default") {
      print("info", [lap(label)]);
      clocks.delete(label);
    },
  };
}
