//: result "mine"
globalThis.__witgate.run = () => "{}";
globalThis.__witgate.servers = null;
globalThis.__witgate = null;
globalThis.$witgate_dropped = null;
globalThis.ToolError = class {};
globalThis.Promise = class {};
export default () => "mine";
