//: fails ToolError: forged
export default () => { throw Object.assign(Object.create(ToolError.prototype), { kind: "denied", tool: 7, message: "forged", detail: 1n }); };
