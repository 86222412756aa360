//: builds-not cannot import at run time
//: at 4:37
//: hint name the tools at the top
export default async () => { (await import("mcp:demo")).listIssues(); };
