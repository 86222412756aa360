//: logs plain 1 true null undefined {"a":[1,2]}
//: logs -0 NaN 7n [function f] Symbol(s)
//: logs {"Map":[["a",1]]}
//: logs {"x":"[circular]"}
//: logs 2 of 100% done {"a":1}
//: logs [Promise]
//: logs assertion failed: no
//: logs mine: 2
//: logs [class C]
//: logs {"big":"1n","nan":"NaN","f":"[function f]","e":"[TypeError: t]","r":"/x/g"}
//: result null
export default function () {
  console.log("plain", 1, true, null, undefined, { a: [1, 2] });
  console.info(-0, NaN, 7n, function f() {}, Symbol("s"));
  console.debug(new Map([["a", 1]]), new Set([1]));
  const x = {}; x.x = x; console.warn(x);
  console.log("%d of 100%% %s %j", 2, "done", { a: 1 });
  console.error(Promise.resolve(), new Uint8Array(2), new Date(0), new Date(NaN));
  console.assert(true, "yes"); console.assert(false, "no");
  console.count("mine"); console.count("mine"); console.countReset("mine");
  console.time("t"); console.timeLog("t"); console.timeEnd("t");
  console.group("g"); console.groupCollapsed("h"); console.groupEnd(); console.groupEnd();
  console.table([{ a: 1 }]); console.dir({}); console.dirxml({}); console.trace("here");
  console.log(class C {}, { get bad() { throw new Error("getter"); } });
  console.log({ big: 1n, nan: NaN, f() {}, e: new TypeError("t"), r: /x/g });
  console.log(); console.log("%s"); console.log("50% off", 1);
}
