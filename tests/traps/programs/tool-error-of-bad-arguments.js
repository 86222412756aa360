//: result ["invalid-arguments","invalid-arguments","invalid-arguments","invalid-arguments","invalid-arguments","invalid-arguments","invalid-arguments"]
//: calls 0
import { getIssue, listIssues } from "mcp:demo";
const kind = async (run) => {
  try {
    await run();
    return "fine";
  } catch (e) {
    if (!(e instanceof ToolError)) throw e;
    return e.kind;
  }
};
export default () => Promise.all([
  kind(() => getIssue({ number: "7" })),
  kind(() => getIssue({ number: 1.5 })),
  kind(() => getIssue({ numbr: 7 })),
  kind(() => getIssue(7)),
  kind(() => getIssue([7])),
  kind(() => getIssue(null)),
  kind(() => listIssues({ state: new Map() })),
]);
