//: fails TypeError: the result is not JSON: a TypeError at /error
export default () => { try { null.x; } catch (error) { return { ok: false, error }; } };
