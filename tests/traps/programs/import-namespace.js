//: builds-not a program names each tool
//: hint import tools by name
import * as demo from "mcp:demo";
export default () => demo.list_issues();
