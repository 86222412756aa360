//: builds-not `mcp:demo` has no default export
//: hint import tools by name
import demo from "mcp:demo";
export default () => demo;
